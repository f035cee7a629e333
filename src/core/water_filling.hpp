#pragma once

#include <cstdint>
#include <vector>

namespace gpushard {

/// A vessel that rows are poured into.
struct Vessel {
    std::int64_t capacity = 0;
    double weight = 1;  ///< positive and finite; vessels fill in proportion to it until they are full
};

/// Shares out `total`, at most the sum of the capacities: share i is min(capacity i, level x weight i) for one level,
/// rounded so that the shares add up to `total` exactly and none is off by more than one. The larger rounding loss is
/// made up first, earlier vessels first among equals. Cost: a sort.
std::vector<std::int64_t> water_fill(std::int64_t total, const std::vector<Vessel>& vessels);

/// Moves single rows from the fullest shares to empty vessels, those of most weight first, until `more` of them hold
/// one or no more can. Returns how many were given one.
int spread_further(int more, const std::vector<Vessel>& vessels, std::vector<std::int64_t>& shares);

}  // namespace gpushard
