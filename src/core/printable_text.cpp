#include <algorithm>
#include <cstdint>
#include <cstdio>

#include <gpushard/printable_text.hpp>

#include "core/utf8.hpp"

namespace gpushard {
namespace {

constexpr const char* replacement_character = "\xef\xbf\xbd";

bool is_unsafe(std::uint32_t value) {
    const bool is_control = value < 0x20 || (value >= 0x7f && value < 0xa0);
    const bool turns_direction = (value >= 0x202a && value <= 0x202e) || (value >= 0x2066 && value <= 0x2069) ||
                                 value == 0x200e || value == 0x200f || value == 0x061c;
    const bool breaks_line = value == 0x2028 || value == 0x2029;
    return is_control || turns_direction || breaks_line;
}

/// Calls `take(point, bytes)` for each character, and for each byte that is none, with a size of 0.
template <typename Take>
void for_each_character(std::string_view text, Take take) {
    while (!text.empty()) {
        const CodePoint point = decode_utf8(text);
        const std::size_t size = std::max<std::size_t>(point.size, 1);
        take(point, text.substr(0, size));
        text.remove_prefix(size);
    }
}

/// "\u009b" with "\\u%04x", "\x9b" with "\\x%02x".
std::string escaped(const char* format, std::uint32_t value) {
    char text[16];
    std::snprintf(text, sizeof text, format, static_cast<unsigned>(value));
    return text;
}

/// $'...': all that a terminal might obey, and all that is not ASCII where the word is not UTF-8, byte by byte.
std::string in_dollar_quotes(std::string_view word) {
    std::string text = "$'";
    for (const char c : word) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte >= 0x7f) {
            text += escaped("\\x%02x", byte);
        } else {
            if (c == '\'' || c == '\\') text += '\\';
            text += c;
        }
    }
    return text + "'";
}

}  // namespace

std::string printable(std::string_view text, std::size_t most) {
    std::string safe;
    bool is_full = false;
    for_each_character(text, [&](const CodePoint& point, std::string_view bytes) {
        const bool is_shown = point.size > 0 && !is_unsafe(point.value);
        const std::string_view shown = is_shown ? bytes : std::string_view("?");
        is_full = is_full || safe.size() + shown.size() > most;
        if (!is_full) safe += shown;
    });
    return safe;
}

std::string printable_json(std::string_view json) {
    std::string safe;
    safe.reserve(json.size());
    for_each_character(json, [&](const CodePoint& point, std::string_view bytes) {
        if (point.size > 0 && point.value != '\n' && is_unsafe(point.value)) {
            safe += escaped("\\u%04x", point.value);
        } else {
            safe += bytes;
        }
    });
    return safe;
}

std::string valid_utf8(std::string_view text) {
    std::string valid;
    for_each_character(text, [&](const CodePoint& point, std::string_view bytes) {
        valid += point.size > 0 ? bytes : std::string_view(replacement_character);
    });
    return valid;
}

std::string shell_quoted(std::string_view word) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@+%";
    if (!word.empty() && word.find_first_not_of(plain) == std::string_view::npos) return std::string(word);
    if (printable(word) != word) return in_dollar_quotes(word);
    std::string text = "'";
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
}

}  // namespace gpushard
