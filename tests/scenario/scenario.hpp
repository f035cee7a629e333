#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/child_process.hpp"
#include "support/index_writer.hpp"
#include "support/temp_dir.hpp"

namespace gpushard::test {

using Json = nlohmann::json;
using Arguments = std::vector<std::string>;

/// Runs the command line tool, on the host where a test names no devices: a build with CUDA would look for cards.
ChildResult run_gpushard(const Arguments& arguments, const ChildSetup& setup = {});

/// The JSON a command prints with --json; fails the test when it does not succeed.
Json json_of(Arguments arguments);

/// Fails the test unless the command ends with `exit_code`, says so in one clear line on stderr that contains every
/// one of `parts`, prints nothing else to stdout, and, with --json, prints an error object with the same message.
void expect_error(const Arguments& arguments, int exit_code, const std::vector<std::string>& parts = {});

/// A folder with files for a test, and a check that a command left nothing else in it.
class ScenarioFolder : public testing::Test {
protected:
    std::string path(const std::string& name) const { return (folder_ / name).string(); }
    std::string write(const std::string& name, const std::string& bytes) const;
    std::vector<std::string> files() const;

    TempDir folder_;
};

/// The bytes of an array as NumPy writes it, format version 1.0.
template <typename Value>
std::string npy(const std::string& descr, const std::string& shape, const std::vector<Value>& values,
                const std::string& fortran_order = "False") {
    std::string text = "{'descr': '" + descr + "', 'fortran_order': " + fortran_order + ", 'shape': " + shape + ", }";
    text.append(64 - (10 + text.size() + 1) % 64, ' ');
    text += '\n';
    std::string bytes = std::string("\x93NUMPY\x01\0", 8);
    bytes += static_cast<char>(text.size() & 0xff);
    bytes += static_cast<char>(text.size() >> 8);
    bytes += text;
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Value));
    return bytes;
}

std::string query_npy(const Rows& queries);
std::string query_fvecs(const Rows& queries);
std::string query_fbin(const Rows& queries);

/// A two-dimensional array of a `.npy` file that the tool or NumPy wrote.
template <typename Value>
struct Array {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::vector<Value> values;

    const Value* row(std::int64_t i) const { return values.data() + i * columns; }
};

Array<std::int64_t> read_ids(const std::filesystem::path& path);  ///< '<i8'
Array<float> read_distances(const std::filesystem::path& path);   ///< '<f4'
Rows read_vectors(const std::filesystem::path& path);             ///< '<f4'
Rows read_index_vectors(const std::filesystem::path& path);       ///< those of a flat index, by Faiss

}  // namespace gpushard::test
