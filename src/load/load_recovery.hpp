#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <gpushard/backend.hpp>
#include <gpushard/byte_source.hpp>
#include <gpushard/device_info.hpp>
#include <gpushard/load.hpp>
#include <gpushard/placement_plan.hpp>

#include "load/shard_loader.hpp"

namespace gpushard {

/// What a load needs of whoever owns its devices.
struct LoadEnvironment {
    /// The devices of a plan, one for each entry, null where it has no rows. The devices of an attempt that failed are
    /// gone by the time it is called again. What it throws counts as a failure of the attempt.
    std::function<std::vector<std::shared_ptr<Device>>(const PlacementPlan& plan)> open;
    /// A plan of the same index for the rig as it is now; throws InsufficientMemory where there is none. Unset: every
    /// plan is kept to.
    std::function<PlacementPlan(const IndexProfile& index, const std::vector<DeviceInfo>& rig,
                                const PlanOptions& options)>
        replan;
};

/// A load that succeeded, whatever it took.
struct RecoveredLoad {
    PlacementPlan plan;  ///< the one that was loaded
    std::vector<std::shared_ptr<Device>> devices;
    LoadedShards loaded;  ///< its report tells of all attempts: bytes read, seconds, recovery
};

/// Loads `plan`, and where that fails for want of memory or of a device, releases everything, looks at the devices
/// again and tries the next step, each recorded as a line of LoadReport::recovery:
/// - no host memory for staging: half the staging, down to 1 MiB or one row;
/// - a device has less free than was planned: plan again with what every device has free now, so that rows move to
///   others (those without rows so far, too), searches use smaller tiles, and, where PlanOptions::spill_bytes allows
///   it, rows go to host memory;
/// - a device refuses memory that it says is free: try again, and after the second time plan without it;
/// - a device fails: plan without it.
/// What on_progress throws gives the load up, whatever it is, and what it cannot recover from is thrown as load_shards
/// throws it. Where no plan fits any more, the planner's refusal
/// is thrown, with the first failure and what was tried as hints. Either way nothing is left behind. The precision
/// never changes, and the number of attempts is bounded: about two for each device.
RecoveredLoad load_with_recovery(PlacementPlan plan, const std::shared_ptr<const ByteSource>& source,
                                 const LoadEnvironment& environment, const LoadOptions& options);

}  // namespace gpushard
