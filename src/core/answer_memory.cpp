#include "core/answer_memory.hpp"

#include <algorithm>
#include <map>

#include "core/top_k_merge.hpp"

namespace gpushard {
namespace {

/// A float distance and a 64-bit id.
constexpr Bytes answer_bytes = 12;
constexpr Bytes most_of_a_batch = 32_MiB;
constexpr Bytes least = 1_MiB;
constexpr Bytes page = 4_KiB;

/// So many batches of at most `queries`, each as far as the most of a batch; one query at least.
Bytes bytes_of(Bytes batches, std::int64_t queries, Bytes per_query) {
    const Bytes fitting = std::min(static_cast<Bytes>(queries), most_of_a_batch / per_query);
    const Bytes batch = fitting > 0 ? fitting * per_query : most_of_a_batch;
    return std::max(per_query, checked_multiply(batches, batch));
}

}  // namespace

Bytes answer_bytes_per_query(std::int64_t shards, std::int64_t k) {
    if (shards <= 1 || k <= 0) return 0;
    const auto lists = static_cast<Bytes>(shards + intermediate_lists(shards));
    return checked_multiply(checked_multiply(lists, answer_bytes), static_cast<Bytes>(k));
}

Bytes planned_answer_bytes(std::int64_t groups, std::int64_t shards, std::int64_t count, const PlanOptions& options) {
    const Bytes per_query = answer_bytes_per_query(shards, std::min(options.k, count));
    if (per_query == 0) return 0;
    const auto batches = static_cast<Bytes>(groups) + 1;
    const Bytes planned = bytes_of(batches, options.max_batch, per_query);
    // Where there are as many rows as `least` has bytes, what is useful is beyond it.
    const std::int64_t most_k = std::min(count, static_cast<std::int64_t>(least));
    const Bytes useful = bytes_of(batches, options.max_batch, answer_bytes_per_query(shards, most_k));
    return checked_add(std::max(planned, std::min(useful, least)), page - 1) / page * page;
}

Bytes planned_answer_bytes(const PlacementPlan& plan) {
    std::map<int, std::int64_t> shards_of_group;
    for (const ShardPlacement& placement : plan.devices) {
        if (placement.rows.count() > 0) ++shards_of_group[placement.group];
    }
    std::int64_t most_shards = 0;
    for (const auto& [group, shards] : shards_of_group) most_shards = std::max(most_shards, shards);
    return planned_answer_bytes(static_cast<std::int64_t>(shards_of_group.size()), most_shards, plan.index.count,
                                plan.options);
}

}  // namespace gpushard
