#pragma once

#include <cstdint>

namespace gpushard {

/// Rows of a block that hold something other than finite numbers.
struct NonFiniteRows {
    std::int64_t count = 0;
    std::int64_t first = -1;  ///< within the block
};

/// All kernels below work on row-major (row_count, dim) arrays, use AVX2, FMA and F16C where the processor has them,
/// and are thread-safe. Squared norms are sums in float32.

/// Writes each row's squared L2 norm where `norms` is not null, and finds the rows with a NaN or an infinity.
NonFiniteRows scan_rows(const float* rows, std::int64_t row_count, std::int64_t dim, float* norms);

/// Rounds to IEEE half precision, to nearest even, with the norms of the rounded rows where `norms` is not null, and
/// finds the rows that are not finite afterwards.
NonFiniteRows halve_rows(const float* rows, std::int64_t row_count, std::int64_t dim, std::uint16_t* halves,
                         float* norms);

/// The same in bfloat16, the upper half of a float32.
NonFiniteRows brain_rows(const float* rows, std::int64_t row_count, std::int64_t dim, std::uint16_t* brains,
                         float* norms);

/// The exact float32 value of each half.
void widen_halves(const std::uint16_t* halves, std::int64_t count, float* wide);

}  // namespace gpushard
