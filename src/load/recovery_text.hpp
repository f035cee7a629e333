#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <gpushard/device_info.hpp>
#include <gpushard/placement_plan.hpp>

/// The lines of LoadReport::recovery.
namespace gpushard {

/// The spec of a device, with its place in the plan where several share the spec.
std::string device_label(const PlacementPlan& plan, std::size_t device);

/// "cuda:1 had 3.000 GiB free where 9.800 GiB were planned": the devices of `plan` that have less free in `rig` than
/// was planned for them. Empty where none has.
std::string devices_found_fuller(const PlacementPlan& plan, const std::vector<DeviceInfo>& rig);

/// "31 % of the rows moved to cuda:0 and cuda:3": what tells `after` from `before`, two plans of one rig.
/// Empty where nothing does.
std::string what_changed(const PlacementPlan& before, const PlacementPlan& after);

}  // namespace gpushard
