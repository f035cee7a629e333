#pragma once

#include <cstdint>
#include <vector>

#include "on_cards.hpp"

namespace gpushard::test {

/// Rounds a number to the type that vectors are kept in.
using Rounding = float (*)(float);

inline float unrounded(float value) { return value; }

/// The sums of squares, each rounded to the type.
std::vector<double> squared_norms(const Rows& rows, Rounding rounding);

/// Expects the k nearest by squared distances as Faiss makes them of vectors of 16 bits: |x|^2 + |q|^2 - 2 x.q in
/// float32, but each square of the norms is rounded to that type, where vectors lie by row. `kept` and `queries` are
/// rounded already.
void expect_nearest_by_short_norms(const Answers& ours, const Rows& kept, Rounding of_rows, const Rows& queries,
                                   Rounding of_queries, std::int64_t k);

}  // namespace gpushard::test
