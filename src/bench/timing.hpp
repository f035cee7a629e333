#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace gpushard::bench {

/// Seconds that `run` takes.
template <typename Run>
double seconds(Run&& run) {
    const auto start = std::chrono::steady_clock::now();
    run();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Seconds of one call of `run`, averaged over as many calls as fill `at_least` seconds.
template <typename Run>
double seconds_per_call(Run&& run, double at_least = 0.2) {
    double total = 0;
    int calls = 0;
    for (; total < at_least; ++calls) total += seconds(run);
    return total / calls;
}

inline double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

}  // namespace gpushard::bench
