#include "bench/comparison.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gpushard/bytes.hpp>
#include <gpushard/error.hpp>

#include "bench/faiss_shards.hpp"
#include "bench/merge_comparison.hpp"
#include "bench/process_memory.hpp"
#include "bench/timing.hpp"

namespace gpushard::bench {
namespace {

/// Figures of one kind, taken in turn.
struct Samples {
    std::vector<double> ours;
    std::vector<double> faiss;
};

Comparison lower_is_better(std::string what, std::string unit, const Samples& samples) {
    Comparison comparison{std::move(what), std::move(unit), median(samples.ours), median(samples.faiss), 0};
    comparison.ratio = comparison.faiss / std::max(comparison.ours, 1e-9);
    return comparison;
}

class Comparer {
public:
    Comparer(const std::vector<std::filesystem::path>& files, const std::vector<float>& queries,
             std::int64_t query_count, const CompareOptions& options)
        : files_(files),
          queries_(queries),
          query_count_(query_count),
          options_(options),
          plan_(plan(files, options.load)) {
        if (files_.size() != 1) {
            throw InvalidArgument("an index in several parts cannot be compared: Faiss reads one file");
        }
        for (const ShardPlacement& placement : plan_.devices) {
            if (placement.device.kind == DeviceKind::cpu) continue;
            throw InvalidArgument("device " + placement.device.spec +
                                  " cannot be compared with Faiss on the host, expected cpu devices only");
        }
    }

    std::vector<Comparison> run() {
        std::vector<Comparison> rows = compare_loads();
        for (const std::int64_t batch : options_.batches) rows.push_back(compare_searches(batch));
        ours_.reset();
        faiss_.reset();
        step("merge");
        rows.push_back(compare_merge(options_.repetitions));
        return rows;
    }

private:
    void step(const std::string& text) const {
        if (options_.on_step) options_.on_step(text);
    }

    // The last pair stays loaded for the searches.
    std::vector<Comparison> compare_loads() {
        Samples load_seconds;
        Samples peaks;
        for (int i = 0; i < options_.repetitions; ++i) {
            ours_.reset();
            faiss_.reset();
            step("load " + std::to_string(i + 1) + " of " + std::to_string(options_.repetitions));
            {
                const PeakMemory peak;
                load_seconds.ours.push_back(seconds([&] { ours_.emplace(load(files_.front(), options_.load)); }));
                peaks.ours.push_back(static_cast<double>(peak.above_start()));
            }
            const PeakMemory peak;
            load_seconds.faiss.push_back(seconds([&] { faiss_.emplace(files_.front(), plan_); }));
            peaks.faiss.push_back(static_cast<double>(peak.above_start()));
        }
        return {lower_is_better("load_seconds", "s", load_seconds), lower_is_better("load_peak_rss", "bytes", peaks)};
    }

    Comparison compare_searches(std::int64_t batch) {
        const std::string what = "qps_nq" + std::to_string(batch);
        const std::vector<float> queries = repeat_queries(batch);
        const std::int64_t k = options_.load.plan.k;
        std::vector<float> distances(static_cast<std::size_t>(batch * k));
        std::vector<std::int64_t> ids(distances.size());
        const auto timed = [&](const auto& searched) {
            return seconds_per_call([&] { searched.search(batch, queries.data(), k, distances.data(), ids.data()); });
        };
        std::vector<double> ours;
        FasterOf faiss;
        for (int i = 0; i < options_.repetitions; ++i) {
            step(what + " " + std::to_string(i + 1) + " of " + std::to_string(options_.repetitions));
            ours.push_back(timed(*ours_));
            faiss.measure([&] { return timed(faiss_->threaded()); }, [&] { return timed(faiss_->serial()); });
        }
        const auto size = static_cast<double>(batch);
        return {what, "1/s", size / median(ours), size / faiss.seconds(), faiss.seconds() / median(ours)};
    }

    std::vector<float> repeat_queries(std::int64_t batch) const {
        const auto dim = static_cast<std::size_t>(plan_.index.dim);
        std::vector<float> repeated;
        repeated.reserve(static_cast<std::size_t>(batch) * dim);
        for (std::int64_t i = 0; i < batch; ++i) {
            const auto query =
                queries_.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(i % query_count_) * dim);
            repeated.insert(repeated.end(), query, query + static_cast<std::ptrdiff_t>(dim));
        }
        return repeated;
    }

    const std::vector<std::filesystem::path>& files_;
    const std::vector<float>& queries_;
    const std::int64_t query_count_;
    const CompareOptions& options_;
    const PlacementPlan plan_;
    std::optional<ShardedIndex> ours_;
    std::optional<FaissShards> faiss_;
};

}  // namespace

std::vector<Comparison> compare_with_faiss(const std::vector<std::filesystem::path>& files,
                                           const std::vector<float>& queries, std::int64_t query_count,
                                           const CompareOptions& options) {
    if (options.repetitions < 1) {
        throw InvalidArgument("repetitions is " + std::to_string(options.repetitions) + ", expected at least 1");
    }
    if (query_count < 1) throw InvalidArgument("there are no queries to measure with, expected at least one");
    return Comparer(files, queries, query_count, options).run();
}

}  // namespace gpushard::bench
