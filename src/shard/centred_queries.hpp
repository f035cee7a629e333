#pragma once

#include <cstdint>

#include <gpushard/index_profile.hpp>

/// What a shard that holds rows less a centre, y = x - m, does to queries and answers, wherever it searches:
/// - distances (L2, L1, Linf) are those of the query less the same centre: |q - x| = |(q - m) - y|;
/// - an inner product takes the query as it is, and lacks one number a query: q . x = q . y + q . m. With the query
///   shifted, too, it would lack m . y, which every row has another of.
namespace gpushard {

/// Whether a query is shifted as the rows are; where it is not, centre_product is added to every answer.
inline bool shifts_queries(Metric metric) { return !is_similarity(metric); }

/// Writes vectors less the centre, row-major (count, dim), each difference rounded to float32. `shifted` may be
/// `vectors`.
void subtract_centre(const float* vectors, std::int64_t count, std::int64_t dim, const float* centre, float* shifted);

/// q . m in double precision.
double centre_product(const float* query, const float* centre, std::int64_t dim);

}  // namespace gpushard
