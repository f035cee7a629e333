#include "explain/printable.hpp"

#include <cstdint>

namespace gpushard {
namespace {

struct CodePoint {
    std::uint32_t value = 0;
    std::size_t size = 0;  ///< 0: not UTF-8
};

CodePoint decode(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return {first, 1};
    const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < size) return {};
    std::uint32_t value = first & (0x7fU >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return {};
        value = (value << 6) | (byte(i) & 0x3fU);
    }
    constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool is_surrogate = value >= 0xd800 && value <= 0xdfff;
    if (value < least[size] || value > 0x10ffff || is_surrogate) return {};
    return {value, size};
}

bool is_unsafe(std::uint32_t value) {
    const bool is_control = value < 0x20 || (value >= 0x7f && value < 0xa0);
    const bool turns_direction = (value >= 0x202a && value <= 0x202e) || (value >= 0x2066 && value <= 0x2069) ||
                                 value == 0x200e || value == 0x200f;
    const bool breaks_line = value == 0x2028 || value == 0x2029;
    return is_control || turns_direction || breaks_line;
}

}  // namespace

std::string printable(std::string_view text, std::size_t most) {
    std::string safe;
    while (!text.empty() && safe.size() < most) {
        const CodePoint point = decode(text);
        if (point.size == 0 || is_unsafe(point.value)) {
            safe += '?';
        } else if (safe.size() + point.size > most) {
            break;
        } else {
            safe += text.substr(0, point.size);
        }
        text.remove_prefix(point.size == 0 ? 1 : point.size);
    }
    return safe;
}

}  // namespace gpushard
