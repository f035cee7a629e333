#include <algorithm>
#include <set>

#include <gpushard/error.hpp>
#include <gpushard/index_inspector.hpp>

#include "load/shard_loader.hpp"

namespace gpushard {
namespace {

/// Everything but the names of the files: an index may have moved.
bool same_index(const IndexProfile& a, const IndexProfile& b) {
    return a.bytes == b.bytes && a.type == b.type && a.fourcc == b.fourcc && a.dim == b.dim && a.count == b.count &&
           a.metric == b.metric && a.metric_arg == b.metric_arg && a.stored == b.stored &&
           a.payload_offset == b.payload_offset && a.payload_bytes == b.payload_bytes;
}

std::string summary(const IndexProfile& index) {
    return index.fourcc + " of " + std::to_string(index.count) + " x " + std::to_string(index.dim) + ", " +
           to_string(index.metric) + ", " + std::to_string(index.bytes) + " bytes";
}

}  // namespace

void check_devices_match(const PlacementPlan& plan, const std::vector<std::shared_ptr<Device>>& devices) {
    if (devices.size() != plan.devices.size()) {
        throw InvalidArgument("the plan has " + std::to_string(plan.devices.size()) + " devices, " +
                              std::to_string(devices.size()) + " were given");
    }
    std::set<const Device*> seen;
    for (std::size_t i = 0; i < devices.size(); ++i) {
        if (plan.devices[i].rows.count() == 0) continue;
        if (!devices[i]) throw InvalidArgument("no device was given for " + plan.devices[i].device.spec);
        if (!seen.insert(devices[i].get()).second) {
            throw InvalidArgument("the device for " + plan.devices[i].device.spec + " was given twice");
        }
    }
}

void check_source_is_planned_index(const PlacementPlan& plan, const ByteSource& source) {
    const IndexProfile found = inspect_index(source);
    if (same_index(found, plan.index)) return;
    throw FileChanged(
        source.name() + ": is another index than planned: " + summary(found) + ", expected " + summary(plan.index),
        {"plan again"}, {{"file", source.name()}});
}

void check_content_is_planned(const PlacementPlan& plan, const ByteSource& source) {
    if (plan.fingerprint.empty() || fingerprint(source, plan.index) == plan.fingerprint) return;
    throw FileChanged(source.name() + ": changed since it was planned: pieces of it that were read again are others",
                      {"load it again when nobody writes it"}, {{"file", source.name()}});
}

void check_free_memory(const PlacementPlan& plan, const std::vector<std::shared_ptr<Device>>& devices) {
    std::vector<DeviceShortfall> shortfalls;
    Bytes short_bytes = 0;
    for (std::size_t i = 0; i < devices.size(); ++i) {
        const ShardPlacement& placement = plan.devices[i];
        if (placement.rows.count() == 0) continue;
        const Bytes needed = placement.memory.peak();
        const Bytes free = devices[i]->free_bytes();
        if (needed <= free) continue;
        shortfalls.push_back({.device = placement.device.spec,
                              .needed_bytes = needed,
                              .usable_bytes = free,
                              .short_bytes = needed - free});
        short_bytes = checked_add(short_bytes, needed - free);
    }
    if (shortfalls.empty()) return;
    const DeviceShortfall& first = shortfalls.front();
    std::string what = first.device + " has " + format_bytes(first.usable_bytes) + " free, the plan needs " +
                       format_bytes(first.needed_bytes) + " there";
    if (shortfalls.size() > 1) what += " (and " + std::to_string(shortfalls.size() - 1) + " more devices are short)";
    InsufficientMemory error(what, short_bytes, shortfalls, {},
                             {{"device", first.device},
                              {"needed_bytes", static_cast<std::int64_t>(first.needed_bytes)},
                              {"free_bytes", static_cast<std::int64_t>(first.usable_bytes)}});
    error.add_hint("plan again: memory that was free when the plan was made is taken now");
    throw error;
}

}  // namespace gpushard
