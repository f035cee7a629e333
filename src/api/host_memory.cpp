#include "api/host_memory.hpp"

#include <algorithm>
#include <string>

namespace gpushard {
namespace {

Bytes free_on_host() { return system_inventory().host().free_bytes; }

bool is_on_host(const DeviceInfo& device) { return device.kind == DeviceKind::cpu && !device.planning_only; }

}  // namespace

void check_host_memory(const PlacementPlan& plan) {
    Bytes needed = plan.host_staging_bytes;
    bool on_host = false;
    for (const ShardPlacement& placement : plan.devices) {
        if (placement.rows.count() == 0 || placement.device.kind != DeviceKind::cpu) continue;
        on_host = true;
        needed = checked_add(needed, placement.memory.peak());
    }
    if (!on_host) return;
    const Bytes free = free_on_host();
    if (needed <= free) return;
    throw InsufficientMemory(
        "host: the devices on the host need " + format_bytes(needed) + " with staging, this process may use " +
            format_bytes(free) + ": short by " + format_bytes(needed - free),
        needed - free, {{"cpu", needed, free, needed - free}}, {}, {{"device", std::string("cpu")}});
}

void cap_host_memory(std::vector<DeviceInfo>& rig, PlanOptions& options) {
    Bytes promised = options.spill_bytes;
    for (const DeviceInfo& device : rig) {
        if (is_on_host(device)) promised = checked_add(promised, device.free_bytes);
    }
    if (promised == 0) return;
    const Bytes free = free_on_host();
    const Bytes usable = free - std::min(free, options.staging_bytes);
    if (promised <= usable) return;
    const double part = static_cast<double>(usable) / static_cast<double>(promised);
    const auto cap = [&](Bytes bytes) { return static_cast<Bytes>(static_cast<double>(bytes) * part); };
    options.spill_bytes = cap(options.spill_bytes);
    for (DeviceInfo& device : rig) {
        if (is_on_host(device)) device.free_bytes = cap(device.free_bytes);
    }
}

InsufficientMemory within_host_memory(const InsufficientMemory& refusal) {
    Bytes free = 0;
    try {
        free = free_on_host();
    } catch (const DeviceError&) {
        return refusal;  // what the host could hold is unknown; the refusal is not about it
    }
    constexpr const char* spill_flag = "--spill ";
    std::vector<Alternative> offers = refusal.alternatives();
    std::erase_if(offers, [&](const Alternative& offer) {
        return offer.flags.starts_with(spill_flag) &&
               parse_bytes(offer.flags.substr(std::string(spill_flag).size())) > free;
    });
    InsufficientMemory within(refusal.what(), refusal.short_bytes(), refusal.devices(), std::move(offers),
                              refusal.fields());
    for (const std::string& hint : refusal.hints()) within.add_hint(hint);
    return within;
}

}  // namespace gpushard
