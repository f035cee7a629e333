#include <algorithm>
#include <string_view>

#include <fmt/core.h>

#include <gpushard/printable_text.hpp>
#include <gpushard/report.hpp>

#include "core/memory_holders.hpp"
#include "report/json_values.hpp"
#include "report/text_table.hpp"

namespace gpushard {

namespace {

Bytes used_bytes(const DeviceInfo& device) {
    return device.total_bytes > device.free_bytes ? device.total_bytes - device.free_bytes : 0;
}

std::string remark_on(const DeviceInfo& device) {
    std::string remark = device.pci;
    if (device.planning_only) remark += remark.empty() ? "planning only" : ", planning only";
    return remark;
}

/// "A100-SXM4-80GB" of "NVIDIA A100-SXM4-80GB": every card's name begins so.
std::string name_cell(const DeviceInfo& device) {
    static constexpr std::string_view vendor = "NVIDIA ";
    const bool drop = device.kind == DeviceKind::cuda && device.name.rfind(vendor, 0) == 0;
    return shorten(printable(drop ? device.name.substr(vendor.size()) : device.name), 22);
}

std::string context_cell(const DeviceInfo& device) {
    if (device.kind != DeviceKind::cuda) return "";
    if (device.context_bytes == 0 && !device.context_measured) return "is there";
    return (device.context_measured ? "" : "~") + format_bytes(device.context_bytes);
}

std::string bandwidth_cell(const DeviceInfo& device) {
    return device.bytes_per_second > 0 ? fmt::format("{:.0f} GB/s", device.bytes_per_second / 1e9) : "unknown";
}

/// Who holds what of a card, and what nobody is known to hold.
std::string holder_lines(const DeviceInfo& card) {
    constexpr std::size_t most_shown = 8;
    std::string text;
    for (std::size_t i = 0; i < std::min(card.holders.size(), most_shown); ++i) {
        const MemoryHolder& holder = card.holders[i];
        text += fmt::format("    {:>10}  {}\n", holder.bytes == 0 ? "unknown" : format_bytes(holder.bytes),
                            printable(process_of(holder)));
    }
    if (card.holders.size() > most_shown) {
        text += fmt::format("    and {} more processes\n", card.holders.size() - most_shown);
    }
    const Bytes used = used_bytes(card);
    const Bytes known = held_bytes(card);
    if (used > card.total_bytes / 2 && known < used / 2 && !card.planning_only) {
        text += fmt::format("    {:>10}  processes that cannot be seen from here\n", format_bytes(used - known));
    }
    return text.empty() ? text : fmt::format("  {} is used by\n", printable(card.spec)) + text;
}

}  // namespace

std::string to_text(const std::vector<DeviceInfo>& rig) {
    TextTable table({{"device", Align::left},
                     {"name", Align::left},
                     {"sm"},
                     {"total"},
                     {"free"},
                     {"in use"},
                     {"context"},
                     {"bandwidth"},
                     {"numa"},
                     {"", Align::left}});
    bool assumed = false;
    std::string holders;
    for (const DeviceInfo& device : rig) {
        const bool is_card = device.kind == DeviceKind::cuda;
        assumed = assumed || (is_card && device.context_bytes > 0 && !device.context_measured);
        table.add({shorten(printable(device.spec), 28), name_cell(device),
                   shorten(printable(device.compute_capability), 5), format_bytes(device.total_bytes),
                   format_bytes(device.free_bytes), format_bytes(used_bytes(device)), context_cell(device),
                   bandwidth_cell(device), device.numa_node < 0 ? "" : std::to_string(device.numa_node),
                   printable(remark_on(device))});
        if (is_card) holders += holder_lines(device);
    }
    std::string text = table.render() + holders;
    if (assumed) text += "  ~ assumed; gpushard devices --measure measures it\n";
    return text;
}

std::string to_json(const std::vector<DeviceInfo>& rig) {
    Json json = json_header();
    Json devices = Json::array();
    for (const DeviceInfo& device : rig) devices.push_back(json_value(device));
    json["devices"] = std::move(devices);
    return dump(json);
}

}  // namespace gpushard
