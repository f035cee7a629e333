#pragma once

#include <optional>
#include <vector>

#include <gpushard/device_info.hpp>
#include <gpushard/placement_plan.hpp>

#include "core/placement_problem.hpp"

/// Host memory that takes the rows for which the devices of a rig have no room.
namespace gpushard {

/// The host with a budget of `bytes`, named as on the command line: "cpu=24GiB".
DeviceInfo spill_device(Bytes bytes);

/// `devices`, and the one that the options allow to spill to, if any.
std::vector<DeviceInfo> with_spill_device(const std::vector<DeviceInfo>& devices, const PlanOptions& options);

/// Fewest rows that the candidate listed last has to take so that the problem, of one replica, can be solved; nothing
/// where no number of them will do.
std::optional<std::int64_t> rows_to_spill(const PlacementProblem& problem);

/// As solve, but the candidate listed last takes no more rows than it must.
std::optional<std::vector<Assignment>> solve_spilling(const PlacementProblem& problem);

}  // namespace gpushard
