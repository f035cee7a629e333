#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <omp.h>

#include <gpushard/sharded_index.hpp>

#include "bench/caller_comparison.hpp"
#include "bench/compare_request.hpp"
#include "bench/comparison_rows.hpp"
#include "bench/faiss_shards.hpp"
#include "bench/merge_comparison.hpp"
#include "bench/process_memory.hpp"
#include "bench/timing.hpp"

namespace gpushard::bench {
namespace {

/// Threads that both sides search with.
int search_threads(const PlacementPlan& plan) {
    return plan.options.threads > 0 ? plan.options.threads : omp_get_max_threads();
}

/// gpushard and Faiss in turn, both in host memory at the same time.
class HostComparer {
public:
    explicit HostComparer(const CompareRequest& request) : request_(request), options_(request.options) {}

    ComparisonReport run() {
        ComparisonReport report;
        start_python();
        step("the machine");
        const int threads = search_threads(request_.plan);
        const MachineLimits before = measure_machine(threads);
        if (!options_.only_searches) report.rows = compare_loads();
        prepare_searches();
        const std::size_t first_search = report.rows.size();
        for (const std::int64_t batch : options_.batches) report.rows.push_back(compare_searches(batch));
        if (options_.callers > 0) report.rows.push_back(compare_callers());
        if (python_) report.against = python_->version();
        release();
        if (!options_.only_searches) {
            step("merge");
            report.rows.push_back(compare_merge(options_.repetitions));
        }
        step("the machine again");
        report.machine = larger_of(before, measure_machine(threads));
        for (std::size_t i = 0; i < options_.batches.size(); ++i) {
            set_shares_of_limits(report.rows[first_search + i], options_.batches[i], request_.plan, *report.machine);
        }
        return report;
    }

private:
    void step(const std::string& text) const {
        if (options_.on_step) options_.on_step(text);
    }

    std::string counted(const std::string& what, int i) const {
        return what + " " + std::to_string(i + 1) + " of " + std::to_string(options_.repetitions);
    }

    // Before all else: what is wrong with an interpreter is then said at once.
    void start_python() {
        if (options_.python.empty()) return;
        python_.emplace(
            PythonRequest{options_.python, request_.file, options_.load.plan.k, search_threads(request_.plan)});
    }

    // The last pair stays loaded for the searches.
    std::vector<Comparison> compare_loads() {
        Samples load_seconds;
        Samples peaks;
        const UsageMeter meter;
        for (int i = 0; i < options_.repetitions; ++i) {
            ours_.reset();
            faiss_.reset();
            step(counted("load", i));
            {
                const PeakMemory peak;
                load_seconds.ours.push_back(seconds([&] { ours_.emplace(load(request_.file, options_.load)); }));
                peaks.ours.push_back(static_cast<double>(peak.above_start()));
            }
            const PeakMemory peak;
            load_seconds.faiss.push_back(seconds([&] { faiss_.emplace(request_.file, request_.plan); }));
            peaks.faiss.push_back(static_cast<double>(peak.above_start()));
        }
        const Usage usage = meter.usage();
        std::vector<Comparison> rows = {lower_is_better("load_seconds", "s", load_seconds),
                                        lower_is_better("load_peak_rss", "bytes", peaks)};
        rows[0].trust = trust_in(load_seconds, usage);
        rows[1].trust = trust_in(peaks, usage);
        return rows;
    }

    /// Loads what is to be searched and is not there yet, and nothing else.
    void prepare_searches() {
        step("loading for searches");
        if (!ours_) ours_.emplace(load(request_.file, options_.load));
        if (python_) {
            faiss_.reset();
            python_->load(request_.queries, request_.query_count, request_.plan.index.dim);
        } else if (!faiss_) {
            faiss_.emplace(request_.file, request_.plan);
        }
    }

    void release() {
        ours_.reset();
        faiss_.reset();
        python_.reset();
    }

    Comparison compare_searches(std::int64_t batch) {
        const std::vector<float> queries =
            repeat_queries(request_.queries, request_.query_count, request_.plan.index.dim, batch);
        const std::int64_t k = options_.load.plan.k;
        std::vector<float> distances(static_cast<std::size_t>(batch * k));
        std::vector<std::int64_t> ids(distances.size());
        const auto timed = [&](const auto& searched, double warming) {
            const auto search = [&] { searched.search(batch, queries.data(), k, distances.data(), ids.data()); };
            if (warming > 0) seconds_per_call(search, warming);
            return seconds_per_call(search);
        };
        UsageMeter meter;
        Samples samples;
        FasterOf linked;
        const auto our_turn = [&] { samples.ours.push_back(timed(*ours_, python_ ? seconds_of_warming : 0)); };
        const auto their_turn = [&] {
            if (python_) {
                const PythonFaiss::Search search = python_->search(batch);
                samples.faiss.push_back(search.seconds);
                meter.add(search.cpu_seconds);
            } else {
                linked.measure([&] { return timed(faiss_->threaded(), 0); },
                               [&] { return timed(faiss_->serial(), 0); });
            }
        };
        for (int i = 0; i < options_.repetitions; ++i) {
            step(counted("qps_nq" + std::to_string(batch), i));
            // Whoever is always first always finds the caches as the other left them.
            i % 2 == 0 ? our_turn() : their_turn();
            i % 2 == 0 ? their_turn() : our_turn();
        }
        if (!python_) samples.faiss = linked.samples();
        Comparison row = queries_per_second(batch, samples);
        row.trust = trust_in(samples, meter.usage());
        return row;
    }

    Comparison compare_callers() {
        step("callers" + std::to_string(options_.callers));
        return bench::compare_callers(*ours_, request_);
    }

    const CompareRequest& request_;
    const CompareOptions& options_;
    std::optional<PythonFaiss> python_;
    std::optional<ShardedIndex> ours_;
    std::optional<FaissShards> faiss_;
};

}  // namespace

ComparisonReport compare_on_host(const CompareRequest& request) { return HostComparer(request).run(); }

}  // namespace gpushard::bench
