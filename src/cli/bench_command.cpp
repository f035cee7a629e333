#include <algorithm>
#include <memory>
#include <sstream>

#include "bench/comparison.hpp"
#include "cli/bench_report.hpp"
#include "cli/index_request.hpp"
#include "cli/option_values.hpp"
#include "cli/query_file.hpp"

namespace gpushard::cli {
namespace {

constexpr std::int64_t largest_batch = 1'000'000;

struct BenchRequest {
    IndexRequest index;
    QueryRequest queries;
    bench::CompareOptions options;
};

std::vector<std::int64_t> parse_batches(const std::string& text) {
    std::vector<std::int64_t> batches;
    std::istringstream items(text);
    for (std::string item; std::getline(items, item, ',');) {
        const std::int64_t batch = parse_whole_number(item, 1, largest_batch);
        if (std::find(batches.begin(), batches.end(), batch) != batches.end()) {
            throw InvalidArgument("'" + item + "' is there twice");
        }
        batches.push_back(batch);
    }
    if (batches.empty() || text.back() == ',') {
        throw InvalidArgument("'" + text + "' is no list of whole numbers, as 1,16,256");
    }
    return batches;
}

std::string parse_interpreter(const std::string& text) {
    if (text.empty()) throw InvalidArgument("'' is no program, expected a Python interpreter");
    return text;
}

ExitCode run_bench(const BenchRequest& request, bool batch_was_given, const CommonOptions& common) {
    FileRoles files = check_request(request.index, common);
    add_queries(files, request.queries);
    if (!request.index.plan_file.empty()) {
        throw InvalidArgument("bench plans for itself, expected an index file instead of --plan");
    }
    const QueryFile file(request.queries, inspect(request.index.files, files, common).dim);
    bench::CompareOptions options = request.options;
    const std::int64_t largest = *std::max_element(options.batches.begin(), options.batches.end());
    const std::int64_t query_count = std::min(file.count(), largest);
    const std::vector<float> queries = file.read(0, query_count);
    options.load = planning_options(request.index);
    // The largest batch that is measured, so that it is searched as it would be by who planned for it.
    if (!batch_was_given) options.load.plan.max_batch = largest;
    options.on_step = [&common](const std::string& step) { note(common, "measuring " + step); };
    const bench::ComparisonReport report =
        bench::compare_with_faiss(request.index.files.paths, queries, query_count, options);
    if (!common.json) {
        print(as_table(report));
        return exit_ok;
    }
    nlohmann::ordered_json json = json_header();
    json["queries"] = query_count;
    json["k"] = options.load.plan.k;
    json["repetitions"] = options.repetitions;
    add_json(json, report);
    print_json(json);
    return exit_ok;
}

void add_measuring_options(CLI::App& command, bench::CompareOptions& options) {
    add_number(command, "--repeat", options.repetitions, 1, 1000,
               "Times each figure is taken, the sides in turn; medians are printed, and a row is undecided where the "
               "figures of a side lie more than 10 % apart")
        ->default_str("7");
    add_value(command, "--batches", options.batches, parse_batches, "Queries of the searches that are measured")
        ->type_name("LIST")
        ->default_str("1,4,16,64,256,1024");
    command.add_flag("--only-searches", options.only_searches, "Measure no loads and no merge");
    add_number(command, "--callers", options.callers, 1, 1024,
               "Also measure so many threads that search at once, one query each");
    add_value(command, "--against", options.python, parse_interpreter,
              "Search beside the faiss of this Python interpreter instead of the one linked here")
        ->type_name("PYTHON");
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
    add_measuring_options(**command, request->options);
}

}  // namespace gpushard::cli
