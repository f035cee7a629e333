#pragma once

#include <gpushard/memory_model.hpp>
#include <gpushard/placement_plan.hpp>

namespace gpushard {

/// What a shard on a device of that kind is planned for.
ShardWorkload planned_workload(const IndexProfile& index, Precision precision, const PlanOptions& options,
                               DeviceKind kind);

/// The same of a plan.
ShardWorkload planned_workload(const PlacementPlan& plan, DeviceKind kind);

}  // namespace gpushard
