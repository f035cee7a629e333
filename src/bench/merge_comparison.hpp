#pragma once

#include "bench/comparison.hpp"

namespace gpushard::bench {

/// Seconds that a search spends on 8 shards which return ready lists (k 100, 1,024 queries): passing the work on,
/// collecting the lists and merging them, in a ShardedIndex and in a faiss::IndexShards (threaded or serial, whichever
/// is faster).
Comparison compare_merge(int repetitions);

}  // namespace gpushard::bench
