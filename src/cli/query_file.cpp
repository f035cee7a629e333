#include "cli/query_file.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>

#include <fmt/core.h>

#include <gpushard/byte_source.hpp>
#include <gpushard/error.hpp>

#include "cli/npy_file.hpp"

namespace gpushard::cli {
namespace {

static_assert(std::endian::native == std::endian::little, "query files are read as they stand");

BadFile bad_queries(const std::string& file, const std::string& problem) {
    return BadFile(file + ": " + problem, {}, {{"file", file}});
}

BadFile bad_queries(const ByteSource& source, const std::string& problem) {
    return bad_queries(source.name(), problem);
}

std::shared_ptr<ByteSource> open_queries(const std::filesystem::path& path) {
    const std::string file = path.string();
    std::error_code failed;
    const std::filesystem::file_status status = std::filesystem::status(path, failed);
    if (!std::filesystem::exists(status)) {
        throw bad_queries(file, "cannot be opened: " + (failed ? failed.message() : std::string("it does not exist")));
    }
    if (!std::filesystem::is_regular_file(status)) throw bad_queries(file, "is no regular file, expected queries");
    if (std::filesystem::file_size(path) == 0) throw bad_queries(file, "is empty, expected queries");
    return open_file(path);
}

/// What a format says about its values.
struct Layout {
    std::int64_t count = 0;
    std::int64_t dim = 0;
    Bytes offset = 0;      ///< of the first value
    Bytes row_prefix = 0;  ///< bytes before each row
};

void check_shape(const ByteSource& source, std::int64_t count, std::int64_t dim, std::int32_t expected_dim) {
    if (count == 0) throw bad_queries(source, "has no queries");
    if (dim != expected_dim) {
        throw bad_queries(source, fmt::format("has queries of dimension {}, the index has {}", dim, expected_dim));
    }
}

void check_size(const ByteSource& source, const Layout& layout) {
    Bytes expected = 0;
    try {
        const Bytes row = checked_add(layout.row_prefix, checked_multiply(static_cast<Bytes>(layout.dim), 4));
        expected = checked_add(layout.offset, checked_multiply(static_cast<Bytes>(layout.count), row));
    } catch (const std::overflow_error&) {
        throw bad_queries(source,
                          fmt::format("claims {} x {} values, more than any file has", layout.count, layout.dim));
    }
    if (source.size() == expected) return;
    throw bad_queries(source, fmt::format("has {} bytes, expected {} for {} x {} values{}", source.size(), expected,
                                          layout.count, layout.dim, source.size() < expected ? ": truncated?" : ""));
}

Layout npy_layout(const ByteSource& source) {
    const NpyHeader header = read_npy_header(source);
    if (header.descr != "<f4") {
        throw bad_queries(source, "has values of type '" + header.descr + "', expected float32 ('<f4')");
    }
    if (header.fortran_order) throw bad_queries(source, "is in Fortran order, expected C order");
    if (header.shape.size() != 2) {
        throw bad_queries(source, fmt::format("has {} dimensions, expected 2: queries x dim", header.shape.size()));
    }
    return {.count = header.shape[0], .dim = header.shape[1], .offset = header.data_offset, .row_prefix = 0};
}

Layout fbin_layout(const ByteSource& source) {
    std::uint32_t counts[2];
    if (source.size() < sizeof counts) throw bad_queries(source, "is shorter than the 8 bytes of an .fbin header");
    source.read(0, counts, sizeof counts);
    return {.count = counts[0], .dim = counts[1], .offset = sizeof counts, .row_prefix = 0};
}

/// Each row of an .fvecs file is preceded by its dimension.
Layout fvecs_layout(const ByteSource& source) {
    std::int32_t dim = 0;
    if (source.size() < sizeof dim) throw bad_queries(source, "is shorter than the 4 bytes of a dimension");
    source.read(0, &dim, sizeof dim);
    if (dim < 1) throw BadFile::field(source.name(), 0, "dimension", std::to_string(dim), "at least 1");
    const Bytes row = sizeof dim + static_cast<Bytes>(dim) * 4;
    const Bytes count = source.size() / row + (source.size() % row != 0);
    return {.count = static_cast<std::int64_t>(count), .dim = dim, .offset = 0, .row_prefix = sizeof dim};
}

Layout layout_of(const ByteSource& source, const std::string& extension) {
    if (is_npy(source)) return npy_layout(source);
    if (extension == ".fbin") return fbin_layout(source);
    if (extension == ".fvecs") return fvecs_layout(source);
    if (extension == ".npy") throw bad_queries(source, "does not begin as a NumPy file does");
    throw bad_queries(source, "is no query file, expected .npy, .fvecs or .fbin");
}

void read_rows(const ByteSource& source, const Layout& layout, Queries& queries) {
    const std::size_t row_bytes = static_cast<std::size_t>(layout.dim) * sizeof(float);
    if (layout.row_prefix == 0) {
        source.read(layout.offset, queries.values.data(), row_bytes * static_cast<std::size_t>(layout.count));
        return;
    }
    std::vector<char> row(layout.row_prefix + row_bytes);
    for (std::int64_t i = 0; i < layout.count; ++i) {
        const Bytes offset = layout.offset + static_cast<Bytes>(i) * row.size();
        source.read(offset, row.data(), row.size());
        std::int32_t dim = 0;
        std::memcpy(&dim, row.data(), sizeof dim);
        if (dim != layout.dim) {
            throw BadFile::field(source.name(), offset, fmt::format("dimension of query {}", i), std::to_string(dim),
                                 std::to_string(layout.dim));
        }
        std::memcpy(queries.values.data() + i * layout.dim, row.data() + sizeof dim, row_bytes);
    }
}

void check_finite(const ByteSource& source, const Queries& queries) {
    for (std::int64_t i = 0; i < queries.count; ++i) {
        for (std::int32_t j = 0; j < queries.dim; ++j) {
            const float value = queries.row(i)[j];
            if (std::isfinite(value)) continue;
            throw BadFile(fmt::format("{}: query {} has {} at element {}, expected finite numbers", source.name(), i,
                                      std::isnan(value) ? "a NaN" : "an infinity", j),
                          {}, {{"file", source.name()}, {"query", i}, {"element", std::int64_t{j}}});
        }
    }
}

}  // namespace

Queries read_queries(const std::filesystem::path& path, std::int32_t dim) {
    const std::shared_ptr<ByteSource> source = open_queries(path);
    const Layout layout = layout_of(*source, path.extension().string());
    check_shape(*source, layout.count, layout.dim, dim);
    check_size(*source, layout);
    Queries queries;
    queries.count = layout.count;
    queries.dim = dim;
    queries.values.resize(static_cast<std::size_t>(layout.count) * static_cast<std::size_t>(dim));
    read_rows(*source, layout, queries);
    check_finite(*source, queries);
    return queries;
}

}  // namespace gpushard::cli
