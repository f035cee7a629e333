#include "report/stored_device.hpp"

namespace gpushard {
namespace {

constexpr double most_bytes_per_second = 1e18;

DeviceKind kind_of(const JsonReader& json, const std::string& spec) {
    if (!json.has("kind")) return spec.rfind("cpu", 0) == 0 ? DeviceKind::cpu : DeviceKind::cuda;
    const std::string kind = json["kind"].string();
    for (const DeviceKind known : {DeviceKind::cpu, DeviceKind::cuda}) {
        if (kind == to_string(known)) return known;
    }
    throw json["kind"].wrong("cpu or cuda");
}

}  // namespace

DeviceInfo stored_device(const JsonReader& json) {
    DeviceInfo device;
    device.spec = json["spec"].string();
    if (device.spec.empty()) throw json["spec"].wrong("a device such as cuda:0");
    device.name = json["name"].string();
    device.kind = kind_of(json, device.spec);
    device.total_bytes = json["total_bytes"].bytes();
    if (json.has("uuid")) device.uuid = json["uuid"].string();
    if (json.has("pci")) device.pci = json["pci"].string();
    if (json.has("free_bytes")) device.free_bytes = json["free_bytes"].bytes();
    if (json.has("context_bytes")) device.context_bytes = json["context_bytes"].bytes();
    for (const char* key : {"bytes_per_second", "memory_bytes_per_second"}) {
        if (json.has(key)) device.bytes_per_second = json[key].number(0, most_bytes_per_second);
    }
    if (json.has("planning_only")) device.planning_only = json["planning_only"].boolean();
    if (device.free_bytes > device.total_bytes) {
        throw json["free_bytes"].wrong("at most total_bytes, " + std::to_string(device.total_bytes));
    }
    return device;
}

}  // namespace gpushard
