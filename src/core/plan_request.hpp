#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gpushard/device_info.hpp>
#include <gpushard/error.hpp>
#include <gpushard/index_profile.hpp>
#include <gpushard/placement_plan.hpp>

/// What a request to the planner may be, before any device is asked to hold it. Each check throws InvalidArgument.
namespace gpushard {

/// The least staging that a load works with.
inline constexpr Bytes least_staging = 1_MiB;

/// The index and the options, whatever the devices are.
void validate_request(const IndexProfile& index, const PlanOptions& options);
void validate_devices(const IndexProfile& index, const std::vector<DeviceInfo>& devices, const PlanOptions& options);
void validate_spill(const std::vector<DeviceInfo>& devices, const PlanOptions& options);

/// Whether cards search by this metric.
bool card_searches(Metric metric);

/// Those the options allow, in the order in which they are tried.
std::vector<Precision> precisions_to_try(const IndexProfile& index, const PlanOptions& options);

/// "WHAT is VALUE, expected EXPECTED".
InvalidArgument out_of_range(const std::string& what, std::int64_t value, const std::string& expected);

}  // namespace gpushard
