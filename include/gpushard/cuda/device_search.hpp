#pragma once

#include <cstdint>
#include <cuda_runtime_api.h>

#include <gpushard/sharded_index.hpp>

namespace gpushard {

/// Searches with queries and results in host or device memory, each on its own: `queries` is (nq, dim) float32,
/// `distances` and `labels` are (nq, k), row-major, as in ShardedIndex::search. Work that `stream` already holds is
/// waited for before the queries are read; the results are complete when the call returns. Memory of any card will do,
/// whichever cards hold the index.
///
/// Thread-safe. Cost beside the search: queries in device memory make a trip to the host, from where every card gets
/// them (4 nq dim bytes), and results make one back (12 nq k bytes). Throws what ShardedIndex::search throws, and
/// DeviceError when a copy fails.
void search(const ShardedIndex& index, std::int64_t nq, const float* queries, std::int64_t k, float* distances,
            std::int64_t* labels, cudaStream_t stream);

}  // namespace gpushard
