#include "cli/typed_index.hpp"

#include <algorithm>
#include <cctype>
#include <limits>
#include <string_view>

#include <gpushard/error.hpp>

#include "cli/option_values.hpp"

namespace gpushard::cli {
namespace {

InvalidArgument no_count(const std::string& text, const std::string& why) {
    return InvalidArgument("'" + text + "' " + why +
                           ", expected a whole number such as 21015324, 21,015,324, 21M or 1e8");
}

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

std::string_view take_digits(std::string_view& rest) {
    const auto end = std::find_if_not(rest.begin(), rest.end(), is_digit);
    const std::string_view digits = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    rest.remove_prefix(digits.size());
    return digits;
}

/// The digits of "21015324" and "21,015,324"; empty where the groups are not of three digits.
std::string take_grouped_digits(std::string_view& rest) {
    constexpr std::size_t group = 3;
    std::string digits(take_digits(rest));
    const std::size_t first = digits.size();
    const char sign = rest.empty() ? '\0' : rest.front();
    const bool is_grouped = sign == ',' || sign == '_' || sign == '\'';
    if (is_grouped && (first == 0 || first > group)) return {};
    while (is_grouped && rest.starts_with(sign)) {
        rest.remove_prefix(1);
        const std::string_view more = take_digits(rest);
        if (more.size() != group) return {};
        digits += more;
    }
    return digits;
}

/// The power of ten that a unit stands for.
std::optional<int> power_of(std::string_view unit) {
    constexpr std::pair<std::string_view, int> units[] = {{"", 0}, {"k", 3}, {"m", 6}, {"g", 9}, {"b", 9}, {"t", 12}};
    std::string lower(unit);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    for (const auto& [name, power] : units) {
        if (lower == name) return power;
    }
    return std::nullopt;
}

/// "e8" and "E+8".
std::optional<int> take_exponent(std::string_view& rest) {
    if (!rest.starts_with('e') && !rest.starts_with('E')) return 0;
    rest.remove_prefix(1);
    if (rest.starts_with('+')) rest.remove_prefix(1);
    const std::string_view digits = take_digits(rest);
    constexpr std::size_t most_digits = 2;
    if (digits.empty() || digits.size() > most_digits) return std::nullopt;
    return std::stoi(std::string(digits));
}

}  // namespace

std::int64_t parse_count(const std::string& text) {
    std::string_view rest = text;
    std::string digits = take_grouped_digits(rest);
    if (digits.empty()) throw no_count(text, "is no number of vectors");
    std::string_view fraction;
    if (rest.starts_with('.')) {
        rest.remove_prefix(1);
        fraction = take_digits(rest);
        if (fraction.empty()) throw no_count(text, "is no number of vectors");
    }
    const std::optional<int> exponent = take_exponent(rest);
    const std::optional<int> unit = power_of(rest);
    if (!exponent || !unit) throw no_count(text, "is no number of vectors");
    digits += fraction;
    int power = *exponent + *unit - static_cast<int>(std::min<std::size_t>(fraction.size(), 1000));
    for (; power < 0; ++power) {
        if (digits.back() != '0') throw no_count(text, "is a fraction of a vector");
        digits.pop_back();
        if (digits.empty()) digits = "0";
    }
    std::int64_t count = 0;
    const auto append = [&](int digit) {
        if (count > (std::numeric_limits<std::int64_t>::max() - digit) / 10) throw no_count(text, "is too large");
        count = count * 10 + digit;
    };
    for (const char digit : digits) append(digit - '0');
    for (; power > 0 && count > 0; --power) append(0);
    return count;
}

IndexProfile TypedIndex::profile() const {
    if (!dim) throw InvalidArgument("--count was given without --dim, expected both");
    return flat_profile(*count, *dim, metric.value_or(Metric::inner_product));
}

void add_typed_index(CLI::App& command, TypedIndex& index) {
    CLI::Option* const count =
        add_value(command, "--count", index.count, parse_count,
                  "Plan for so many vectors instead of a file, such as 21015324, 21,015,324, 21M or 1e8")
            ->type_name("N");
    add_value(
        command, "--metric", index.metric, [](const std::string& text) { return parse_metric(text); },
        "With --count: ip, l2 or another metric of Faiss")
        ->type_name("NAME")
        ->default_str("ip")
        ->needs(count);
}

}  // namespace gpushard::cli
