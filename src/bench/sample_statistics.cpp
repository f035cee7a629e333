#include "bench/sample_statistics.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>

namespace gpushard::bench {
namespace {

constexpr double not_known = std::numeric_limits<double>::quiet_NaN();

/// From so many values on there are enough left without the two extremes.
constexpr std::size_t enough_to_trim = 5;

double middle_of_sorted(const std::vector<double>& sorted) {
    const std::size_t half = sorted.size() / 2;
    return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

}  // namespace

double median(std::vector<double> values) {
    if (values.empty()) return not_known;
    std::sort(values.begin(), values.end());
    return middle_of_sorted(values);
}

double relative_spread(std::vector<double> values) {
    if (values.size() < 2) return not_known;
    std::sort(values.begin(), values.end());
    const std::size_t trimmed = values.size() >= enough_to_trim ? 1 : 0;
    const double width = values[values.size() - 1 - trimmed] - values[trimmed];
    return width == 0 ? 0 : width / middle_of_sorted(values);
}

bool is_undecided(double one_spread, double other_spread) {
    // Written so that NaN is undecided.
    return !(one_spread <= largest_decided_spread && other_spread <= largest_decided_spread);
}

}  // namespace gpushard::bench
