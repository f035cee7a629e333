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

/// The faster of two ways to do the same, both timed once; one that is far behind then is not timed again.
class FasterOf {
public:
    template <typename First, typename Second>
    void measure(First&& seconds_of_first, Second&& seconds_of_second) {
        if (!is_far_behind(first_, second_)) first_.push_back(seconds_of_first());
        if (!is_far_behind(second_, first_)) second_.push_back(seconds_of_second());
    }

    double seconds() const { return std::min(median(first_), median(second_)); }

private:
    static bool is_far_behind(const std::vector<double>& one, const std::vector<double>& other) {
        return !one.empty() && !other.empty() && median(one) > 1.5 * median(other);
    }

    std::vector<double> first_;
    std::vector<double> second_;
};

}  // namespace gpushard::bench
