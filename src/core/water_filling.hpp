#pragma once

#include <cstdint>
#include <vector>

namespace gpushard {

/// What takes a share of the rows, such as a device.
struct Recipient {
    std::int64_t capacity = 0;
    double weight = 1;  ///< positive and finite; recipients fill in proportion to it until they are full
};

/// Shares out `total`, at most the sum of the capacities: share i is min(capacity i, level x weight i) for one level,
/// rounded so that the shares add up to `total` exactly and none is off by more than one. The larger rounding loss is
/// made up first, earlier recipients first among equals. Cost: a sort.
std::vector<std::int64_t> water_fill(std::int64_t total, const std::vector<Recipient>& recipients);

/// Moves single rows from the fullest shares to empty recipients, those of most weight first, until `more` of them hold
/// one or no more can. Returns how many were given one.
int spread_further(int more, const std::vector<Recipient>& recipients, std::vector<std::int64_t>& shares);

}  // namespace gpushard
