#include <cctype>
#include <cmath>
#include <cstdio>
#include <limits>
#include <stdexcept>
#include <string>

#include <gpushard/bytes.hpp>
#include <gpushard/error.hpp>

namespace gpushard {

std::string format_bytes(Bytes bytes) {
    if (bytes < 1024) return std::to_string(bytes) + " B";
    static constexpr const char* units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = static_cast<double>(bytes) / 1024;
    int unit = 0;
    // 1023.95 would print as "1024.0": move on to the next unit just before.
    while (value >= 1023.95 && unit < 5) {
        value /= 1024;
        ++unit;
    }
    const int decimals = value >= 99.995 ? 1 : value >= 9.9995 ? 2 : 3;
    char text[32];
    std::snprintf(text, sizeof text, "%.*f %s", decimals, value, units[unit]);
    return text;
}

Bytes parse_bytes(std::string_view text) {
    const auto refuse = [&](const char* why) -> InvalidArgument {
        return InvalidArgument("size '" + std::string(text) + "' " + why +
                               ", expected a number of bytes such as 24GiB, 512MiB, 1.5GB or 1073741824");
    };
    std::string compact;
    for (const char c : text) {
        if (!std::isspace(static_cast<unsigned char>(c))) {
            compact += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        }
    }
    std::size_t at = 0;
    std::uint64_t whole = 0;
    double fraction = 0;
    bool digits = false;
    for (; at < compact.size() && std::isdigit(static_cast<unsigned char>(compact[at])); ++at) {
        digits = true;
        if (whole > std::numeric_limits<std::int64_t>::max() / 10) throw refuse("is too large");
        whole = whole * 10 + static_cast<std::uint64_t>(compact[at] - '0');
    }
    bool fractional = false;
    if (at < compact.size() && compact[at] == '.') {
        ++at;
        for (double place = 0.1; at < compact.size() && std::isdigit(static_cast<unsigned char>(compact[at]));
             ++at, place /= 10) {
            digits = fractional = true;
            fraction += place * (compact[at] - '0');
        }
    }
    if (!digits) throw refuse("is not a size");

    const std::string unit = compact.substr(at);
    static constexpr struct {
        const char* name;
        Bytes bytes;
    } units[] = {{"", 1},      {"b", 1},       {"k", 1_KiB},   {"kib", 1_KiB},     {"kb", 1000},
                 {"m", 1_MiB}, {"mib", 1_MiB}, {"mb", 1_MB},   {"g", 1_GiB},       {"gib", 1_GiB},
                 {"gb", 1_GB}, {"t", 1_TiB},   {"tib", 1_TiB}, {"tb", 1000 * 1_GB}};
    for (const auto& [name, bytes] : units) {
        if (unit != name) continue;
        if (fractional && bytes == 1) throw refuse("is a fraction of a byte");
        if (whole > (Bytes{1} << 62) / bytes) throw refuse("is too large");
        return whole * bytes + static_cast<Bytes>(std::llround(fraction * static_cast<double>(bytes)));
    }
    throw refuse("has an unknown unit");
}

Bytes checked_add(Bytes a, Bytes b) {
    if (a > std::numeric_limits<Bytes>::max() - b) throw std::overflow_error("a sum of bytes exceeds 2^64");
    return a + b;
}

Bytes checked_multiply(Bytes a, Bytes b) {
    if (b != 0 && a > std::numeric_limits<Bytes>::max() / b) {
        throw std::overflow_error("a product of bytes exceeds 2^64");
    }
    return a * b;
}

}  // namespace gpushard
