#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include <gpushard/backend.hpp>
#include <gpushard/byte_source.hpp>
#include <gpushard/load.hpp>
#include <gpushard/placement_plan.hpp>
#include <gpushard/sharded_index.hpp>

namespace gpushard {

/// What a load has made: one shard for each entry of plan.devices, null where the plan gives it no rows.
struct LoadedShards {
    std::vector<std::unique_ptr<Shard>> shards;
    LoadReport report;  ///< `devices` has one entry for each of plan.devices
};

/// Fills one shard per used device of `plan` from `source`, each on a thread of its own. A transaction: returns all
/// shards, or throws and leaves nothing behind.
///
/// Uses `on_progress`, `progress_interval` and `stop` of the options; `on_progress` is called from the calling
/// thread. Reads every byte of the source exactly once, and before that, where a shard may be centred, a sample of the
/// rows: see centre_sample.hpp. Throws
/// - InvalidArgument: the plan is none (see plan_rules.hpp), or `devices` do not match it;
/// - FileChanged: the source is not the index the plan was made for, or changed during the load;
/// - InsufficientMemory: a device has less free than the plan needs (before anything is allocated), or ran out;
/// - Cancelled: a stop was requested;
/// - what on_progress threw, as it was thrown;
/// - whatever else went wrong first, as it was thrown; what went wrong besides stands in its hints. Where that was on
///   the thread of a device, `failed` is set to the entry of the plan.
LoadedShards load_shards(const PlacementPlan& plan, const std::shared_ptr<const ByteSource>& source,
                         const std::vector<std::shared_ptr<Device>>& devices, const LoadOptions& options,
                         std::optional<std::size_t>* failed = nullptr);

/// The checks that load_shards makes before it allocates anything.
void check_devices_match(const PlacementPlan& plan, const std::vector<std::shared_ptr<Device>>& devices);
void check_source_is_planned_index(const PlacementPlan& plan, const ByteSource& source);
/// At the end of a load: the pieces that the plan's fingerprint is made of are what they were. Nothing where the plan
/// has no fingerprint.
void check_content_is_planned(const PlacementPlan& plan, const ByteSource& source);
void check_free_memory(const PlacementPlan& plan, const std::vector<std::shared_ptr<Device>>& devices);

}  // namespace gpushard
