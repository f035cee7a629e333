#pragma once

#include "bench/comparison.hpp"

namespace gpushard::bench {

/// Seconds that a search spends beside its shards: passing the queries on, collecting the lists and merging them, for 8
/// shards with ready lists (k 100, 1,024 queries), in a ShardedIndex and in a faiss::IndexShards (threaded or serial,
/// whichever is faster). Faiss gives its shards fresh memory, so they have to copy their lists there each time; what
/// the copies take alone is subtracted.
Comparison compare_merge(int repetitions);

}  // namespace gpushard::bench
