#include "load/staging_shares.hpp"

#include <algorithm>

#include "load/row_distribution.hpp"

namespace gpushard {
namespace {

constexpr Bytes most_per_card = 8_MiB;

Bytes used_cards(const PlacementPlan& plan) {
    return static_cast<Bytes>(std::count_if(plan.devices.begin(), plan.devices.end(), [](const ShardPlacement& shard) {
        return shard.rows.count() > 0 && shard.device.kind == DeviceKind::cuda;
    }));
}

}  // namespace

Bytes granted_staging(const PlacementPlan& plan) {
    if (plan.host_staging_bytes == 0) return plan.options.staging_bytes;
    return std::min(plan.options.staging_bytes, plan.host_staging_bytes);
}

Bytes least_staging_for(Bytes row_bytes) {
    return checked_add(checked_multiply(4, staging_of_one_row(row_bytes)), 2) / 3;
}

StagingShares share_out_staging(const PlacementPlan& plan) {
    const Bytes staging = granted_staging(plan);
    const Bytes cards = used_cards(plan);
    StagingShares shares;
    if (cards > 0) shares.per_card = std::min(most_per_card, staging / (4 * cards));
    shares.of_all_cards = cards * shares.per_card;
    shares.blocks = staging - shares.of_all_cards;
    if (shares.blocks < staging_of_one_row(plan.index.row_bytes())) {
        throw staging_too_small(staging, plan.index.row_bytes());
    }
    return shares;
}

}  // namespace gpushard
