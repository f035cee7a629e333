#include "rig/text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

namespace simcuda {
namespace {

constexpr std::uint64_t kibi = 1024;
constexpr std::array<std::pair<std::string_view, std::uint64_t>, 9> units{{
    {"TiB", kibi* kibi* kibi* kibi},
    {"GiB", kibi* kibi* kibi},
    {"MiB", kibi* kibi},
    {"KiB", kibi},
    {"TB", 1'000'000'000'000},
    {"GB", 1'000'000'000},
    {"MB", 1'000'000},
    {"KB", 1'000},
    {"B", 1},
}};

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

}  // namespace

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (true) {
        const auto end = text.find(separator);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view spaces = " \t\r\n";
    const auto first = text.find_first_not_of(spaces);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

std::uint64_t parse_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) throw BadText(quoted(text) + " is not a number");
    return value;
}

std::uint64_t parse_bytes(std::string_view text) {
    double value = 0;
    const char* const text_end = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), text_end, value, std::chars_format::fixed);
    if (error != std::errc() || value < 0) throw BadText(quoted(text) + " is not a size such as 24GiB");
    std::uint64_t unit = 1;
    if (end != text_end) {
        unit = 0;
        for (const auto& [name, bytes] : units) {
            if (std::string_view(end, static_cast<std::size_t>(text_end - end)) == name) unit = bytes;
        }
        if (unit == 0) throw BadText(quoted(text) + " is not a size such as 24GiB");
    } else {
        return parse_number(text);
    }
    const double bytes = std::round(value * static_cast<double>(unit));
    if (bytes > static_cast<double>(std::numeric_limits<std::int64_t>::max())) {
        throw BadText(quoted(text) + " is more than any card has");
    }
    return static_cast<std::uint64_t>(bytes);
}

std::string format_bytes(std::uint64_t bytes) {
    for (const auto& [name, unit] : units) {
        if (bytes >= unit && bytes % unit == 0) return std::to_string(bytes / unit) + std::string(name);
    }
    return "0B";
}

}  // namespace simcuda
