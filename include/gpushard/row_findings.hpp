#pragma once

#include <cstdint>

namespace gpushard {

/// What was found in the rows of an index while they were loaded. `first_...` are numbers of rows, -1 where there is
/// none.
struct RowFindings {
    std::int64_t non_finite_rows = 0;  ///< rows with a NaN or an infinity, kept as they are
    std::int64_t first_non_finite_row = -1;
    /// Finite rows of an index by L2 whose squared norm, twice, is beyond float32: that sum is what comparing such a
    /// row with itself takes where distances are made of norms, as on cards, so no search finds them there.
    std::int64_t overflowing_norm_rows = 0;
    std::int64_t first_overflowing_norm_row = -1;
    /// Values other than zero that float16 rounds to zero, or holds with less than a decimal digit: those below 2^-21
    /// (4.8e-7). Beside larger values of the same row they hardly weigh.
    std::int64_t underflowed_values = 0;
    /// Rows that are not zero and whose values have a root mean square below 2^-17 (7.6e-6): float16 moves in steps of
    /// 2^-24 there and keeps fewer digits of the row than bfloat16 would.
    std::int64_t underflowed_rows = 0;
    std::int64_t first_underflowed_row = -1;

    /// Adds what was found in other rows of the same index.
    void add(const RowFindings& others);
};

}  // namespace gpushard
