#include "cli/query_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/core.h>

#include <gpushard/error.hpp>

#include "cli/npz_file.hpp"
#include "cli/option_values.hpp"
#include "cli/spooled_source.hpp"

namespace gpushard::cli {
namespace {

/// What is read at a time while all queries are checked.
constexpr Bytes checked_block_bytes = 4_MiB;

BadFile bad_queries(const std::string& file, const std::string& problem, std::vector<std::string> hints = {}) {
    return BadFile(file + ": " + problem, std::move(hints), {{"file", file}});
}

/// An open file that may be anything.
class OpenInput {
public:
    explicit OpenInput(const std::filesystem::path& path)
        : is_standard_input_(path == "-"), name_(is_standard_input_ ? "standard input" : path.string()) {
        descriptor_ = is_standard_input_ ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (descriptor_ < 0 || ::fstat(descriptor_, &status_) != 0) {
            const int error = errno;
            close();
            throw bad_queries(name_, std::string("cannot be opened: ") + std::strerror(error));
        }
    }
    ~OpenInput() { close(); }
    OpenInput(const OpenInput&) = delete;
    OpenInput& operator=(const OpenInput&) = delete;

    const std::string& name() const { return name_; }
    int descriptor() const { return descriptor_; }
    bool is_regular() const { return S_ISREG(status_.st_mode); }

    /// Throws BadFile for what holds no bytes that end.
    void check_readable() const {
        if (S_ISDIR(status_.st_mode)) throw bad_queries(name_, "is a folder, expected queries");
        if (is_regular() && status_.st_size == 0) throw bad_queries(name_, "is empty, expected queries");
        if (is_regular() || S_ISFIFO(status_.st_mode) || S_ISSOCK(status_.st_mode)) return;
        throw bad_queries(name_, ::isatty(descriptor_) != 0 ? "is a terminal, expected queries from a file or a pipe"
                                                            : "is a device, expected queries from a file or a pipe");
    }

private:
    void close() const {
        if (!is_standard_input_ && descriptor_ >= 0) ::close(descriptor_);
    }

    const bool is_standard_input_;
    const std::string name_;
    int descriptor_ = -1;
    struct stat status_ = {};
};

/// The bytes of the queries, those of the array where they are in an archive.
std::shared_ptr<const ByteSource> open_source(const QueryRequest& request, const std::stop_token& stop) {
    const OpenInput input(request.path);
    input.check_readable();
    std::shared_ptr<const ByteSource> source;
    int archive = input.descriptor();
    // Standard input may be a regular file, but has no path to open it by.
    if (input.is_regular() && request.path != "-") {
        source = open_file(request.path);
    } else {
        const auto spooled = spool(input.descriptor(), input.name(), stop);
        if (spooled->size() == 0) throw bad_queries(input.name(), "is empty, expected queries");
        archive = spooled->descriptor();
        source = spooled;
    }
    return is_archive(*source) ? unpack_npz(archive, input.name(), stop) : source;
}

QueryLayout open_layout(const QueryRequest& request, std::int32_t index_dim, const std::stop_token& stop) {
    if (request.dim && *request.dim != index_dim) {
        throw InvalidArgument(
            fmt::format("--dim is {}, the index has vectors of dimension {}", *request.dim, index_dim));
    }
    const std::shared_ptr<const ByteSource> source = open_source(request, stop);
    return recognise_queries(
        source, {.extension = request.path.extension().string(), .index_dim = index_dim, .raw_dim = request.dim});
}

}  // namespace

void add_queries(CLI::App& command, QueryRequest& request) {
    constexpr std::int64_t largest_dim = std::numeric_limits<std::int32_t>::max();
    command
        .add_option("--queries", request.path,
                    "Queries: .npy or .npz of any number type, .safetensors, .fvecs, .bvecs, .fbin, .f16bin, .u8bin, "
                    ".i8bin; - for stdin")
        ->type_name("FILE")
        ->required();
    add_number(command, "--dim", request.dim, 1, largest_dim, "The queries are bare float32, rows of so many values")
        ->default_str("as the file says");
}

void add_queries(FileRoles& files, const QueryRequest& request) {
    if (request.path == "-") {
        files.reads_standard_input();
    } else {
        files.reads("--queries", request.path);
    }
}

QueryFile::QueryFile(const QueryRequest& request, std::int32_t index_dim, const std::stop_token& stop)
    : layout_(open_layout(request, index_dim, stop)) {}

void QueryFile::read(std::int64_t first, std::int64_t count, float* queries) const {
    if (layout_.rows_are_contiguous()) {
        read_rows(first, count, queries);
    } else {
        read_columns(first, count, queries);
    }
    for (std::int64_t i = 0; i < count * layout_.dim; ++i) {
        if (std::isfinite(queries[i])) continue;
        const std::int64_t query = first + i / layout_.dim;
        throw BadFile(fmt::format("{}: query {} has {} at element {}, expected finite numbers", layout_.source->name(),
                                  query, std::isnan(queries[i]) ? "a NaN" : "an infinity", i % layout_.dim),
                      {}, {{"file", layout_.source->name()}, {"query", query}, {"element", i % layout_.dim}});
    }
}

std::vector<float> QueryFile::read(std::int64_t first, std::int64_t count) const {
    std::vector<float> queries(static_cast<std::size_t>(count) * static_cast<std::size_t>(layout_.dim));
    read(first, count, queries.data());
    return queries;
}

void QueryFile::check_all(const std::stop_token& stop) const {
    const Bytes row_bytes = static_cast<Bytes>(layout_.dim) * sizeof(float);
    const auto block = std::max<std::int64_t>(1, static_cast<std::int64_t>(checked_block_bytes / row_bytes));
    std::vector<float> queries;
    for (std::int64_t first = 0; first < layout_.count; first += block) {
        if (stop.stop_requested()) throw Cancelled("reading the queries was cancelled");
        const std::int64_t count = std::min(block, layout_.count - first);
        queries.resize(static_cast<std::size_t>(count * layout_.dim));
        read(first, count, queries.data());
    }
}

void QueryFile::read_rows(std::int64_t first, std::int64_t count, float* queries) const {
    const Bytes begin = layout_.offset + static_cast<Bytes>(first) * layout_.row_stride;
    std::vector<std::byte> rows(static_cast<std::size_t>(count) * layout_.row_stride);
    layout_.source->read(begin, rows.data(), rows.size());
    for (std::int64_t i = 0; i < count; ++i) {
        const std::byte* const row = rows.data() + static_cast<Bytes>(i) * layout_.row_stride;
        if (layout_.row_prefix > 0) {
            std::int32_t dim = 0;
            std::memcpy(&dim, row, sizeof dim);
            if (dim != layout_.dim) {
                throw BadFile::field(layout_.source->name(), begin + static_cast<Bytes>(i) * layout_.row_stride,
                                     fmt::format("dimension of query {}", first + i), std::to_string(dim),
                                     std::to_string(layout_.dim));
            }
        }
        convert_to_float(layout_.element, row + layout_.row_prefix, static_cast<std::size_t>(layout_.dim),
                         queries + i * layout_.dim);
    }
}

void QueryFile::read_columns(std::int64_t first, std::int64_t count, float* queries) const {
    const auto rows = static_cast<std::size_t>(count);
    std::vector<std::byte> column(rows * layout_.element.bytes());
    std::vector<float> values(rows);
    for (std::int64_t j = 0; j < layout_.dim; ++j) {
        layout_.source->read(layout_.offset + static_cast<Bytes>(j) * layout_.column_stride +
                                 static_cast<Bytes>(first) * layout_.row_stride,
                             column.data(), column.size());
        convert_to_float(layout_.element, column.data(), rows, values.data());
        for (std::size_t i = 0; i < rows; ++i)
            queries[i * static_cast<std::size_t>(layout_.dim) + static_cast<std::size_t>(j)] = values[i];
    }
}

}  // namespace gpushard::cli
