#include "cli/plan_replay.hpp"

#include <filesystem>
#include <memory>
#include <vector>

#include <gpushard/byte_source.hpp>
#include <gpushard/device_info.hpp>
#include <gpushard/error.hpp>
#include <gpushard/index_inspector.hpp>

namespace gpushard::cli {
namespace {

void check_index(const PlacementPlan& plan, PartOrder order) {
    const std::shared_ptr<ByteSource> source = open_parts({plan.index.files.begin(), plan.index.files.end()}, order);
    if (fingerprint(*source, inspect_index(*source)) == plan.fingerprint) return;
    throw FileChanged(source->name() + ": is another index than the plan was made for", {"plan again"},
                      {{"file", source->name()}});
}

/// The devices of the plan that hold rows and can hold them here, and what a look at the machine finds for each.
struct Probed {
    std::vector<const ShardPlacement*> placements;
    std::vector<DeviceInfo> found;
};

Probed probe(const PlacementPlan& plan) {
    Probed probed;
    std::string specification;
    for (const ShardPlacement& placement : plan.devices) {
        if (placement.device.planning_only || placement.rows.count() == 0) continue;
        probed.placements.push_back(&placement);
        specification += (specification.empty() ? "" : ",") + placement.device.spec;
    }
    if (!specification.empty()) probed.found = resolve_devices(specification);
    if (probed.found.size() != probed.placements.size()) {
        throw DeviceError(specification, "the plan's devices are not those of this machine: " + specification);
    }
    return probed;
}

void check_identity(const Probed& probed) {
    for (std::size_t i = 0; i < probed.found.size(); ++i) {
        const DeviceInfo& planned = probed.placements[i]->device;
        if (planned.uuid == probed.found[i].uuid) continue;
        throw DeviceError(planned.spec, planned.spec + " is another card than planned: " + probed.found[i].uuid +
                                            ", expected " + planned.uuid);
    }
}

/// What is free now for the placement: of a card its own memory, of the host what all its parts together may take.
void check_memory(const Probed& probed) {
    Bytes host_free = system_inventory().host().free_bytes;
    std::vector<DeviceShortfall> shortfalls;
    Bytes short_bytes = 0;
    for (std::size_t i = 0; i < probed.found.size(); ++i) {
        ShardPlacement now = *probed.placements[i];
        now.device.free_bytes = probed.found[i].free_bytes;
        now.device.context_bytes = probed.found[i].context_bytes;
        const bool on_host = now.device.kind == DeviceKind::cpu;
        if (on_host) now.device.free_bytes = std::min(now.device.free_bytes, host_free);
        const Bytes needed = now.memory.peak();
        const Bytes usable = now.usable_bytes();
        const Bytes missing = needed > usable ? needed - usable : 0;
        shortfalls.push_back({now.device.spec, needed, usable, missing});
        short_bytes += missing;
        if (on_host) host_free -= std::min(host_free, needed);
    }
    if (short_bytes == 0) return;
    InsufficientMemory refused("the plan does not fit any more: " + format_bytes(short_bytes) + " short", short_bytes,
                               std::move(shortfalls));
    for (std::string& hint : holder_hints(probed.found)) refused.add_hint(std::move(hint));
    throw refused;
}

}  // namespace

void check_replay(const PlacementPlan& plan, PartOrder order) {
    check_index(plan, order);
    const Probed probed = probe(plan);
    check_identity(probed);
    check_memory(probed);
}

}  // namespace gpushard::cli
