#include "bench/machine_limits.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <gpushard/bytes.hpp>
#include <gpushard/device_info.hpp>

#include "bench/machine_kernels.hpp"
#include "bench/timing.hpp"
#include "bench/usage_meter.hpp"

namespace gpushard::bench {
namespace {

constexpr int tries = 10;

// Longer than it takes to start threads, shorter than a turn of the scheduler.
constexpr double seconds_of_a_try = 0.02;

/// What threads write their results to, each far from the others.
struct alignas(64) Result {
    float value = 0;
    double flops = 0;
};

double measure_fma_peak(int threads) {
    std::vector<Result> results(static_cast<std::size_t>(threads));
    std::int64_t rounds = 1 << 16;
    const auto run = [&] {
        return seconds_together(threads, [&](int thread) {
            const FmaWork work = multiply_and_add(rounds);
            results[static_cast<std::size_t>(thread)] = {work.result, work.flops};
        });
    };
    while (run() < seconds_of_a_try) rounds *= 2;
    double best = 0;
    for (int i = 0; i < tries; ++i) {
        const double taken = run();
        double flops = 0;
        for (const Result& result : results) flops += result.flops;
        best = std::max(best, flops / taken);
    }
    return best;
}

std::size_t floats_to_read() {
    const Bytes bytes = std::min<Bytes>(512_MiB, system_inventory().host().free_bytes / 4);
    return static_cast<std::size_t>(std::max<Bytes>(bytes, 1_MiB)) / sizeof(float);
}

double measure_read_bandwidth(int threads) {
    const std::size_t each = floats_to_read() / static_cast<std::size_t>(threads);
    const std::size_t count = each * static_cast<std::size_t>(threads);
    // Not initialized here: pages come to the processor that writes them first, which then reads them.
    const std::unique_ptr<float[]> data(new float[count]);
    const auto part = [&](int thread) { return data.get() + each * static_cast<std::size_t>(thread); };
    seconds_together(threads, [&](int thread) { std::fill_n(part(thread), each, 1.0F); });
    std::vector<Result> results(static_cast<std::size_t>(threads));
    double best = 0;
    for (int i = 0; i < tries; ++i) {
        const double taken = seconds_together(
            threads, [&](int thread) { results[static_cast<std::size_t>(thread)].value = sum_of(part(thread), each); });
        best = std::max(best, static_cast<double>(count * sizeof(float)) / taken);
    }
    return best;
}

}  // namespace

MachineLimits measure_machine(int threads) {
    return {measure_fma_peak(threads), measure_read_bandwidth(threads), threads, usable_processors()};
}

MachineLimits larger_of(const MachineLimits& one, const MachineLimits& other) {
    MachineLimits larger = one;
    larger.fma_peak_flops = std::max(one.fma_peak_flops, other.fma_peak_flops);
    larger.read_bytes_per_second = std::max(one.read_bytes_per_second, other.read_bytes_per_second);
    return larger;
}

}  // namespace gpushard::bench
