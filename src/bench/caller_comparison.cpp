#include "bench/caller_comparison.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "bench/comparison_rows.hpp"
#include "bench/timing.hpp"
#include "bench/usage_meter.hpp"

namespace gpushard::bench {
namespace {

/// One query a call, another one each time, until a figure is full.
class Caller {
public:
    Caller(const ShardedIndex& index, const CompareRequest& request) : index_(index), request_(request) {}

    /// Returns how many calls it made. `first` is where it begins among the queries.
    std::int64_t call_for_a_figure(std::int64_t first) const {
        const std::int64_t k = request_.options.load.plan.k;
        std::vector<float> distances(static_cast<std::size_t>(k));
        std::vector<std::int64_t> ids(distances.size());
        const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds_of_a_figure);
        std::int64_t calls = 0;
        do {
            const std::int64_t query = (first + calls) % request_.query_count;
            index_.search(1, request_.queries.data() + query * request_.plan.index.dim, k, distances.data(),
                          ids.data());
            ++calls;
        } while (std::chrono::steady_clock::now() < end);
        return calls;
    }

private:
    const ShardedIndex& index_;
    const CompareRequest& request_;
};

/// Calls a second of so many callers at once.
double calls_per_second(const Caller& caller, int callers) {
    std::atomic<std::int64_t> calls{0};
    const double taken = seconds_together(callers, [&](int thread) { calls += caller.call_for_a_figure(thread); });
    return static_cast<double>(calls) / taken;
}

}  // namespace

Comparison compare_callers(const ShardedIndex& index, const CompareRequest& request) {
    const Caller caller(index, request);
    const int callers = request.options.callers;
    const UsageMeter meter;
    Samples samples;  // together, and one after the other
    for (int i = 0; i < request.options.repetitions; ++i) {
        samples.ours.push_back(calls_per_second(caller, callers));
        samples.faiss.push_back(calls_per_second(caller, 1));
    }
    Comparison row{"callers" + std::to_string(callers), "1/s", median(samples.ours),
                   std::numeric_limits<double>::quiet_NaN(), 0};
    row.sequential = median(samples.faiss);
    row.ratio = row.ours / *row.sequential;
    row.trust = trust_in(samples, meter.usage());
    row.trust->faiss_spread = std::numeric_limits<double>::quiet_NaN();
    return row;
}

}  // namespace gpushard::bench
