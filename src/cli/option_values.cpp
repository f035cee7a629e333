#include "cli/option_values.hpp"

#include <charconv>

namespace gpushard::cli {

std::int64_t parse_whole_number(const std::string& text, std::int64_t least, std::int64_t most) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) {
        throw InvalidArgument("'" + text + "' is not a whole number from " + std::to_string(least) + " to " +
                              std::to_string(most));
    }
    return value;
}

Bytes parse_positive_bytes(const std::string& text) {
    const Bytes bytes = parse_bytes(text);
    if (bytes == 0) throw InvalidArgument("size '" + text + "' is 0, expected at least 1 byte");
    return bytes;
}

}  // namespace gpushard::cli
