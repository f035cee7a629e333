#pragma once

#include <gpushard/sharded_index.hpp>

#include "bench/compare_request.hpp"

namespace gpushard::bench {

/// Queries a second of CompareOptions::callers threads that search at once, one query a call, beside one thread that
/// does the same. Ours alone: `faiss` is NaN, and `ratio` is together / sequential.
Comparison compare_callers(const ShardedIndex& index, const CompareRequest& request);

}  // namespace gpushard::bench
