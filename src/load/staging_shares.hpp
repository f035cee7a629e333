#pragma once

#include <gpushard/placement_plan.hpp>

namespace gpushard {

/// How the host memory that a plan grants to staging is shared out.
struct StagingShares {
    Bytes blocks = 0;        ///< for the blocks of rows that every shard of the load pulls
    Bytes per_card = 0;      ///< for the upload buffers of each shard on a card
    Bytes of_all_cards = 0;  ///< per_card times the cards that have rows
    Bytes of(const ShardPlacement& shard) const { return shard.device.kind == DeviceKind::cuda ? per_card : 0; }
};

/// The staging of a plan. One that was not made by the planner may leave host_staging_bytes unset.
Bytes granted_staging(const PlacementPlan& plan);

/// The least staging of which enough is left, beside the cards' part, for a row of so many bytes.
Bytes least_staging_for(Bytes row_bytes);

/// Cards together take a quarter of the staging, and no more than 8 MiB each: what keeps a copy under way while the
/// next is filled. Throws InvalidArgument when what is left cannot hold a row.
StagingShares share_out_staging(const PlacementPlan& plan);

}  // namespace gpushard
