#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <gpushard/device_info.hpp>

namespace gpushard {

/// The catalogue's card that `name` means. Case and what stands between its words do not matter, nor do words that are
/// the same for every card ("NVIDIA A100-SXM4-40GB", "Tesla T4"), "GB" at the end, and the RTX or GTX before a number;
/// the memory may be left out where only one card has that name ("rtx 4090", "H100"). Throws InvalidArgument quoting
/// `element` when it means none, naming the nearest, or several, naming them.
const KnownCard& find_known_card(std::string_view name, std::string_view element);

/// Whether it means one card, or several.
bool is_known_card(std::string_view name);

/// The cards whose names are nearest to what was typed, at most 6; none where none is near.
struct SimilarCards {
    std::vector<std::string> names;
    std::size_t distance = 0;  ///< in letters, of the nearest
};
SimilarCards similar_cards(std::string_view name);

}  // namespace gpushard
