#include "bench/comparison_rows.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "bench/timing.hpp"

namespace gpushard::bench {

Comparison lower_is_better(std::string what, std::string unit, const Samples& samples) {
    Comparison comparison{std::move(what), std::move(unit), median(samples.ours), median(samples.faiss), 0};
    const bool both_zero = comparison.ours == 0 && comparison.faiss == 0;
    comparison.ratio = both_zero ? 1 : comparison.faiss / std::max(comparison.ours, 1e-9);
    return comparison;
}

Comparison queries_per_second(std::int64_t batch, double our_seconds, double faiss_seconds) {
    const auto size = static_cast<double>(batch);
    return {"qps_nq" + std::to_string(batch), "1/s", size / our_seconds, size / faiss_seconds,
            faiss_seconds / our_seconds};
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
