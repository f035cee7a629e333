#pragma once

#include <functional>
#include <string>
#include <vector>

namespace gpushard::test {

/// One figure of gpushard on the card, beside Faiss's where Faiss has one.
struct Measurement {
    std::string what;
    std::string unit;  ///< "GB/s", "1/s", "GiB"
    double ours = 0;
    double faiss = 0;    ///< 0 where there is nothing to compare with
    double ratio = 0;    ///< above 1 where gpushard is better; 0 where there is nothing to compare with
    std::string beside;  ///< the call of Faiss's, or what the figure is
};

/// What a CUDA context takes of the card, rates of copying, then loads and searches beside stock Faiss's GpuIndexFlat
/// on the same generated data; medians of `repetitions`. On simulated cards memory only. Takes up to 8 GiB of the card
/// and as much of the host; `step` is told what comes next. Throws DeviceError where there is no card.
std::vector<Measurement> measure_card(int repetitions, const std::function<void(const std::string&)>& step);

}  // namespace gpushard::test
