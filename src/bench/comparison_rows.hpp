#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/comparison.hpp"

namespace gpushard::bench {

/// Figures of one kind, taken in turn.
struct Samples {
    std::vector<double> ours;
    std::vector<double> faiss;
};

/// The medians. Of two that are zero the ratio is 1.
Comparison lower_is_better(std::string what, std::string unit, const Samples& samples);

/// Queries a second from the seconds that a batch takes.
Comparison queries_per_second(std::int64_t batch, double our_seconds, double faiss_seconds);

/// `batch` queries, taken from `query_count` ones as often as it takes.
std::vector<float> repeat_queries(const std::vector<float>& queries, std::int64_t query_count, std::int64_t dim,
                                  std::int64_t batch);

}  // namespace gpushard::bench
