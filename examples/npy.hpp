#pragma once

#include <cstdint>
#include <fstream>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

/// A two-dimensional array from a NumPy file.
template <class T>
struct NpyMatrix {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::vector<T> values;  ///< row-major

    const T* row(std::int64_t i) const { return values.data() + i * columns; }
};

/// Reads a `.npy` file of C order whose elements have the type code `descr` ("<f4", "<i8") and the size of T. Throws
/// std::runtime_error naming the file.
template <class T>
NpyMatrix<T> read_npy(const std::string& path, const std::string& descr) {
    std::ifstream file(path, std::ios::binary);
    unsigned char prefix[10] = {};
    if (!file.read(reinterpret_cast<char*>(prefix), sizeof prefix) || prefix[0] != 0x93 || prefix[6] != 1) {
        throw std::runtime_error(path + ": cannot be read as a .npy file of version 1");
    }
    std::string header(static_cast<std::size_t>(prefix[8] + 256 * prefix[9]), ' ');
    file.read(header.data(), static_cast<std::streamsize>(header.size()));
    static const std::regex shape_pattern(R"('shape': *\((\d+), *(\d+),?\))");
    std::smatch shape;
    if (header.find("'" + descr + "'") == std::string::npos || header.find("True") != std::string::npos ||
        !std::regex_search(header, shape, shape_pattern)) {
        throw std::runtime_error(path + ": is not a matrix of " + descr + " in C order");
    }
    NpyMatrix<T> matrix{std::stoll(shape[1]), std::stoll(shape[2]), {}};
    const auto payload_begin = file.tellg();
    file.seekg(0, std::ios::end);
    const std::int64_t payload_bytes = file.tellg() - payload_begin;
    if (matrix.columns == 0 || payload_bytes / static_cast<std::int64_t>(sizeof(T)) / matrix.columns != matrix.rows) {
        throw std::runtime_error(path + ": its size does not match its shape");
    }
    file.seekg(payload_begin);
    matrix.values.resize(static_cast<std::size_t>(matrix.rows * matrix.columns));
    file.read(reinterpret_cast<char*>(matrix.values.data()), payload_bytes);
    return matrix;
}
