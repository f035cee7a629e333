#pragma once

#include <vector>

#include <gpushard/device_info.hpp>
#include <gpushard/placement_plan.hpp>

namespace gpushard {

/// Decides which rows of an index go to which device. Pure: the same input gives the same plan, byte for byte, and
/// each device receives the same rows in whatever order the devices are listed. Every row is in exactly one shard of
/// each group, and no device is planned above its usable bytes. Finds a plan whenever one exists for its strategy
/// (`replicate`, where groups have to be formed, may miss some). Cost: linear in devices but for a sort; 1,000
/// devices take milliseconds.
/// Throws InsufficientMemory with the shortfall per device and alternatives that were themselves planned, and
/// InvalidArgument for options that contradict each other (max_batch 0, more min_devices than devices, ...).
PlacementPlan plan_placement(const IndexProfile& index, const std::vector<DeviceInfo>& devices,
                             const PlanOptions& options = {});

/// The smallest number of one known card that holds the index, for each known card, smallest total first. Cards of
/// which `max_cards` do not suffice are left out.
struct RigSuggestion {
    KnownCard card;
    int count = 0;
    Bytes peak_bytes = 0;  ///< largest peak of one card
};
std::vector<RigSuggestion> suggest_rigs(const IndexProfile& index, const PlanOptions& options, int max_cards = 16);

}  // namespace gpushard
