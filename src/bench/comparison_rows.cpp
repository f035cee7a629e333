#include "bench/comparison_rows.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "bench/timing.hpp"

namespace gpushard::bench {

Trust trust_in(const Samples& samples, const Usage& usage) {
    const double ours = relative_spread(samples.ours);
    const double faiss = relative_spread(samples.faiss);
    return {ours, faiss, is_undecided(ours, faiss), usage.cpu_share, usage.steal};
}

Comparison lower_is_better(std::string what, std::string unit, const Samples& samples) {
    Comparison comparison{std::move(what), std::move(unit), median(samples.ours), median(samples.faiss), 0};
    const bool both_zero = comparison.ours == 0 && comparison.faiss == 0;
    comparison.ratio = both_zero ? 1 : comparison.faiss / std::max(comparison.ours, 1e-9);
    return comparison;
}

Comparison queries_per_second(std::int64_t batch, const Samples& seconds) {
    const auto size = static_cast<double>(batch);
    const double ours = median(seconds.ours);
    const double faiss = median(seconds.faiss);
    return {"qps_nq" + std::to_string(batch), "1/s", size / ours, size / faiss, faiss / ours};
}

void set_shares_of_limits(Comparison& row, std::int64_t batch, const PlacementPlan& plan,
                          const MachineLimits& machine) {
    const double operations = 2 * static_cast<double>(plan.index.count) * plan.index.dim;  // of one query
    row.of_fma_peak = row.ours * operations / machine.fma_peak_flops;
    row.of_read_bandwidth = row.ours / static_cast<double>(batch) * held_bytes(plan) / machine.read_bytes_per_second;
}

double held_bytes(const PlacementPlan& plan) {
    return std::max(1.0, static_cast<double>(plan.index.count) * plan.index.dim *
                             static_cast<double>(element_bytes(plan.precision)));
}

std::vector<float> repeat_queries(const std::vector<float>& queries, std::int64_t query_count, std::int64_t dim,
                                  std::int64_t batch) {
    const auto width = static_cast<std::ptrdiff_t>(dim);
    std::vector<float> repeated;
    repeated.reserve(static_cast<std::size_t>(batch * dim));
    for (std::int64_t i = 0; i < batch; ++i) {
        const auto query = queries.begin() + static_cast<std::ptrdiff_t>(i % query_count) * width;
        repeated.insert(repeated.end(), query, query + width);
    }
    return repeated;
}

}  // namespace gpushard::bench
