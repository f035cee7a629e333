#pragma once

namespace gpushard::bench {

/// What the processors of this machine can do at most, as measured: the limits that no search is faster than.
struct MachineLimits {
    double fma_peak_flops = 0;         ///< float32 operations a second, of all threads; a multiply-add is two
    double read_bytes_per_second = 0;  ///< from memory, by all threads
    int threads = 0;                   ///< that were used
    int processors = 0;                ///< that this process may run on

    bool operator==(const MachineLimits&) const = default;
};

/// Measures both, in about half a second each, and reports the best of several tries: what disturbs only slows down.
/// Reading goes over 512 MiB, far beyond any cache, or a quarter of the free memory where that is less.
MachineLimits measure_machine(int threads);

/// The larger of each limit, of two measurements with the same threads.
MachineLimits larger_of(const MachineLimits& one, const MachineLimits& other);

}  // namespace gpushard::bench
