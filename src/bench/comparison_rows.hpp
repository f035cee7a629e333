#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/comparison.hpp"
#include "bench/usage_meter.hpp"

namespace gpushard::bench {

/// Figures of one kind, taken in turn.
struct Samples {
    std::vector<double> ours;
    std::vector<double> faiss;
};

/// How far they lie apart, and what the machine had to do meanwhile.
Trust trust_in(const Samples& samples, const Usage& usage);

/// The medians. Of two that are zero the ratio is 1.
Comparison lower_is_better(std::string what, std::string unit, const Samples& samples);

/// Queries a second from the seconds that a batch takes, the medians of them.
Comparison queries_per_second(std::int64_t batch, const Samples& seconds);

/// Sets what a row of queries a second is of the limits of the machine.
void set_shares_of_limits(Comparison& row, std::int64_t batch, const PlacementPlan& plan, const MachineLimits& machine);

/// Bytes of the vectors as held, once, whatever the number of replicas.
double held_bytes(const PlacementPlan& plan);

/// `batch` queries, taken from `query_count` ones as often as it takes.
std::vector<float> repeat_queries(const std::vector<float>& queries, std::int64_t query_count, std::int64_t dim,
                                  std::int64_t batch);

}  // namespace gpushard::bench
