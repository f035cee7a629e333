#include "report/stored_device.hpp"

#include <cstdint>
#include <limits>

namespace gpushard {
namespace {

constexpr double most_bytes_per_second = 1e18;
constexpr std::int64_t most_numa_nodes = 65536;
constexpr std::size_t most_holders = 65536;

DeviceKind kind_of(const JsonReader& json, const std::string& spec) {
    if (!json.has("kind")) return spec.rfind("cpu", 0) == 0 ? DeviceKind::cpu : DeviceKind::cuda;
    const std::string kind = json["kind"].string();
    for (const DeviceKind known : {DeviceKind::cpu, DeviceKind::cuda}) {
        if (kind == to_string(known)) return known;
    }
    throw json["kind"].wrong("cpu or cuda");
}

MemoryHolder stored_holder(const JsonReader& json) {
    MemoryHolder holder;
    holder.pid = json["pid"].integer(0, std::numeric_limits<std::int32_t>::max());
    if (json.has("name")) holder.name = json["name"].string();
    if (json.has("bytes")) holder.bytes = json["bytes"].bytes();
    return holder;
}

void read_card_values(const JsonReader& json, DeviceInfo& card) {
    if (json.has("context_measured")) card.context_measured = json["context_measured"].boolean();
    if (json.has("compute_capability")) card.compute_capability = json["compute_capability"].string();
    if (json.has("numa_node")) card.numa_node = static_cast<int>(json["numa_node"].integer(0, most_numa_nodes));
    if (json.has("peers")) card.peers = json["peers"].strings(max_json_devices);
    if (!json.has("holders")) return;
    for (const JsonReader& holder : json["holders"].elements(most_holders)) {
        card.holders.push_back(stored_holder(holder));
    }
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
    read_card_values(json, device);
    if (device.free_bytes > device.total_bytes) {
        throw json["free_bytes"].wrong("at most total_bytes, " + std::to_string(device.total_bytes));
    }
    return device;
}

}  // namespace gpushard
