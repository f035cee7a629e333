#pragma once

#include <vector>

namespace gpushard::bench {

/// The middle of the values; of an even number of them, the mean of the two in the middle. NaN of none.
double median(std::vector<double> values);

/// How far figures of one kind lie apart: (largest - smallest) / median, where the largest and the smallest were left
/// out first if there are five or more, so that one disturbance does not count and two do. Zero where all are equal;
/// NaN of fewer than two, which say nothing.
double relative_spread(std::vector<double> values);

/// Above this spread a row is undecided.
inline constexpr double largest_decided_spread = 0.1;

/// Whether figures with such spreads decide nothing, which is so if either is too large or not known.
bool is_undecided(double one_spread, double other_spread);

}  // namespace gpushard::bench
