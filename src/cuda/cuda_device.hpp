#pragma once

#include <gpushard/cuda/cuda_device.hpp>
#include <gpushard/placement_plan.hpp>

namespace gpushard {

/// Throws InvalidArgument when a card of `plan` cannot hold or search what it is given: precision, metric, k,
/// dimension.
void refuse_unsupported_by_cuda(const PlacementPlan& plan);

}  // namespace gpushard
