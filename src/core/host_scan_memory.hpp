#pragma once

#include <algorithm>
#include <cstdint>

#include <gpushard/bytes.hpp>
#include <gpushard/memory_model.hpp>

/// The sizes of what the host's own scan takes (inner product and L2), for the memory model and for the scan itself.
namespace gpushard {

/// Queries and widened rows lie in multiples of the widest vector register, 16 floats, zeros behind them.
inline std::int64_t padded_dim(std::int64_t dim) { return (dim + 15) / 16 * 16; }

/// Behind the last row, so that it too can be read a whole register at a time.
inline constexpr Bytes row_padding = 64;

/// Rows in float16 or bfloat16 that a thread widens to float32 before it compares them with many queries. The rows
/// and some queries stay in the cache of a processor meanwhile.
inline constexpr std::int64_t widened_rows = 32;

/// Room for the candidates of one query and thread. When it is full the best k stay, so that a candidate is moved
/// about twice, however many come.
inline std::int64_t candidate_room(std::int64_t k) { return k + std::max<std::int64_t>(k, 64); }

/// A candidate is a score and a row in 32 bits each, of one comparison; so a shard on the host holds at most so many
/// rows.
inline constexpr Bytes candidate_bytes = 8;
inline constexpr std::int64_t most_host_rows = (std::int64_t{1} << 32) - 1;

/// Of each query and thread beside its candidates: the distance to beat, and how many there are.
inline constexpr Bytes candidate_list_bytes = 8;

/// What is kept of each thread beside.
inline constexpr Bytes scan_slot_bytes = 64;

/// Queries that pass by the rows at a time: more would not stay in a cache beside them.
inline constexpr std::int64_t most_scanned_queries = 1024;

/// Whether the host scans its rows for this metric itself; by all others Faiss searches.
inline bool host_scans(Metric metric) { return metric == Metric::inner_product || metric == Metric::l2; }

/// Rows that a thread takes at a time: they stay in the cache of a processor while the queries pass by, and are some
/// ten microseconds of work.
std::int64_t scanned_rows(const ShardWorkload& workload);

/// Of a thread, where rows are not float32.
Bytes widened_scratch_bytes(Precision precision, std::int64_t dim);

/// What a search for the k nearest of `queries` at a time takes: the queries, and for each thread candidates and
/// widened rows. Throws std::overflow_error.
Bytes scan_scratch_bytes(const ShardWorkload& workload, std::int64_t queries, std::int64_t k);

}  // namespace gpushard
