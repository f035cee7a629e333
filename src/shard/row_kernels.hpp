#pragma once

#include <cstdint>

#include <gpushard/index_profile.hpp>
#include <gpushard/row_findings.hpp>

namespace gpushard {

/// All kernels below work on row-major (row_count, dim) arrays, use AVX2, FMA and F16C where the processor has them,
/// and are thread-safe. Squared norms are sums in float32. Findings count rows within the block.

/// Writes each row's squared L2 norm where `norms` is not null, and finds the rows with a NaN or an infinity and those
/// whose norm overflows.
RowFindings scan_rows(const float* rows, std::int64_t row_count, std::int64_t dim, float* norms);

/// Rounds to IEEE half precision, to nearest even, with the norms of the rounded rows where `norms` is not null, and
/// finds the rows that are not finite afterwards, and what underflows. Where `centre` (dim values) is not null it is
/// subtracted from every row before, in float32, and all that is said of rows is said of what is left.
RowFindings round_rows_to_f16(const float* rows, std::int64_t row_count, std::int64_t dim, std::uint16_t* halves,
                              float* norms, const float* centre = nullptr);

/// The same in bfloat16, the upper half of a float32, where norms may overflow and nothing underflows.
RowFindings round_rows_to_bf16(const float* rows, std::int64_t row_count, std::int64_t dim, std::uint16_t* out,
                               float* norms, const float* centre = nullptr);

/// The exact float32 value of each half.
void widen_halves(const std::uint16_t* halves, std::int64_t count, float* wide);

/// The exact float32 value of each half or bfloat16.
void widen_values(Precision precision, const std::uint16_t* values, std::int64_t count, float* wide);

/// The float32 values of what a shard of that precision holds of `values`.
void round_values(Precision precision, const float* values, std::int64_t count, float* rounded);

}  // namespace gpushard
