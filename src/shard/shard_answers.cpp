#include "shard/shard_answers.hpp"

#include <algorithm>

#include "core/search_limits.hpp"

namespace gpushard {

SearchTile tile_for(const ShardSpec& spec, DeviceKind kind, std::int64_t k, const std::string& device) {
    return tile_for_neighbors(spec.workload(kind), spec.rows.count(), spec.tile, spec.memory.peak(), k, device);
}

// From the last list to the first, so that none is overwritten unread.
void widen_lists(std::int64_t query_count, std::int64_t k, std::int64_t wider_k, bool similarity, float* distances,
                 std::int64_t* ids) {
    const float worst = worst_distance(similarity);
    for (std::int64_t query = query_count - 1; query >= 0; --query) {
        std::copy_backward(distances + query * k, distances + (query + 1) * k, distances + query * wider_k + k);
        std::copy_backward(ids + query * k, ids + (query + 1) * k, ids + query * wider_k + k);
        std::fill(distances + query * wider_k + k, distances + (query + 1) * wider_k, worst);
        std::fill(ids + query * wider_k + k, ids + (query + 1) * wider_k, std::int64_t{-1});
    }
}

void write_no_answers(std::int64_t query_count, std::int64_t k, bool similarity, float* distances, std::int64_t* ids) {
    std::fill_n(distances, query_count * k, worst_distance(similarity));
    std::fill_n(ids, query_count * k, std::int64_t{-1});
}

void write_answers(const TopKList& found, std::int64_t first_row, std::int64_t query_count, std::int64_t k,
                   bool similarity, float* distances, std::int64_t* ids) {
    const float worst = worst_distance(similarity);
    for (std::int64_t query = 0; query < query_count; ++query) {
        for (std::int64_t j = 0; j < k; ++j) {
            const bool answered = j < found.k && found.ids[query * found.k + j] >= 0;
            distances[query * k + j] = answered ? found.distances[query * found.k + j] : worst;
            ids[query * k + j] = answered ? found.ids[query * found.k + j] + first_row : -1;
        }
    }
}

}  // namespace gpushard
