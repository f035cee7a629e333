#pragma once

#include <vector>

#include <gpushard/device_info.hpp>
#include <gpushard/error.hpp>
#include <gpushard/index_profile.hpp>
#include <gpushard/placement_plan.hpp>

namespace gpushard {

/// The report of a request that does not fit: what it needs, what each device lacks, and changes that were planned
/// and fit.
InsufficientMemory refusal(const IndexProfile& index, const std::vector<DeviceInfo>& devices,
                           const PlanOptions& options);

}  // namespace gpushard
