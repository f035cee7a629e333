#pragma once

#include <cstdint>
#include <string>

#include <gpushard/index_profile.hpp>
#include <gpushard/placement_plan.hpp>

#include "support/index_writer.hpp"

namespace gpushard::test {

/// Inner product or squared Euclidean distance, in double precision.
double exact_distance(Metric metric, const float* a, const float* b, std::int32_t dim);

/// What a distance may be off at this precision: 1e-5 (float32) or 2e-4 (float16) of |q| |x|, or of |q|^2 + |x|^2.
double distance_bound(Metric metric, Precision precision, const float* query, const float* row, std::int32_t dim);

/// Checks k answers to one query against brute force over the rows `range` of `rows`: as many as there are, padded
/// with -1; each the distance of its row, none twice, best first, ties by lower id, and none worse than the exact
/// answer at its place. Returns what is wrong, or nothing.
std::string wrong_in_answer(const Rows& rows, RowRange range, Metric metric, Precision precision, const float* query,
                            std::int64_t k, const float* distances, const std::int64_t* ids);

}  // namespace gpushard::test
