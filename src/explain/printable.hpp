#pragma once

#include <string>
#include <string_view>

namespace gpushard {

/// The first `most` bytes of `text` as UTF-8 that is safe to print: what is not UTF-8, control characters (C1 too) and
/// those that turn the direction of writing become '?'.
std::string printable(std::string_view text, std::size_t most);

}  // namespace gpushard
