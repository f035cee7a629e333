#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gpushard/index_profile.hpp>

#include "support/index_writer.hpp"

namespace gpushard::test {

/// Distances of every query to every row in double precision, to hold answers against.
class ExactAnswers {
public:
    /// Rows and queries as the card holds them: rounded already where it holds less than float32. `tolerance` is what a
    /// reported distance may be off, of the magnitude of the terms it is summed from. Cost: rows x queries x dim.
    ExactAnswers(const Rows& rows, const Rows& queries, Metric metric, float metric_arg, double tolerance);

    /// What is wrong with k answers to each of the first `query_count` queries, or nothing: there must be as many as
    /// there are rows, padded with -1, best first, none twice, each with the distance of its row, and none worse than
    /// the exact answer at its place.
    std::string wrong(std::int64_t query_count, std::int64_t k, const float* distances, const std::int64_t* ids) const;

private:
    /// One row as seen from one query. A similarity counts as a negative distance.
    struct Exact {
        double distance;
        double bound;
    };

    std::string wrong_in(std::int64_t query, std::int64_t k, const float* distances, const std::int64_t* ids) const;

    const std::int64_t row_count_;
    const double direction_;
    std::vector<Exact> exact_;            ///< (query, row)
    std::vector<double> sorted_;          ///< the distances of each query, best first
    std::vector<double> largest_bounds_;  ///< of each query
};

/// `rows` as held in `precision`.
Rows rounded_rows(Precision precision, Rows rows);

}  // namespace gpushard::test
