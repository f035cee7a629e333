#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include <nlohmann/json.hpp>

#include <gpushard/sharded_index.hpp>

namespace gpushard::cli {

/// The name that stands for standard output, and input.
inline constexpr std::string_view standard_stream = "-";

/// What the values of the arrays are called in a `.npy`.
inline constexpr const char* id_type = "<i8";
inline constexpr const char* distance_type = "<f4";

/// Whether what was typed is neither empty nor a standard stream.
bool names_file(const std::filesystem::path& path);

/// Where the answers of a search go, as typed.
struct AnswerRequest {
    std::filesystem::path ids;        ///< .npy, int64; "-": standard output; empty: nowhere
    std::filesystem::path distances;  ///< .npy, float32; likewise
    bool json_lines = false;          ///< an object for each query on standard output

    /// Standard output carries answers, so that facts have to go elsewhere.
    bool take_standard_output() const;
};

/// A `.npy` array that fills from its first row to its last, in a file or on standard output.
class AnswerArray {
public:
    virtual ~AnswerArray() = default;
    virtual void append(const void* values, std::size_t bytes) = 0;
    virtual void sync() = 0;  ///< so that what can fail has failed before the first of several is put in place
    virtual void commit() = 0;
};

/// Answers on their way out, batch by batch. Files are created at once, so that a bad name is not found out after a
/// load, and appear under their names when all answers are in.
class AnswerWriter {
public:
    /// Throws BadFile.
    AnswerWriter(const AnswerRequest& request, std::int64_t queries, std::int64_t k, bool collect_json);

    void add(SearchResult&& batch);
    void commit();

    /// Of the answers that go to no file: those of the first batch, to be shown.
    const SearchResult& first_batch() const { return first_; }
    /// With `collect_json`: "ids" and "distances" as arrays of rows.
    nlohmann::ordered_json take_json();

private:
    std::unique_ptr<AnswerArray> ids_;
    std::unique_ptr<AnswerArray> distances_;
    const bool json_lines_;
    const bool collect_json_;
    std::int64_t written_ = 0;
    SearchResult first_;
    nlohmann::ordered_json id_rows_ = nlohmann::ordered_json::array();
    nlohmann::ordered_json distance_rows_ = nlohmann::ordered_json::array();
};

}  // namespace gpushard::cli
