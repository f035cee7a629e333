#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include <gpushard/error.hpp>
#include <gpushard/sharded_index.hpp>

#include "bench/card_counters.hpp"
#include "bench/compare_request.hpp"
#include "bench/comparison_rows.hpp"
#include "bench/merge_comparison.hpp"
#include "bench/process_memory.hpp"
#include "bench/stock_cards.hpp"
#include "bench/timing.hpp"
#include "bench/usage_meter.hpp"

namespace gpushard::bench {
namespace {

/// What was measured of one side: speeds, or counts where the runtime counts. What came after a failure is missing.
struct SideFigures {
    std::vector<double> load_seconds;
    std::vector<double> load_peaks;
    std::vector<CardCounts> loads;
    Usage load_usage;
    std::vector<std::vector<double>> search_seconds;  ///< of each batch
    std::vector<Usage> search_usages;                 ///< of each batch
    std::vector<CardCounts> searches;                 ///< of each batch
    std::string failure;
};

class GpushardSide {
public:
    static constexpr const char* name = "gpushard";

    explicit GpushardSide(const CompareRequest& request) : index_(load(request.file, request.options.load)) {}
    void search(std::int64_t nq, const float* queries, std::int64_t k, float* distances, std::int64_t* ids) const {
        index_.search(nq, queries, k, distances, ids);
    }

private:
    const ShardedIndex index_;
};

class FaissSide {
public:
    static constexpr const char* name = "Faiss";

    explicit FaissSide(const CompareRequest& request) : cards_(request.file, request.plan) {}
    void search(std::int64_t nq, const float* queries, std::int64_t k, float* distances, std::int64_t* ids) const {
        cards_.index().search(nq, queries, k, distances, ids);
    }

private:
    const StockCards cards_;
};

/// Loads one side, searches it and lets it go.
template <typename Side>
class SideMeasurement {
public:
    SideMeasurement(const CompareRequest& request, const CardCounters* counters)
        : request_(request), counters_(counters) {}

    void run() {
        counters_ == nullptr ? time_loads() : count_load();
        for (const std::int64_t batch : request_.options.batches) measure_search(batch);
        side_.reset();
    }

    SideFigures& figures() { return figures_; }

private:
    void step(const std::string& what) const {
        if (request_.options.on_step) request_.options.on_step(std::string(Side::name) + ": " + what);
    }

    // The last one stays loaded for the searches.
    void time_loads() {
        const UsageMeter meter;
        for (int i = 0; i < request_.options.repetitions; ++i) {
            side_.reset();
            step("load " + std::to_string(i + 1) + " of " + std::to_string(request_.options.repetitions));
            const PeakMemory peak;
            figures_.load_seconds.push_back(seconds([&] { side_.emplace(request_); }));
            figures_.load_peaks.push_back(static_cast<double>(peak.above_start()));
        }
        figures_.load_usage = meter.usage();
    }

    void count_load() {
        step("load");
        counters_->reset();
        side_.emplace(request_);
        figures_.loads.push_back(counters_->counts());
    }

    void measure_search(std::int64_t batch) {
        const std::vector<float> queries =
            repeat_queries(request_.queries, request_.query_count, request_.plan.index.dim, batch);
        const std::int64_t k = request_.options.load.plan.k;
        std::vector<float> distances(static_cast<std::size_t>(batch * k));
        std::vector<std::int64_t> ids(distances.size());
        const auto search = [&] { side_->search(batch, queries.data(), k, distances.data(), ids.data()); };
        step("batches of " + std::to_string(batch));
        search();  // what only a first search does is no part of the figures
        if (counters_ == nullptr) {
            const UsageMeter meter;
            std::vector<double> times;
            for (int i = 0; i < request_.options.repetitions; ++i) times.push_back(seconds_per_call(search));
            figures_.search_seconds.push_back(std::move(times));
            figures_.search_usages.push_back(meter.usage());
        } else {
            counters_->reset();
            search();
            figures_.searches.push_back(counters_->counts());
        }
    }

    const CompareRequest& request_;
    const CardCounters* const counters_;
    std::optional<Side> side_;
    SideFigures figures_;
};

SideFigures measure_gpushard(const CompareRequest& request, const CardCounters* counters) {
    SideMeasurement<GpushardSide> side(request, counters);
    side.run();
    return side.figures();
}

SideFigures measure_faiss(const CompareRequest& request, const CardCounters* counters) {
    SideMeasurement<FaissSide> side(request, counters);
    try {
        side.run();
    } catch (const std::exception& failure) {
        side.figures().failure = failure.what();
    }
    return side.figures();
}

/// Puts the two sides together, row by row.
class Rows {
public:
    Rows(const CompareRequest& request, const SideFigures& ours, const SideFigures& faiss)
        : request_(request), ours_(ours), faiss_(faiss) {}

    std::vector<Comparison> speeds() const {
        std::vector<Comparison> rows;
        if (!request_.options.only_searches) {
            rows = {row("load_seconds", "s", ours_.load_seconds, faiss_.load_seconds),
                    row("load_peak_rss", "bytes", ours_.load_peaks, faiss_.load_peaks)};
            const Usage usage = of_both(ours_.load_usage, faiss_.load_usage);
            rows[0].trust = trust_in({ours_.load_seconds, faiss_.load_seconds}, usage);
            rows[1].trust = trust_in({ours_.load_peaks, faiss_.load_peaks}, usage);
        }
        for (std::size_t i = 0; i < request_.options.batches.size(); ++i) {
            const bool has_faiss = i < faiss_.search_seconds.size();
            const Samples samples{ours_.search_seconds[i],
                                  has_faiss ? faiss_.search_seconds[i] : std::vector<double>{}};
            rows.push_back(marked(queries_per_second(request_.options.batches[i], samples)));
            rows.back().trust = trust_in(
                samples, has_faiss ? of_both(ours_.search_usages[i], faiss_.search_usages[i]) : ours_.search_usages[i]);
        }
        return rows;
    }

    std::vector<Comparison> counts(bool with_traffic) const {
        const double held = held_bytes(request_.plan);
        std::vector<Comparison> rows;
        if (!request_.options.only_searches) {
            rows = {
                load_row("cuda_mallocs", "", [](const CardCounts& load) { return static_cast<double>(load.mallocs); }),
                load_row("copied_per_resident", "",
                         [held](const CardCounts& load) { return static_cast<double>(load.copied_bytes) / held; }),
                load_row("card_peak_bytes", "bytes",
                         [](const CardCounts& load) { return static_cast<double>(load.peak_bytes); })};
        }
        add_search_rows(rows, "launches", "", [](const CardCounts& search) { return search.launches; });
        if (!with_traffic) return rows;
        const std::size_t loaded = rows.size();
        add_search_rows(rows, "bytes_loaded", "bytes", [](const CardCounts& search) { return search.loaded_bytes; });
        for (std::size_t i = loaded; i < rows.size(); ++i) rows[i].floor = held;
        add_search_rows(rows, "bytes_stored", "bytes", [](const CardCounts& search) { return search.stored_bytes; });
        return rows;
    }

private:
    static constexpr double not_measured = std::numeric_limits<double>::quiet_NaN();

    /// One side was measured after the other.
    static Usage of_both(const Usage& one, const Usage& other) {
        return {(one.cpu_share + other.cpu_share) / 2, (one.steal + other.steal) / 2};
    }

    template <typename Figure>
    Comparison load_row(const char* what, const char* unit, Figure figure) const {
        Samples samples;
        for (const CardCounts& load : ours_.loads) samples.ours.push_back(figure(load));
        for (const CardCounts& load : faiss_.loads) samples.faiss.push_back(figure(load));
        return row(what, unit, std::move(samples.ours), std::move(samples.faiss));
    }

    /// A row for each batch.
    template <typename Figure>
    void add_search_rows(std::vector<Comparison>& rows, const std::string& what, const char* unit,
                         Figure figure) const {
        for (std::size_t i = 0; i < request_.options.batches.size(); ++i) {
            std::vector<double> faiss;
            if (i < faiss_.searches.size()) faiss.push_back(static_cast<double>(figure(faiss_.searches[i])));
            rows.push_back(row(what + "_nq" + std::to_string(request_.options.batches[i]), unit,
                               {static_cast<double>(figure(ours_.searches[i]))}, std::move(faiss)));
        }
    }

    Comparison row(std::string what, std::string unit, std::vector<double> ours, std::vector<double> faiss) const {
        if (faiss.empty()) faiss = {not_measured};
        return marked(
            lower_is_better(std::move(what), std::move(unit), {.ours = std::move(ours), .faiss = std::move(faiss)}));
    }

    Comparison marked(Comparison comparison) const {
        if (std::isnan(comparison.faiss)) comparison.faiss_failure = faiss_.failure;
        return comparison;
    }

    const CompareRequest& request_;
    const SideFigures& ours_;
    const SideFigures& faiss_;
};

}  // namespace

ComparisonReport compare_on_cards(const CompareRequest& request) {
    const CardCounters* const counters = CardCounters::find();
    const SideFigures ours = measure_gpushard(request, counters);
    const SideFigures faiss = measure_faiss(request, counters);
    const Rows rows(request, ours, faiss);
    ComparisonReport report;
    report.rows = counters == nullptr ? rows.speeds() : rows.counts(counters->measures_traffic());
    if (request.options.only_searches) return report;
    if (request.options.on_step) request.options.on_step("merge");
    report.rows.push_back(compare_merge(request.options.repetitions));
    return report;
}

}  // namespace gpushard::bench
