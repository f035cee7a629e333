#pragma once

#include <cstdint>
#include <vector>

namespace gpushard {

/// Forms `groups` groups of devices so that, where that is easily possible, each can hold `rows`: the largest device
/// first, each to the group that holds least so far, then devices are moved and swapped from groups with room to
/// spare to groups that lack some. Returns the group of each device; no group is empty where there are enough devices.
std::vector<int> form_groups(const std::vector<std::int64_t>& capacities, int groups, std::int64_t rows);

}  // namespace gpushard
