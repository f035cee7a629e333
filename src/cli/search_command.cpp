#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include <fmt/core.h>

#include <gpushard/report.hpp>

#include "cli/atomic_file.hpp"
#include "cli/index_request.hpp"
#include "cli/interrupt.hpp"
#include "cli/npy_file.hpp"
#include "cli/query_file.hpp"

namespace gpushard::cli {
namespace {

/// How much of the answers is printed where they go to no file.
constexpr std::int64_t shown_queries = 10;
constexpr std::int64_t shown_neighbors = 10;
/// Answers that are held at a time, of 12 bytes each.
constexpr std::int64_t most_answers = 4 << 20;

struct SearchRequest {
    IndexRequest index;
    std::filesystem::path queries;
    std::filesystem::path ids;
    std::filesystem::path distances;
};

/// A `.npy` of shape (queries, k) that fills batch by batch.
class ResultFile {
public:
    ResultFile(const std::filesystem::path& path, const char* descr, std::int64_t queries, std::int64_t k)
        : file_(path), k_(k) {
        const std::string header = npy_header(descr, queries, k);
        file_.write(header.data(), header.size());
    }

    /// Lists of `found_k` values, each filled up to k with `missing`.
    template <typename Value>
    void append(const std::vector<Value>& values, std::int64_t found_k, Value missing) {
        if (found_k == k_) return file_.write(values.data(), values.size() * sizeof(Value));
        const std::vector<Value> filling(static_cast<std::size_t>(std::min(k_ - found_k, most_filled_at_once)),
                                         missing);
        const auto row = static_cast<std::size_t>(found_k);
        for (std::size_t at = 0; at + row <= values.size(); at += row) {
            file_.write(values.data() + at, row * sizeof(Value));
            for (std::int64_t left = k_ - found_k; left > 0; left -= most_filled_at_once) {
                file_.write(filling.data(),
                            static_cast<std::size_t>(std::min(left, most_filled_at_once)) * sizeof(Value));
            }
        }
    }

    void commit() { file_.commit(); }

private:
    static constexpr std::int64_t most_filled_at_once = 65536;

    AtomicFile file_;
    const std::int64_t k_;
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
        std::vector<double> sorted = calls;
        std::sort(sorted.begin(), sorted.end());
        const auto rank = static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(sorted.size())));
        return sorted.at(std::max<std::size_t>(rank, 1) - 1) * 1e3;
    }
};

/// Where answers go: files, created before the load so that a bad name is not found out after it.
class Outputs {
public:
    Outputs(const SearchRequest& request, std::int64_t queries, std::int64_t k, Metric metric)
        : worst_(is_similarity(metric) ? std::numeric_limits<float>::lowest() : std::numeric_limits<float>::max()) {
        if (!request.ids.empty()) ids_.emplace(request.ids, "<i8", queries, k);
        if (!request.distances.empty()) distances_.emplace(request.distances, "<f4", queries, k);
    }

    void add(SearchResult&& batch) {
        if (ids_) ids_->append(batch.ids, batch.k, std::int64_t{-1});
        if (distances_) distances_->append(batch.distances, batch.k, worst_);
        if (first_.nq == 0) first_ = std::move(batch);
    }

    void commit() {
        if (ids_) ids_->commit();
        if (distances_) distances_->commit();
    }

    const SearchResult& first_batch() const { return first_; }

private:
    const float worst_;  ///< the distance of an answer that is missing
    std::optional<ResultFile> ids_;
    std::optional<ResultFile> distances_;
    SearchResult first_;
};

Timing search_all(const ShardedIndex& index, const Queries& queries, std::int64_t k, Outputs& outputs) {
    const Interrupt interrupt;
    // No memory is spent on answers that there are no rows for, and little on those that a file takes at once.
    const std::int64_t found_k = std::clamp<std::int64_t>(k, 1, std::max<std::int64_t>(index.count(), 1));
    const std::int64_t batch =
        std::min(index.plan().options.max_batch, std::max<std::int64_t>(1, most_answers / found_k));
    Timing timing;
    for (std::int64_t begin = 0; begin < queries.count; begin += batch) {
        if (interrupt.token().stop_requested()) throw Cancelled("the search was cancelled");
        const std::int64_t count = std::min(batch, queries.count - begin);
        const auto start = std::chrono::steady_clock::now();
        SearchResult result = index.search(count, queries.row(begin), found_k);
        timing.calls.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        outputs.add(std::move(result));
    }
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

void print_facts(const ShardedIndex& index, const Queries& queries, std::int64_t k, const Timing& timing) {
    const double seconds = timing.seconds();
    nlohmann::ordered_json json = json_header();
    json["file"] = index.plan().index.display_name();
    json["queries"] = queries.count;
    json["k"] = k;
    json["seconds"] = seconds;
    json["qps"] = seconds > 0 ? static_cast<double>(queries.count) / seconds : 0.0;
    json["latency_ms"] = {{"p50", timing.percentile_ms(50)}, {"p99", timing.percentile_ms(99)}};
    json["load_seconds"] = index.load_report().seconds;
    json["host_search_bytes"] = index.plan().host_search_bytes;
    json["measured_host_search_peak_bytes"] = index.host_search_peak_bytes();
    json["devices"] = device_facts(index);
    print_json(json);
}

void print_summary(const Queries& queries, std::int64_t k, const Timing& timing) {
    const double seconds = timing.seconds();
    print(fmt::format("{} queries, k {}: {:.3f} s, {:.0f} queries a second, {:.2f} ms a call (p50), {:.2f} ms (p99)\n",
                      queries.count, k, seconds, seconds > 0 ? static_cast<double>(queries.count) / seconds : 0.0,
                      timing.percentile_ms(50), timing.percentile_ms(99)));
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

void check_outputs(const SearchRequest& request) {
    if (!request.ids.empty() && request.ids.lexically_normal() == request.distances.lexically_normal()) {
        throw InvalidArgument("--out and --distances name the same file, expected two");
    }
}

ExitCode run_search(const SearchRequest& request, const CommonOptions& common) {
    check_request(request.index, common);
    check_outputs(request);
    const PlacementPlan plan = make_plan(request.index);
    const std::int64_t k = request.index.k.value_or(plan.options.k);
    const Queries queries = read_queries(request.queries, plan.index.dim);
    Outputs outputs(request, queries.count, k, plan.index.metric);

    const ShardedIndex index = load_request(request.index, plan, common);
    const Timing timing = search_all(index, queries, k, outputs);
    outputs.commit();
    if (common.json) {
        print_facts(index, queries, k, timing);
        return exit_ok;
    }
    print_summary(queries, k, timing);
    if (request.ids.empty()) print_first_answers(outputs.first_batch(), queries.count);
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
    command.add_option("--queries", request->queries, "Queries: .npy (float32, C order), .fvecs or .fbin")
        ->type_name("FILE")
        ->required();
    command.add_option("--out", request->ids, "Write the ids here: .npy, int64, (queries, k)")->type_name("FILE");
    command.add_option("--distances", request->distances, "Write the distances here: .npy, float32, (queries, k)")
        ->type_name("FILE");
}

}  // namespace gpushard::cli
