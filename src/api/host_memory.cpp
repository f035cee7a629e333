#include "api/host_memory.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>
#include <string>

#include "core/answer_memory.hpp"
#include "cpu/host_budgets.hpp"

namespace gpushard {
namespace {

Bytes free_on_host() { return system_inventory().host().free_bytes; }

/// What loads at the same time were promised since the first of them began. What they have touched is missing from the
/// free memory, what they have not is not: so both the memory before them and the memory now are asked.
struct LoadsUnderWay {
    std::mutex mutex;
    int count = 0;
    Bytes free_before = 0;
    Bytes promised = 0;
};

LoadsUnderWay& loads_under_way() {
    static LoadsUnderWay loads;
    return loads;
}

/// 0 for a plan without devices on the host: cards do not compete for it.
Bytes needed_on_host(const PlacementPlan& plan) {
    const bool on_host = std::any_of(plan.devices.begin(), plan.devices.end(), [](const ShardPlacement& placement) {
        return placement.rows.count() > 0 && placement.device.kind == DeviceKind::cpu;
    });
    return on_host ? plan.host_peak_bytes() : 0;
}

InsufficientMemory short_of_host_memory(Bytes needed, Bytes usable) {
    const Bytes lacking = needed - usable;
    return InsufficientMemory("host: the devices on the host need " + format_bytes(needed) +
                                  " with staging and answers, this process may use " + format_bytes(usable) +
                                  ": short by " + format_bytes(lacking),
                              lacking, {{"cpu", needed, usable, lacking}}, {}, {{"device", std::string("cpu")}});
}

bool is_on_host(const DeviceInfo& device) { return device.kind == DeviceKind::cpu && !device.planning_only; }

}  // namespace

HostClaim::HostClaim(const PlacementPlan& plan) : bytes_(needed_on_host(plan)) {
    LoadsUnderWay& loads = loads_under_way();
    const std::lock_guard lock(loads.mutex);
    const Bytes free = free_on_host();
    if (loads.count == 0) {
        loads.free_before = free;
        loads.promised = 0;
    }
    const Bytes unpromised = loads.free_before - std::min(loads.free_before, loads.promised);
    const Bytes usable = std::min(free, unpromised);
    if (bytes_ > usable) throw short_of_host_memory(bytes_, usable);
    loads.promised = checked_add(loads.promised, bytes_);
    ++loads.count;
}

HostClaim::~HostClaim() {
    LoadsUnderWay& loads = loads_under_way();
    const std::lock_guard lock(loads.mutex);
    --loads.count;
    if (!loaded_) loads.promised -= bytes_;
}

void take_held_budgets(std::vector<DeviceInfo>& rig) {
    std::map<std::string, int> numbers;
    for (DeviceInfo& device : rig) {
        if (!has_host_budget(device)) continue;
        const Bytes held = held_of_host_budget(device.spec, numbers[device.spec]++);
        device.free_bytes -= std::min(device.free_bytes, held);
    }
}

void cap_host_memory(std::vector<DeviceInfo>& rig, PlanOptions& options) {
    Bytes promised = options.spill_bytes;
    for (const DeviceInfo& device : rig) {
        if (is_on_host(device)) promised = checked_add(promised, device.free_bytes);
    }
    if (promised == 0) return;
    const Bytes free = free_on_host();
    constexpr std::int64_t any_count = std::numeric_limits<std::int64_t>::max();
    const auto most_shards = static_cast<std::int64_t>(rig.size()) + (options.spill_bytes > 0 ? 1 : 0);
    const Bytes beside =
        checked_add(options.staging_bytes, planned_answer_bytes(options.replicas, most_shards, any_count, options));
    const Bytes usable = free - std::min(free, beside);
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
