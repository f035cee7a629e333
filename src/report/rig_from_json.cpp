#include <algorithm>

#include <gpushard/report.hpp>

#include "core/likely_bandwidth.hpp"
#include "report/json_reader.hpp"
#include "report/stored_device.hpp"

namespace gpushard {
namespace {

DeviceInfo rig_device(const JsonReader& json) {
    DeviceInfo device = stored_device(json);
    if (!json.has("free_bytes")) device.free_bytes = device.total_bytes;
    if (!json.has("context_bytes") && device.kind == DeviceKind::cuda) {
        device.context_bytes = std::min(assumed_context_bytes, device.free_bytes);
    }
    if (device.bytes_per_second <= 0) device.bytes_per_second = likely_bytes_per_second(device);
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
