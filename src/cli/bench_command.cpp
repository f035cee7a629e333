#include <algorithm>
#include <memory>

#include <fmt/core.h>

#include <gpushard/bytes.hpp>
#include <gpushard/printable_text.hpp>

#include "bench/comparison.hpp"
#include "cli/index_request.hpp"
#include "cli/option_values.hpp"
#include "cli/query_file.hpp"

namespace gpushard::cli {
namespace {

struct BenchRequest {
    IndexRequest index;
    QueryRequest queries;
    int repetitions = 5;
};

std::string figure(const bench::Comparison& row, double value) {
    if (row.unit == "bytes") return format_bytes(static_cast<Bytes>(value));
    if (row.unit == "s") return fmt::format("{:.4g} s", value);
    if (row.unit == "1/s") return fmt::format("{:.4g} /s", value);
    return fmt::format("{:.4g}", value);
}

/// Faiss's figure and the ratio, or that it has none.
std::string faiss_columns(const bench::Comparison& row) {
    if (!row.faiss_failure.empty()) return fmt::format("{:>14}{:>9}", "failed", "-");
    return fmt::format("{:>14}{:>9.2f}", figure(row, row.faiss), row.ratio);
}

std::string as_table(const std::vector<bench::Comparison>& rows) {
    const bool with_floors =
        std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.floor.has_value(); });
    std::string text = fmt::format("{:<20}{:>14}{:>14}{:>9}{}   (ratio above 1: gpushard is better)\n", "", "gpushard",
                                   "Faiss", "ratio", with_floors ? fmt::format("{:>14}", "floor") : "");
    std::string failure;
    for (const bench::Comparison& row : rows) {
        text += fmt::format("{:<20}{:>14}{}{}\n", row.what, figure(row, row.ours), faiss_columns(row),
                            row.floor ? fmt::format("{:>14}", figure(row, *row.floor)) : "");
        if (failure.empty()) failure = row.faiss_failure;
    }
    if (!failure.empty()) text += "Faiss failed: " + printable(failure) + "\n";
    return text;
}

nlohmann::ordered_json as_json(const std::vector<bench::Comparison>& rows, const BenchRequest& request,
                               std::int64_t query_count) {
    nlohmann::ordered_json json = json_header();
    json["queries"] = query_count;
    json["k"] = request.index.plan.k;
    json["repetitions"] = request.repetitions;
    json["rows"] = nlohmann::ordered_json::array();
    for (const bench::Comparison& row : rows) {
        json["rows"].push_back(
            {{"what", row.what}, {"unit", row.unit}, {"ours", row.ours}, {"faiss", row.faiss}, {"ratio", row.ratio}});
        if (row.floor) json["rows"].back()["floor"] = *row.floor;
        if (!row.faiss_failure.empty()) json["rows"].back()["faiss_failure"] = row.faiss_failure;
    }
    return json;
}

ExitCode run_bench(const BenchRequest& request, bool batch_was_given, const CommonOptions& common) {
    FileRoles files = check_request(request.index, common);
    add_queries(files, request.queries);
    if (!request.index.plan_file.empty()) {
        throw InvalidArgument("bench plans for itself, expected an index file instead of --plan");
    }
    const QueryFile file(request.queries, inspect(request.index.files, files, common).dim);
    bench::CompareOptions options;
    const std::int64_t query_count = std::min(file.count(), options.batches.back());
    const std::vector<float> queries = file.read(0, query_count);
    options.load.devices = request.index.devices;
    options.load.plan = request.index.plan;
    options.load.part_order = request.index.files.order;
    // The largest batch that is measured, so that it is searched as it would be by who planned for it.
    if (!batch_was_given) options.load.plan.max_batch = options.batches.back();
    options.repetitions = request.repetitions;
    options.on_step = [&common](const std::string& step) { note(common, "measuring " + step); };
    const std::vector<bench::Comparison> rows =
        bench::compare_with_faiss(request.index.files.paths, queries, query_count, options);
    if (common.json) {
        print_json(as_json(rows, request, query_count));
    } else {
        print(as_table(rows));
    }
    return exit_ok;
}

}  // namespace

void add_bench_command(CommandLine& line) {
    const auto request = std::make_shared<BenchRequest>();
    const auto command = std::make_shared<CLI::App*>();
    *command = &line.add_command("bench", "Load and search beside Faiss, on the same data and shards", [=, &line] {
        return run_bench(*request, (*command)->count("--max-batch") > 0, line.common);
    });
    add_index_request(**command, request->index);
    add_queries(**command, request->queries);
    add_number(**command, "--repeat", request->repetitions, 1, 1000, "Times each figure is taken; medians are printed")
        ->default_str("5");
}

}  // namespace gpushard::cli
