#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <gpushard/index_profile.hpp>

namespace gpushard::test {

/// Vectors, row-major (count, dim).
struct Rows {
    std::int64_t count = 0;
    std::int32_t dim = 0;
    std::vector<float> values;

    const float* row(std::int64_t i) const { return values.data() + i * dim; }
};

/// Small whole numbers, so that sums of products are exact in float32 and many distances tie.
Rows whole_number_rows(std::int64_t count, std::int32_t dim, std::uint64_t seed);

/// Uniform in [-1, 1).
Rows uniform_rows(std::int64_t count, std::int32_t dim, std::uint64_t seed);

/// The bytes of a flat index file up to its vectors, as src/index/FORMAT.md has them.
std::string flat_index_header(std::int64_t count, std::int32_t dim, Metric metric, float metric_arg = 0);

/// The bytes of a whole flat index file.
std::string flat_index(const Rows& rows, Metric metric, float metric_arg = 0);

void write_file(const std::filesystem::path& path, const std::string& bytes);
std::string read_file(const std::filesystem::path& path);

/// Cuts `bytes` at the given offsets into files of `folder`, and returns their paths in order.
std::vector<std::filesystem::path> write_parts(const std::filesystem::path& folder, const std::string& bytes,
                                               const std::vector<std::size_t>& cuts);

}  // namespace gpushard::test
