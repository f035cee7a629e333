#pragma once

#include <gpushard/byte_source.hpp>
#include <gpushard/placement_plan.hpp>

namespace gpushard::cli {

/// Checks a plan made earlier against this machine, as loading it would: the index must be the one it was made for
/// (FileChanged), each device must still be there (DeviceError) and have the memory (InsufficientMemory). Devices that
/// are for planning only are not looked for.
void check_replay(const PlacementPlan& plan, PartOrder order);

}  // namespace gpushard::cli
