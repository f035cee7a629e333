#pragma once

#include <cstdint>
#include <string>

#include <gpushard/index_profile.hpp>

namespace gpushard::test {

/// Answers to a batch: (nq, k) arrays somewhere.
struct AnswersView {
    const float* distances;
    const std::int64_t* ids;
};

/// The vectors and queries that answers are about; row-major (count, dim) and (nq, dim).
struct SearchCase {
    Metric metric;
    float metric_arg;
    std::int64_t dim;
    std::int64_t count;
    const float* rows;
    std::int64_t nq;
    const float* queries;
    std::int64_t k;
};

/// Whether `ours` are the same answers as `reference`: per query, distances in order agree within a bound, and ids
/// differ only among rows whose exact distance lies within that bound of the reference's. The bound is `tolerance` x
/// |q| |x| for inner product, x (|q|^2 + |x|^2) for L2, relative for other metrics. Also checks that no id is given
/// twice and that padding is where it belongs. Empty when they are the same, else the first difference.
std::string difference(const SearchCase& search, AnswersView ours, AnswersView reference, double tolerance);

/// The fraction of the reference's first `k` ids that are among ours, over all queries; rows hold `row_k` ids.
double recall(const std::int64_t* ours, const std::int64_t* reference, std::int64_t nq, std::int64_t row_k,
              std::int64_t k);

}  // namespace gpushard::test
