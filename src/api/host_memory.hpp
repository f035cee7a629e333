#pragma once

#include <vector>

#include <gpushard/device_info.hpp>
#include <gpushard/error.hpp>
#include <gpushard/placement_plan.hpp>

/// The host as one thing that staging and all devices on it share, whatever each of those was promised.
namespace gpushard {

/// Throws InsufficientMemory when the devices of a plan on the host need more, together with the staging of the load,
/// than this process may use now.
void check_host_memory(const PlacementPlan& plan);

/// Lowers what the devices on the host, and the spill, are promised to what this process may use now, each by the same
/// part, so that check_host_memory accepts any plan of them.
void cap_host_memory(std::vector<DeviceInfo>& rig, PlanOptions& options);

/// A refusal without the offers to spill more than this process may use now.
InsufficientMemory within_host_memory(const InsufficientMemory& refusal);

}  // namespace gpushard
