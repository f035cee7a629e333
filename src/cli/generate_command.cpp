#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

#include <fmt/core.h>

#include <gpushard/index_limits.hpp>
#include <gpushard/index_profile.hpp>

#include "cli/atomic_file.hpp"
#include "cli/clustered_vectors.hpp"
#include "cli/command_line.hpp"
#include "cli/file_roles.hpp"
#include "cli/interrupt.hpp"
#include "cli/npy_file.hpp"
#include "cli/option_values.hpp"
#include "cli/row_writer.hpp"

namespace gpushard::cli {
namespace {

constexpr std::int64_t most_clusters = 1 << 30;
constexpr std::int64_t most_threads = 1024;

struct GenerateRequest {
    std::filesystem::path out;
    std::int64_t count = 0;
    std::int32_t dim = 0;
    Metric metric = Metric::inner_product;
    std::uint64_t seed = 1;
    std::filesystem::path queries;
    std::int64_t query_count = 100;
    std::int64_t clusters = 1000;
    unsigned threads = 0;  ///< 0: one for each processor
    bool force = false;
};

Metric parse_generated_metric(const std::string& text) {
    if (text == "ip") return Metric::inner_product;
    if (text == "l2") return Metric::l2;
    throw InvalidArgument("'" + text + "' is unknown, expected ip or l2");
}

template <typename Value>
void put(std::string& bytes, Value value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// What Faiss's write_index puts before the vectors of a flat index: 45 bytes, see src/index/FORMAT.md.
std::string flat_index_header(const GenerateRequest& request) {
    constexpr std::int64_t unused = 1 << 20;
    std::string header = request.metric == Metric::inner_product ? "IxFI" : "IxF2";
    put(header, request.dim);
    put(header, request.count);
    put(header, unused);
    put(header, unused);
    put(header, std::uint8_t{1});  // is_trained
    put(header, static_cast<std::int32_t>(request.metric));
    put(header, static_cast<std::uint64_t>(request.count) * static_cast<std::uint64_t>(request.dim));
    return header;
}

Bytes size_of(const RowFile& rows, const std::filesystem::path& path) {
    try {
        const Bytes bytes = rows.bytes();
        if (bytes <= static_cast<Bytes>(std::numeric_limits<std::int64_t>::max())) return bytes;
    } catch (const std::overflow_error&) {
        // Said below.
    }
    throw InvalidArgument(
        fmt::format("{}: {} x {} float32 are more bytes than a file can have", path.string(), rows.rows, rows.dim));
}

void check_files(const GenerateRequest& request) {
    FileRoles files;
    files.writes("--out", request.out, {.anything = request.force});
    if (!request.queries.empty()) files.writes("--queries", request.queries, {.anything = request.force});
}

void print_result(const GenerateRequest& request, Bytes bytes, const CommonOptions& common) {
    if (common.json) {
        nlohmann::ordered_json json = json_header();
        json["file"] = request.out.string();
        json["bytes"] = bytes;
        json["count"] = request.count;
        json["dim"] = request.dim;
        json["metric"] = to_string(request.metric);
        json["seed"] = request.seed;
        if (!request.queries.empty()) {
            json["queries"] = request.queries.string();
            json["query_count"] = request.query_count;
        }
        print_json(json);
        return;
    }
    print(fmt::format("{}: {} x {}, {}, {} bytes\n", request.out.string(), request.count, request.dim,
                      to_string(request.metric), bytes));
    if (!request.queries.empty()) {
        print(fmt::format("{}: {} queries\n", request.queries.string(), request.query_count));
    }
}

ExitCode run_generate(const GenerateRequest& request, const CommonOptions& common) {
    check_files(request);
    const RowFile rows = {flat_index_header(request), request.count, request.dim};
    const RowFile queries = {npy_header("<f4", request.query_count, request.dim), request.query_count, request.dim};
    const Bytes row_bytes = size_of(rows, request.out);
    const Bytes query_bytes = request.queries.empty() ? 0 : size_of(queries, request.queries);
    // Made first: what earlier runs have left of them is disk space.
    const Existing existing = request.force ? Existing::replace : Existing::refuse;
    AtomicFile row_file(request.out, existing);
    std::optional<AtomicFile> query_file;
    if (query_bytes > 0) query_file.emplace(request.queries, existing);
    check_disk_space(request.out, row_bytes);
    if (query_bytes > 0) check_disk_space(request.queries, query_bytes);

    const ClusteredVectors vectors(request.seed, request.dim, request.clusters,
                                   request.metric == Metric::inner_product);
    const unsigned threads = request.threads > 0 ? request.threads : std::max(1u, std::thread::hardware_concurrency());
    RowWriter writer(vectors, threads, common.interrupt->listen(), row_bytes + query_bytes, common.quiet);
    if (query_file) writer.write(ClusteredVectors::Stream::queries, queries, *query_file);
    writer.write(ClusteredVectors::Stream::rows, rows, row_file);
    row_file.sync();
    if (query_file) query_file->commit();
    row_file.commit();
    print_result(request, row_bytes, common);
    return exit_ok;
}

}  // namespace

void add_generate_command(CommandLine& line) {
    const auto request = std::make_shared<GenerateRequest>();
    constexpr std::int64_t any_count = std::numeric_limits<std::int64_t>::max();
    CLI::App& command =
        line.add_command("generate", "Write a flat index file of clustered random vectors, the same for the same seed",
                         [&line, request] { return run_generate(*request, line.common); });
    command.add_option("--out", request->out, "The index file to write")->type_name("FILE")->required();
    add_number(command, "--count", request->count, 0, any_count, "Vectors")->required();
    add_number(command, "--dim", request->dim, 1, largest_dim, "Dimension")->required();
    add_value(command, "--metric", request->metric, parse_generated_metric,
              "ip (inner product, vectors of unit length) or l2")
        ->type_name("NAME")
        ->default_str("ip");
    add_number(command, "--seed", request->seed, 0, any_count, "Other numbers give other vectors")->default_str("1");
    command.add_option("--queries", request->queries, "Also write queries from the same clusters: .npy, float32")
        ->type_name("FILE");
    add_number(command, "--query-count", request->query_count, 1, any_count, "How many queries")->default_str("100");
    add_number(command, "--clusters", request->clusters, 1, most_clusters, "Clusters the vectors come from")
        ->default_str("1000");
    add_number(command, "--threads", request->threads, 1, most_threads, "Threads; the vectors do not depend on it")
        ->default_str("one for each processor");
    command.add_flag("--force", request->force, "Replace files that exist");
}

}  // namespace gpushard::cli
