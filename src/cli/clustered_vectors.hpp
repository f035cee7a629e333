#pragma once

#include <cstdint>

namespace gpushard::cli {

/// Vectors around random centres, each a pure function of its number: the same on every machine, in any order and with
/// any number of threads. Only integers, and IEEE operations that are correctly rounded, go into a value.
class ClusteredVectors {
public:
    enum class Stream : std::uint64_t { rows = 1, queries = 2 };

    /// `unit_length` for inner product. Rows and queries of one seed share their centres.
    ClusteredVectors(std::uint64_t seed, std::int32_t dim, std::int64_t clusters, bool unit_length);

    /// Writes the vectors [first, first + count) of a stream to `out`, row-major (count, dim). Thread-safe.
    void fill(Stream stream, std::int64_t first, std::int64_t count, float* out) const;

private:
    void fill_one(Stream stream, std::int64_t number, float* out) const;

    std::uint64_t seed_;
    std::int32_t dim_;
    std::int64_t clusters_;
    bool unit_length_;
};

}  // namespace gpushard::cli
