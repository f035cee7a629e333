#pragma once

#include <string>
#include <string_view>

#include <gpushard/device_info.hpp>

namespace gpushard {

/// The catalogue's card that `name` means: case, spaces and dashes do not matter, and the memory at the end may be left
/// out where only one card of that name is known ("rtx 4090", "H100"). Throws InvalidArgument quoting `element` when
/// it means none, listing cards with similar names, or several, listing them.
const KnownCard& find_known_card(std::string_view name, std::string_view element);

/// Splits "4xA100-40GB" into 4 and "A100-40GB"; anything without such a prefix stands for itself once. Throws
/// InvalidArgument quoting `element` when the count is out of range.
struct CountedName {
    int count = 1;
    std::string name;
};
CountedName split_count(std::string_view name, std::string_view element);

}  // namespace gpushard
