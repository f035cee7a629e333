#include "core/search_limits.hpp"

#include <algorithm>

#include <gpushard/error.hpp>
#include <gpushard/placement_planner.hpp>

#include "core/planned_workload.hpp"

namespace gpushard {

std::optional<std::int64_t> most_neighbors(DeviceKind kind) {
    if (kind == DeviceKind::cuda) return 2048;
    return std::nullopt;
}

void check_neighbors(DeviceKind kind, std::int64_t k, std::int64_t rows, const std::string& device) {
    const auto most = most_neighbors(kind);
    if (!most || std::min(k, rows) <= *most) return;
    throw InvalidArgument(device + ": k is " + std::to_string(k) + ", expected at most " + std::to_string(*most) +
                              ", what Faiss selects on a card",
                          {"--devices cpu selects any number"}, {{"device", device}, {"k", k}});
}

SearchTile tile_for_neighbors(const ShardWorkload& planned, std::int64_t rows, SearchTile tile, Bytes granted,
                              std::int64_t k, const std::string& device) {
    if (k <= planned.k) return tile;
    ShardWorkload workload = planned;
    workload.k = k;
    const SearchTile smaller = largest_tile_within(workload, rows, granted);
    if (smaller.rows > 0) return smaller;
    const Bytes needed = shard_memory(workload, rows, smallest_tile(workload, rows)).peak();
    throw InsufficientMemory(
        device + ": a search with k = " + std::to_string(k) + " needs " + format_bytes(needed) +
            " at least, the plan grants " + format_bytes(granted) + " (made for k = " + std::to_string(planned.k) + ")",
        needed - granted, {{device, needed, granted, needed - granted}}, {}, {{"device", device}, {"k", k}});
}

void check_search(const PlacementPlan& plan, std::int64_t k) {
    if (k < 1) throw InvalidArgument("k is " + std::to_string(k) + ", expected at least 1");
    for (const ShardPlacement& placement : plan.devices) {
        const std::int64_t rows = placement.rows.count();
        if (rows == 0) continue;
        check_neighbors(placement.device.kind, k, rows, placement.device.spec);
        tile_for_neighbors(planned_workload(plan, placement.device.kind), rows, placement.tile, placement.memory.peak(),
                           std::min(k, rows), placement.device.spec);
    }
}

}  // namespace gpushard
