#pragma once

#include <cstddef>
#include <string_view>

namespace gpushard {

/// Letters to insert, delete, replace or swap with their neighbour to turn one text into the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// How far a typed word may be from one that was meant: one letter in three, at most 2.
std::size_t tolerated_distance(std::string_view typed);

}  // namespace gpushard
