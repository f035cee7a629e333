#pragma once

#include <memory>

#include <gpushard/byte_source.hpp>
#include <gpushard/load.hpp>
#include <gpushard/placement_plan.hpp>

/// Planning and loading on the machine this runs on, for whatever the source of the bytes is.
namespace gpushard {

/// Plans for the devices that the options name. Throws what resolve_devices and plan_placement throw, and
/// InvalidArgument for what a device cannot do.
PlacementPlan plan_here(const IndexProfile& index, const LoadOptions& options);

/// Opens the devices of the plan and loads it. Plans again as LoadOptions::may_replan says.
ShardedIndex load_here(const PlacementPlan& plan, std::shared_ptr<const ByteSource> source, const LoadOptions& options);

}  // namespace gpushard
