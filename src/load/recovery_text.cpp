#include "load/recovery_text.hpp"

#include <algorithm>
#include <cstdint>

namespace gpushard {
namespace {

/// "a, b and c"; of many the first few and how many more.
std::string listed(const std::vector<std::string>& names) {
    constexpr std::size_t most_named = 6;
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), most_named); ++i) {
        const bool last = i + 1 == names.size();
        text += (i == 0 ? "" : last ? " and " : ", ") + names[i];
    }
    if (names.size() > most_named) text += " and " + std::to_string(names.size() - most_named) + " more";
    return text;
}

std::int64_t rows_on(const PlacementPlan& plan, std::size_t device) {
    return device < plan.devices.size() ? plan.devices[device].rows.count() : 0;
}

std::string percent(double share) {
    const double rounded = 100 * share + 0.5;
    return rounded < 1 ? "less than 1 %" : std::to_string(static_cast<int>(rounded)) + " %";
}

}  // namespace

std::string device_label(const PlacementPlan& plan, std::size_t device) {
    const std::string& spec = plan.devices[device].device.spec;
    const auto shares_spec = [&](const ShardPlacement& other) { return other.device.spec == spec; };
    if (std::count_if(plan.devices.begin(), plan.devices.end(), shares_spec) == 1) return spec;
    return spec + " (device " + std::to_string(device + 1) + " of the plan)";
}

std::string devices_found_fuller(const PlacementPlan& plan, const std::vector<DeviceInfo>& rig) {
    std::vector<std::string> found;
    for (std::size_t i = 0; i < rig.size(); ++i) {
        const Bytes planned = plan.devices[i].memory.peak();
        if (rig[i].free_bytes >= planned) continue;
        found.push_back(device_label(plan, i) + " had " + format_bytes(rig[i].free_bytes) + " free where " +
                        format_bytes(planned) + " were planned");
    }
    return listed(found);
}

std::string what_changed(const PlacementPlan& before, const PlacementPlan& after) {
    std::int64_t moved = 0;
    std::vector<std::string> takers;
    bool tiles_differ = false;
    for (std::size_t i = 0; i < std::max(before.devices.size(), after.devices.size()); ++i) {
        const std::int64_t gained = rows_on(after, i) - rows_on(before, i);
        if (gained > 0) takers.push_back(device_label(after, i));
        if (gained < 0) moved -= gained;
        tiles_differ =
            tiles_differ || (gained == 0 && rows_on(after, i) > 0 && before.devices[i].tile != after.devices[i].tile);
    }
    if (takers.empty()) return tiles_differ ? "the same rows, searched in other tiles" : "";
    const double copies = static_cast<double>(after.index.count) * after.options.replicas;
    return percent(static_cast<double>(moved) / copies) + " of the rows moved to " + listed(takers);
}

}  // namespace gpushard
