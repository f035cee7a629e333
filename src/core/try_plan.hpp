#pragma once

#include <optional>
#include <vector>

#include <gpushard/device_info.hpp>
#include <gpushard/index_profile.hpp>
#include <gpushard/placement_plan.hpp>

/// A plan or none, without reasons: what the planner, its alternatives and the rigs that are suggested stand on.
namespace gpushard {

/// plan_placement without its report and without the outcome of stock Faiss: nothing where the request does not fit.
/// The request has been validated.
std::optional<PlacementPlan> try_plan(const IndexProfile& index, const std::vector<DeviceInfo>& devices,
                                      const PlanOptions& options);

/// The precision of a plan that could be made; for `automatic`, the last one tried.
Precision smallest_precision(const IndexProfile& index, const PlanOptions& options);

/// The peak of the device that takes most.
Bytes largest_peak(const PlacementPlan& plan);

}  // namespace gpushard
