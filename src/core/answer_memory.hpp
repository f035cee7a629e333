#pragma once

#include <cstdint>

#include <gpushard/bytes.hpp>
#include <gpushard/placement_plan.hpp>

/// Host memory in which the answers of several shards wait until they are merged.
namespace gpushard {

/// Bytes that the answers to one query take: a list of `k` for each of `shards`, and the lists that merging so many
/// needs in between. 0 for one shard, which writes to where the caller wants its answers. Throws std::overflow_error.
Bytes answer_bytes_per_query(std::int64_t shards, std::int64_t k);

/// What searches are granted on `groups` copies of an index of `count` rows in at most `shards` shards each: one batch
/// more than there are copies, each of options.max_batch queries with options.k, but at most 32 MiB a batch, and at
/// least a query. 1 MiB at least, so that a larger k or batch than planned is not cut to single queries, and no more
/// than any search can use.
Bytes planned_answer_bytes(std::int64_t groups, std::int64_t shards, std::int64_t count, const PlanOptions& options);

/// The same for the groups that a plan has formed.
Bytes planned_answer_bytes(const PlacementPlan& plan);

}  // namespace gpushard
