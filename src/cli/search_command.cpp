#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include <fmt/core.h>

#include <gpushard/placement_planner.hpp>
#include <gpushard/report.hpp>

#include "cli/index_request.hpp"
#include "cli/interrupt.hpp"
#include "cli/query_file.hpp"
#include "cli/search_answers.hpp"

namespace gpushard::cli {
namespace {

/// How much of the answers is printed where they go to no file.
constexpr std::int64_t shown_queries = 10;
constexpr std::int64_t shown_neighbors = 10;
/// Answers that are held at a time, of 12 bytes each.
constexpr std::int64_t most_answers = 4 << 20;

struct SearchRequest {
    IndexRequest index;
    QueryRequest queries;
    AnswerRequest answers;
    bool force = false;
};

/// What searching all queries took: the seconds of each call, a batch of queries each.
struct Timing {
    std::vector<double> calls;

    double seconds() const {
        double sum = 0;
        for (const double call : calls) sum += call;
        return sum;
    }

    /// Nearest rank.
    double percentile_ms(double percent) const {
        if (calls.empty()) return 0;
        std::vector<double> sorted = calls;
        std::sort(sorted.begin(), sorted.end());
        const auto rank = static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(sorted.size())));
        return sorted.at(std::max<std::size_t>(rank, 1) - 1) * 1e3;
    }
};

Timing search_all(const ShardedIndex& index, const QueryFile& queries, std::int64_t k, AnswerWriter& answers,
                  const Interrupt& interrupt) {
    const std::int64_t batch = std::min(index.plan().options.max_batch, std::max<std::int64_t>(1, most_answers / k));
    Timing timing;
    for (std::int64_t begin = 0; begin < queries.count() && !nobody_reads_output(); begin += batch) {
        interrupt.check("the search was cancelled");
        const std::int64_t count = std::min(batch, queries.count() - begin);
        const std::vector<float> values = queries.read(begin, count);
        const auto start = std::chrono::steady_clock::now();
        SearchResult result = index.search(count, values.data(), k);
        timing.calls.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        answers.add(std::move(result));
    }
    interrupt.check("the search was cancelled");
    return timing;
}

nlohmann::ordered_json device_facts(const ShardedIndex& index) {
    nlohmann::ordered_json devices = nlohmann::ordered_json::array();
    const std::vector<Bytes> measured = index.peak_bytes();
    for (std::size_t i = 0; i < index.plan().devices.size(); ++i) {
        const ShardPlacement& planned = index.plan().devices[i];
        devices.push_back({{"spec", planned.device.spec},
                           {"rows", {planned.rows.begin, planned.rows.end}},
                           {"group", planned.group},
                           {"peak_bytes", planned.memory.peak()},
                           {"measured_peak_bytes", measured.at(i)}});
    }
    return devices;
}

void print_facts(const ShardedIndex& index, std::int64_t queries, std::int64_t k, const Timing& timing,
                 AnswerWriter& answers) {
    const double seconds = timing.seconds();
    nlohmann::ordered_json json = json_header();
    json["file"] = index.plan().index.display_name();
    json["queries"] = queries;
    json["k"] = k;
    json["seconds"] = seconds;
    json["qps"] = seconds > 0 ? static_cast<double>(queries) / seconds : 0.0;
    json["latency_ms"] = {{"p50", timing.percentile_ms(50)}, {"p99", timing.percentile_ms(99)}};
    json["load_seconds"] = index.load_report().seconds;
    json["host_search_bytes"] = index.plan().host_search_bytes;
    json["measured_host_search_peak_bytes"] = index.host_search_peak_bytes();
    json["devices"] = device_facts(index);
    json.update(answers.take_json());
    print_json(json);
}

std::string summary(std::int64_t queries, std::int64_t k, const Timing& timing) {
    const double seconds = timing.seconds();
    return fmt::format("{} queries, k {}: {:.3f} s, {:.0f} queries a second, {:.2f} ms a call (p50), {:.2f} ms (p99)",
                       queries, k, seconds, seconds > 0 ? static_cast<double>(queries) / seconds : 0.0,
                       timing.percentile_ms(50), timing.percentile_ms(99));
}

void print_first_answers(const SearchResult& answers, std::int64_t queries) {
    std::string text = "\n  query  id:distance, best first\n";
    const std::int64_t shown = std::min(shown_queries, answers.nq);
    for (std::int64_t i = 0; i < shown; ++i) {
        text += fmt::format("  {:5}", i);
        const std::vector<Neighbor> row = answers.row(i);
        for (std::size_t j = 0; j < std::min<std::size_t>(row.size(), shown_neighbors); ++j) {
            text += fmt::format("  {}:{:.4f}", row[j].id, row[j].distance);
        }
        text += row.size() > shown_neighbors ? "  ...\n" : "\n";
    }
    if (queries > shown) text += fmt::format("  and {} more queries; --out FILE writes all\n", queries - shown);
    print(text);
}

void check_outputs(const SearchRequest& request, const CommonOptions& common) {
    const AnswerRequest& answers = request.answers;
    if (!answers.take_standard_output()) return;
    if (common.json) {
        throw InvalidArgument("--json prints facts on standard output, expected no answers there beside them");
    }
    if (answers.json_lines + (answers.ids == standard_stream) + (answers.distances == standard_stream) > 1) {
        throw InvalidArgument("standard output takes one of --jsonl, --out - and --distances -");
    }
}

/// More than there are is allowed, missing answers are -1; but a k that no device would select is a slip.
void check_neighbors(std::int64_t k, const PlacementPlan& plan) {
    constexpr std::int64_t always_allowed = 2048;
    if (k > std::max(plan.index.count, always_allowed)) {
        throw InvalidArgument(fmt::format("k is {}, the index has {} vectors", k, plan.index.count),
                              {fmt::format("--k {} asks for all", plan.index.count)});
    }
    check_search(plan, k);
}

void print_answers(const SearchRequest& request, const CommonOptions& common, const std::string& summary,
                   const AnswerWriter& answers, std::int64_t queries) {
    if (request.answers.take_standard_output()) return note(common, summary);
    print(summary + "\n");
    if (request.answers.ids.empty()) print_first_answers(answers.first_batch(), queries);
}

/// What an earlier search wrote may be replaced, and nothing else: an index under that name would be gone.
void add_files(FileRoles& files, const SearchRequest& request) {
    add_queries(files, request.queries);
    const AnswerRequest& answers = request.answers;
    if (names_file(answers.ids)) files.writes("--out", answers.ids, {request.force, id_type});
    if (names_file(answers.distances)) files.writes("--distances", answers.distances, {request.force, distance_type});
}

ExitCode run_search(const SearchRequest& request, const CommonOptions& common) {
    FileRoles files = check_request(request.index, common);
    check_outputs(request, common);
    add_files(files, request);
    const PlacementPlan plan = make_plan(request.index, files, common);
    const std::int64_t k = request.index.k.value_or(plan.options.k);
    check_neighbors(k, plan);
    const std::stop_token stop = common.interrupt->listen();
    const QueryFile queries(request.queries, plan.index.dim, stop);
    queries.check_all(stop);
    AnswerWriter answers(request.answers, queries.count(), k, common.json && request.answers.ids.empty());

    const ShardedIndex index = load_request(request.index, plan, common);
    const Timing timing = search_all(index, queries, k, answers, *common.interrupt);
    answers.commit();
    if (common.json) {
        print_facts(index, queries.count(), k, timing, answers);
    } else {
        print_answers(request, common, summary(queries.count(), k, timing), answers, queries.count());
    }
    return exit_ok;
}

}  // namespace

void add_search_command(CommandLine& line) {
    const auto request = std::make_shared<SearchRequest>();
    CLI::App& command = line.add_command("search", "Load an index and answer a file of queries",
                                         [&line, request] { return run_search(*request, line.common); });
    add_index_request(command, request->index);
    // A plan for one k can be searched with another.
    command.get_option("--plan")->remove_excludes(command.get_option("--k"));
    command.get_option("--k")->remove_excludes(command.get_option("--plan"));
    add_queries(command, request->queries);
    command.add_option("--out", request->answers.ids, "Write the ids here: .npy, int64, (queries, k); - for stdout")
        ->type_name("FILE");
    command
        .add_option("--distances", request->answers.distances,
                    "Write the distances here: .npy, float32, (queries, k); - for stdout")
        ->type_name("FILE");
    command.add_flag("--jsonl", request->answers.json_lines,
                     "Print the answers to each query as one line of JSON, as they come");
    command.add_flag("--force", request->force, "Let --out and --distances replace files that no search wrote");
}

}  // namespace gpushard::cli
