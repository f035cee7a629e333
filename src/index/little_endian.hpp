#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

namespace gpushard {

/// The number at `offset` of `bytes`, as every format read here has it; 0 where the bytes end before it does.
template <typename Number>
Number little_endian(std::string_view bytes, std::size_t offset) {
    Number number{};
    if (offset + sizeof number <= bytes.size()) std::memcpy(&number, bytes.data() + offset, sizeof number);
    return number;
}

}  // namespace gpushard
