#pragma once

#include <memory>

#include <gpushard/backend.hpp>
#include <gpushard/placement_plan.hpp>

namespace gpushard {

/// A logical device on the card that `info` names by UUID, or by ordinal where it has none; `info.free_bytes` is its
/// byte budget. Throws DeviceError when the card is not there or this Faiss has no code for it.
std::unique_ptr<Device> make_cuda_device(const DeviceInfo& info);

/// Throws InvalidArgument when a card of `plan` cannot hold or search what it is given: precision, metric, k,
/// dimension.
void refuse_unsupported_by_cuda(const PlacementPlan& plan);

}  // namespace gpushard
