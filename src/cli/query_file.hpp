#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace gpushard::cli {

/// Queries in memory: row-major (count, dim), all finite.
struct Queries {
    std::int64_t count = 0;
    std::int32_t dim = 0;
    std::vector<float> values;

    const float* row(std::int64_t i) const { return values.data() + i * dim; }
};

/// Reads a file of float32 queries: `.npy` (C order, two dimensions), `.fvecs` or `.fbin`, by the extension, or by its
/// first bytes for NumPy files of any name. Everything a header claims is checked against the size of the file before
/// memory is taken. Throws BadFile: missing, malformed, empty, another dimension than `dim`, or a NaN or an infinity
/// (with the number of the query).
Queries read_queries(const std::filesystem::path& path, std::int32_t dim);

}  // namespace gpushard::cli
