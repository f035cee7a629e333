#pragma once

#include <cstdint>
#include <vector>

#include "support/index_writer.hpp"

namespace gpushard::test {

/// What an index holds and what is asked of it.
struct OracleVectors {
    Rows rows;
    Rows queries;
};

/// The first `dim` dimensions of recorded embeddings, or clustered vectors where there are none or not so many.
OracleVectors oracle_vectors(std::int64_t count, std::int32_t dim, std::int64_t nq);

/// Positive, and with a spread that metrics of distributions can tell apart.
OracleVectors positive_vectors(std::int64_t count, std::int32_t dim, std::int64_t nq);

/// Whole numbers from 0 to 255.
OracleVectors byte_vectors(std::int64_t count, std::int32_t dim, std::int64_t nq);

/// The nearest bfloat16, ties to even.
std::uint16_t to_bfloat16(float value);
float round_to_bfloat16(float value);

/// Every value as float16, or bfloat16, would keep it.
Rows rounded_to_half(Rows rows);
Rows rounded_to_bfloat16(Rows rows);

/// (dim, count) from (count, dim).
std::vector<float> column_major(const Rows& rows);

}  // namespace gpushard::test
