#include "core/try_plan.hpp"

#include <algorithm>
#include <cstdint>

#include "core/answer_memory.hpp"
#include "core/placement_problem.hpp"
#include "core/plan_request.hpp"
#include "core/spill.hpp"

namespace gpushard {
namespace {

/// Rows that are kept as they are stored, once, in host memory are read straight to their place; all others pass
/// through staging. A small index does not need all of it.
Bytes staging_for(const PlacementPlan& plan) {
    const bool all_on_host = std::all_of(plan.devices.begin(), plan.devices.end(), [](const ShardPlacement& shard) {
        return shard.rows.count() == 0 || shard.device.kind == DeviceKind::cpu;
    });
    const bool as_stored = plan.precision == Precision::f32 && plan.index.stored == Precision::f32;
    if (all_on_host && as_stored && plan.options.replicas == 1) return 0;
    constexpr Bytes page = 4_KiB;
    const Bytes payload_pages = checked_add(plan.index.payload_bytes, page - 1) / page * page;
    return std::min(plan.options.staging_bytes, std::max(least_staging, payload_pages));
}

/// Turns numbers of rows into ranges, one after the other in canonical order, with the best search tile for each.
PlacementPlan lay_out(const IndexProfile& index, const std::vector<DeviceInfo>& devices, const PlanOptions& options,
                      Precision precision, const PlacementProblem& problem,
                      const std::vector<Assignment>& assignments) {
    PlacementPlan plan;
    plan.index = index;
    plan.options = options;
    plan.precision = precision;
    plan.devices.resize(devices.size());
    std::vector<std::int64_t> next_row(static_cast<std::size_t>(options.replicas));
    for (std::size_t i = 0; i < problem.candidates.size(); ++i) {
        const Candidate& candidate = problem.candidates[i];
        ShardPlacement& shard = plan.devices[candidate.listed];
        shard.device = devices[candidate.listed];
        shard.reserve_bytes = reserve_of(shard.device, options);
        const auto [rows, group] = assignments[i];
        if (rows == 0) continue;
        std::int64_t& begin = next_row[static_cast<std::size_t>(group)];
        shard.rows = {.begin = begin, .end = begin + rows};
        begin += rows;
        shard.group = group;
        shard.share = static_cast<double>(rows) / static_cast<double>(index.count);
        shard.tile = largest_tile_within(candidate.workload, rows, candidate.usable);
        shard.memory = shard_memory(candidate.workload, rows, shard.tile);
        if (shard.device.kind == DeviceKind::cpu) plan.host_resident_bytes += shard.memory.resident;
    }
    plan.host_staging_bytes = staging_for(plan);
    plan.host_search_bytes = planned_answer_bytes(plan);
    return plan;
}

/// The first precision for which `solver` places the rows.
template <typename Solver>
std::optional<PlacementPlan> try_solver(Solver solver, const IndexProfile& index,
                                        const std::vector<DeviceInfo>& devices, const PlanOptions& options) {
    for (const Precision precision : precisions_to_try(index, options)) {
        const PlacementProblem problem = pose_problem(index, devices, options, precision);
        if (const auto assignments = solver(problem)) {
            return lay_out(index, devices, options, precision, problem, *assignments);
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<PlacementPlan> try_plan(const IndexProfile& index, const std::vector<DeviceInfo>& devices,
                                      const PlanOptions& options) {
    auto plan = try_solver(solve, index, devices, options);
    if (plan || options.spill_bytes == 0) return plan;
    plan = try_solver(solve_spilling, index, with_spill_device(devices, options), options);
    if (plan) plan->spilled = true;
    return plan;
}

Precision smallest_precision(const IndexProfile& index, const PlanOptions& options) {
    return precisions_to_try(index, options).back();
}

Bytes largest_peak(const PlacementPlan& plan) {
    Bytes largest = 0;
    for (const ShardPlacement& shard : plan.devices) largest = std::max(largest, shard.memory.peak());
    return largest;
}

}  // namespace gpushard
