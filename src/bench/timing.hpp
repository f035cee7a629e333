#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "bench/sample_statistics.hpp"

namespace gpushard::bench {

/// A figure is taken over calls that fill so many seconds together.
inline constexpr double seconds_of_a_figure = 0.2;

/// For so long a side works before its figure is taken in turn with a side in another process: threads of the other
/// that still wait for more work have gone to sleep by then, and caches hold what this side needs.
inline constexpr double seconds_of_warming = 0.05;

/// Seconds that `run` takes.
template <typename Run>
double seconds(Run&& run) {
    const auto start = std::chrono::steady_clock::now();
    run();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Seconds of one call of `run`, averaged over as many calls as fill `at_least` seconds.
template <typename Run>
double seconds_per_call(Run&& run, double at_least = seconds_of_a_figure) {
    double total = 0;
    int calls = 0;
    for (; total < at_least; ++calls) total += seconds(run);
    return total / calls;
}

/// Seconds from when `count` threads begin `work(thread)`, all at once, until the last has ended. Throws what one of
/// them threw.
double seconds_together(int count, const std::function<void(int thread)>& work);

/// The faster of two ways to do the same, both timed once; one that is far behind then is not timed again.
class FasterOf {
public:
    template <typename First, typename Second>
    void measure(First&& seconds_of_first, Second&& seconds_of_second) {
        if (!is_far_behind(first_, second_)) first_.push_back(seconds_of_first());
        if (!is_far_behind(second_, first_)) second_.push_back(seconds_of_second());
    }

    /// Those of the faster way.
    const std::vector<double>& samples() const { return median(first_) <= median(second_) ? first_ : second_; }

private:
    static bool is_far_behind(const std::vector<double>& one, const std::vector<double>& other) {
        return !one.empty() && !other.empty() && median(one) > 1.5 * median(other);
    }

    std::vector<double> first_;
    std::vector<double> second_;
};

}  // namespace gpushard::bench
