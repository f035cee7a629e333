#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <gpushard/byte_source.hpp>
#include <gpushard/bytes.hpp>

namespace gpushard::cli {

/// What stands before the values of a NumPy file (format versions 1.0, 2.0 and 3.0).
struct NpyHeader {
    std::string descr;  ///< "<f4"
    bool fortran_order = false;
    std::vector<std::int64_t> shape;
    Bytes data_offset = 0;
};

/// True for the six bytes every NumPy file begins with.
bool is_npy(const ByteSource& source);

/// Whether the file is a two-dimensional array of values of this type; false where it cannot be read.
bool is_array(const std::filesystem::path& path, std::string_view descr);

/// Reads at most 64 KiB. Throws BadFile.
NpyHeader read_npy_header(const ByteSource& source);

/// The bytes to write before the values of a C-order array of shape (rows, columns).
std::string npy_header(std::string_view descr, std::int64_t rows, std::int64_t columns);

}  // namespace gpushard::cli
