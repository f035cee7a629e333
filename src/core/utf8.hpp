#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gpushard {

struct CodePoint {
    std::uint32_t value = 0;
    std::size_t size = 0;  ///< bytes; 0: the text does not begin with UTF-8
};

/// The character that `text`, which is not empty, begins with.
CodePoint decode_utf8(std::string_view text);

bool is_utf8(std::string_view text);

}  // namespace gpushard
