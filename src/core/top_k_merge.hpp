#pragma once

#include <cstdint>
#include <span>

namespace gpushard {

/// The answers of one shard to `nq` queries: row-major (nq, k), best first, ties by ascending id; an id of -1 ends a
/// row's answers. Distances are not NaN.
struct TopKList {
    const float* distances = nullptr;
    const std::int64_t* ids = nullptr;
    std::int64_t k = 0;
};

/// Room for the lists in between when many are merged, so that a merge allocates nothing: each is (nq, k) as the
/// outputs are, for a k that no more answers than matter exceed: at least the smaller of the merge's k and the answers
/// there can be to one query.
struct MergeWorkspace {
    float* distances = nullptr;
    std::int64_t* ids = nullptr;
    std::int64_t k = 0;
};

/// How many lists in between a merge of so many needs: none up to 8.
std::int64_t intermediate_lists(std::int64_t lists);

/// Merges the lists of several shards into the best `k` for each of `nq` queries, (nq, k) row-major, best first, ties
/// by ascending id, padded with id -1 and the worst float. `similarity`: larger distances are better. Outputs may not
/// overlap the lists. Thread-safe. Cost: O(nq k) for up to 8 lists, O(nq k log lists) beyond, where `workspace` has
/// room for intermediate_lists(lists) lists; where it is empty they are allocated.
void merge_top_k(std::span<const TopKList> lists, std::int64_t nq, std::int64_t k, bool similarity, float* distances,
                 std::int64_t* ids, const MergeWorkspace& workspace = {});

/// Puts runs of equal distances of one sorted list into ascending order of id.
void sort_ties_by_id(float* distances, std::int64_t* ids, std::int64_t k);

/// The distance of an answer that is not there: what Faiss returns with label -1.
float worst_distance(bool similarity);

}  // namespace gpushard
