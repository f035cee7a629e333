#pragma once

#include <cstdint>

#include <gpushard/index_profile.hpp>

namespace gpushard {

/// Whether the linked Faiss searches by this metric on the CPU.
bool cpu_supports(Metric metric);

/// By a metric that is neither inner product nor L2: the k nearest of `row_count` float32 rows, k <= row_count, for
/// each query, in Faiss's arithmetic: distances and ids are (query_count, k), best first, ties by ascending id; ids
/// count from 0. Runs on the threads of the current OpenMP setting.
void exact_search(Metric metric, float metric_arg, std::int64_t dim, std::int64_t query_count, const float* queries,
                  std::int64_t row_count, const float* rows, std::int64_t k, float* distances, std::int64_t* ids);

}  // namespace gpushard
