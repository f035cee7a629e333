#include <algorithm>
#include <cctype>

#include <gpushard/report.hpp>

#include "report/json_reader.hpp"
#include "report/stored_device.hpp"

namespace gpushard {
namespace {

/// Bandwidths for devices of a rig typed by hand without one and not in the catalogue: what a current data centre card
/// has, and the host's assumed one. They only weigh devices against each other.
constexpr double assumed_card_bytes_per_second = 2e12;
constexpr double assumed_host_bytes_per_second = 25e9;

bool same_letters(const std::string& a, const std::string& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

double likely_bandwidth(const DeviceInfo& device) {
    for (const KnownCard& card : known_cards()) {
        if (same_letters(card.name, device.name) || same_letters(card.name, device.spec)) return card.bytes_per_second;
    }
    return device.kind == DeviceKind::cuda ? assumed_card_bytes_per_second : assumed_host_bytes_per_second;
}

DeviceInfo rig_device(const JsonReader& json) {
    DeviceInfo device = stored_device(json);
    if (!json.has("free_bytes")) device.free_bytes = device.total_bytes;
    if (!json.has("context_bytes") && device.kind == DeviceKind::cuda) {
        device.context_bytes = std::min(assumed_context_bytes, device.free_bytes);
    }
    if (device.bytes_per_second <= 0) device.bytes_per_second = likely_bandwidth(device);
    device.planning_only = true;
    return device;
}

}  // namespace

std::vector<DeviceInfo> rig_from_json(std::string_view json, const std::string& name) {
    const nlohmann::json parsed = parse_json(json, name);
    const JsonReader rig(parsed, name);
    if (rig.has("schema_version")) {
        rig["schema_version"].must_be(schema_version, "the version this build reads");
    }
    std::vector<DeviceInfo> devices;
    for (const JsonReader& device : rig["devices"].elements(max_json_devices)) devices.push_back(rig_device(device));
    if (devices.empty()) throw rig["devices"].wrong("at least one device");
    return devices;
}

std::vector<DeviceInfo> read_rig(const std::filesystem::path& path) {
    return rig_from_json(read_json_file(path), path.string());
}

}  // namespace gpushard
