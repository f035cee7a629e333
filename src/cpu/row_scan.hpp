#pragma once

#include <cstdint>

#include <gpushard/index_profile.hpp>

#include "cpu/candidate_lists.hpp"

/// The kernel of searches on the host: distances of rows to queries, selected as they are computed.
namespace gpushard {

/// Queries as the kernel reads them: (count, padded_dim(dim)) float32, aligned to 64 bytes, zeros behind each.
struct ScanQueries {
    const float* values = nullptr;
    /// A number a query: of inner products what is added to each (see centre_product), of L2 the query's squared norm.
    const float* terms = nullptr;
    std::int64_t count = 0;
};

/// Consecutive rows, (count, dim), of which row_padding bytes behind the last may be read.
struct ScanRows {
    const void* values = nullptr;
    Precision precision = Precision::f32;
    std::int64_t dim = 0;
    std::int64_t count = 0;
    std::uint32_t first = 0;  ///< number of the first, for the candidates
};

/// For the metrics of host_scans. Offers each row's distance to each query: sums of squared differences, or inner
/// products with what is added, negated. Rows and queries are multiplied in float32, whatever the rows are stored in,
/// and each pair is summed in one order, so its distance is the same bits whatever else is scanned with it; processors
/// with other vector registers may differ. Of many queries by L2, rows whose inner product shows that they are too far
/// are not scored. `widened` has room for (widened_rows, padded_dim(dim)) floats, aligned as
/// the queries; it may be null for float32 rows and for at most widening_from - 1 queries. Thread-safe for different
/// `lists`.
void scan_block(Metric metric, const ScanQueries& queries, const ScanRows& rows, float* widened, CandidateLists& lists);

/// From so many queries on, rows are widened before they are compared, not while.
inline constexpr std::int64_t widening_from = 4;

}  // namespace gpushard
