#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/file_roles.hpp"
#include "cli/query_layout.hpp"

namespace gpushard::cli {

/// Where queries are, as typed.
struct QueryRequest {
    std::filesystem::path path;       ///< "-": standard input
    std::optional<std::int32_t> dim;  ///< typed where the file is bare float32
};

/// `--queries`, which is required, and `--dim`.
void add_queries(CLI::App& command, QueryRequest& request);

/// The file among those that a command reads.
void add_queries(FileRoles& files, const QueryRequest& request);

/// Queries in a file, read a block at a time, as finite float32 whatever they are stored as. What comes through a pipe,
/// or lies in an archive, is kept in a temporary file meanwhile.
class QueryFile {
public:
    /// Reads headers only. Throws BadFile: missing, malformed, empty, a folder, or another dimension than `index_dim`;
    /// InvalidArgument for a --dim that is not that of the index; Cancelled.
    QueryFile(const QueryRequest& request, std::int32_t index_dim, const std::stop_token& stop = {});

    std::int64_t count() const { return layout_.count; }
    std::int32_t dim() const { return static_cast<std::int32_t>(layout_.dim); }

    /// Queries [first, first + count), row-major. Throws BadFile for a NaN, an infinity, a value beyond float32 (with
    /// the number of the query), and a row of another dimension.
    void read(std::int64_t first, std::int64_t count, float* queries) const;
    std::vector<float> read(std::int64_t first, std::int64_t count) const;

    /// Reads all once, so that what `read` would refuse is refused now. Throws Cancelled.
    void check_all(const std::stop_token& stop) const;

private:
    void read_rows(std::int64_t first, std::int64_t count, float* queries) const;
    void read_columns(std::int64_t first, std::int64_t count, float* queries) const;

    QueryLayout layout_;
};

}  // namespace gpushard::cli
