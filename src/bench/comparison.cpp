#include "bench/comparison.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gpushard/bytes.hpp>
#include <gpushard/error.hpp>

#include "bench/compare_request.hpp"
#include "bench/comparison_rows.hpp"
#include "bench/faiss_shards.hpp"
#include "bench/merge_comparison.hpp"
#include "bench/process_memory.hpp"
#include "bench/timing.hpp"

namespace gpushard::bench {
namespace {

/// gpushard and Faiss in turn, both in host memory at the same time.
class HostComparer {
public:
    explicit HostComparer(const CompareRequest& request) : request_(request), options_(request.options) {}

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
                load_seconds.ours.push_back(seconds([&] { ours_.emplace(load(request_.file, options_.load)); }));
                peaks.ours.push_back(static_cast<double>(peak.above_start()));
            }
            const PeakMemory peak;
            load_seconds.faiss.push_back(seconds([&] { faiss_.emplace(request_.file, request_.plan); }));
            peaks.faiss.push_back(static_cast<double>(peak.above_start()));
        }
        return {lower_is_better("load_seconds", "s", load_seconds), lower_is_better("load_peak_rss", "bytes", peaks)};
    }

    Comparison compare_searches(std::int64_t batch) {
        const std::string what = "qps_nq" + std::to_string(batch);
        const std::vector<float> queries =
            repeat_queries(request_.queries, request_.query_count, request_.plan.index.dim, batch);
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
        return queries_per_second(batch, median(ours), faiss.seconds());
    }

    const CompareRequest& request_;
    const CompareOptions& options_;
    std::optional<ShardedIndex> ours_;
    std::optional<FaissShards> faiss_;
};

bool is_on(const PlacementPlan& plan, DeviceKind kind) {
    return std::any_of(plan.devices.begin(), plan.devices.end(), [kind](const ShardPlacement& placement) {
        return placement.device.kind == kind && placement.rows.count() > 0;
    });
}

}  // namespace

std::vector<Comparison> compare_with_faiss(const std::vector<std::filesystem::path>& files,
                                           const std::vector<float>& queries, std::int64_t query_count,
                                           const CompareOptions& options) {
    if (options.repetitions < 1) {
        throw InvalidArgument("repetitions is " + std::to_string(options.repetitions) + ", expected at least 1");
    }
    if (query_count < 1) throw InvalidArgument("there are no queries to measure with, expected at least one");
    const PlacementPlan planned = plan(files, options.load);
    if (planned.index.files.size() != 1) {
        throw InvalidArgument("an index in several parts cannot be compared: Faiss reads one file");
    }
    const CompareRequest request{planned.index.files.front(), queries, query_count, options, planned};
    if (!is_on(request.plan, DeviceKind::cuda)) return HostComparer(request).run();
    if (!is_on(request.plan, DeviceKind::cpu)) return compare_on_cards(request);
    throw InvalidArgument("Faiss has no index that is on cards and on the host, expected devices of one kind");
}

}  // namespace gpushard::bench
