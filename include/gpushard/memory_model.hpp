#pragma once

#include <cstdint>

#include <gpushard/bytes.hpp>
#include <gpushard/device_info.hpp>
#include <gpushard/index_profile.hpp>

namespace gpushard {

/// The piece of work a shard searches at a time: `rows` of its vectors against `queries` queries.
struct SearchTile {
    std::int64_t rows = 0;
    std::int64_t queries = 0;
    bool operator==(const SearchTile&) const = default;
};

/// What a shard takes on its device, in bytes. All are upper bounds that the backends keep.
struct ShardMemory {
    Bytes resident = 0;  ///< the vectors (and on cards by L2 their norms), for as long as the index is loaded
    Bytes fixed = 0;     ///< allocated before the vectors and kept: the temp stack of a card
    Bytes scratch = 0;   ///< taken by each search and given back after it
    Bytes load_peak() const { return resident + fixed; }
    Bytes search_peak() const { return resident + fixed + scratch; }
    Bytes peak() const { return search_peak(); }
    bool operator==(const ShardMemory&) const = default;
};

/// The request whose memory is modelled; dim, k and max_batch are at least 1.
struct ShardWorkload {
    DeviceKind kind = DeviceKind::cpu;
    Precision precision = Precision::f32;
    Metric metric = Metric::l2;
    std::int64_t dim = 0;
    std::int64_t k = 10;
    std::int64_t max_batch = 256;
    int threads = 1;  ///< that a search on the host runs on
};

/// Bytes of a shard of `rows` vectors searched with `tile`. Pure; src/core/memory_model.cpp gives each formula with
/// its source. rows 0 costs nothing. Monotone in rows, tile.rows, tile.queries and k. Throws std::overflow_error
/// where a size exceeds 2^64 bytes.
ShardMemory shard_memory(const ShardWorkload& workload, std::int64_t rows, SearchTile tile);

/// The tile a shard would like: the whole batch at once, and rows up to where larger tiles stop paying off.
SearchTile preferred_tile(const ShardWorkload& workload, std::int64_t rows);

/// The smallest tile a plan may fall back to when memory is short.
SearchTile smallest_tile(const ShardWorkload& workload, std::int64_t rows);

/// The best tile whose shard fits `usable` bytes: halves rows first, then queries, from the preferred tile down to
/// the smallest, and takes back the rows that cost nothing. Returns a tile of zero rows when even that does not fit.
SearchTile largest_tile_within(const ShardWorkload& workload, std::int64_t rows, Bytes usable);

/// The best tile whose fixed and scratch bytes take at most a quarter of `usable`; the smallest where none does.
SearchTile comfortable_tile(const ShardWorkload& workload, Bytes usable);

/// The most rows that fit `usable` bytes with `tile`, or with the smallest tile; at most `limit`. Cost: about 40
/// evaluations.
std::int64_t rows_within(const ShardWorkload& workload, Bytes usable, std::int64_t limit, SearchTile tile);
std::int64_t rows_within(const ShardWorkload& workload, Bytes usable, std::int64_t limit);

}  // namespace gpushard
