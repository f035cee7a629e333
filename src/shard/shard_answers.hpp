#pragma once

#include <cstdint>
#include <string>

#include <gpushard/backend.hpp>
#include <gpushard/memory_model.hpp>

#include "core/top_k_merge.hpp"

/// What searching a shard tile by tile takes, whatever the shard is made of.
namespace gpushard {

/// The planned tile for a k within the plan; for a larger k the best tile that keeps within the granted bytes. Throws
/// InsufficientMemory naming `device` when not even one query fits.
SearchTile tile_for(const ShardSpec& spec, DeviceKind kind, std::int64_t k, const std::string& device);

/// Lists of `k` answers become lists of `wider_k`, in place, padded with nothing.
void widen_lists(std::int64_t query_count, std::int64_t k, std::int64_t wider_k, bool similarity, float* distances,
                 std::int64_t* ids);

/// Fills (query_count, k) outputs with no answer.
void write_no_answers(std::int64_t query_count, std::int64_t k, bool similarity, float* distances, std::int64_t* ids);

/// Writes lists whose ids count within the shard as (query_count, k) answers in ids of the whole index.
void write_answers(const TopKList& found, std::int64_t first_row, std::int64_t query_count, std::int64_t k,
                   bool similarity, float* distances, std::int64_t* ids);

}  // namespace gpushard
