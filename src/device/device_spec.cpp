#include "device/device_spec.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "core/ascii.hpp"

namespace gpushard {
namespace {

constexpr const char* examples = "expected one such as cuda:0, cpu=2GiB or 4xA100-40GB";

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

std::string without_spaces(std::string_view text) {
    std::string compact(text);
    compact.erase(std::remove_if(compact.begin(), compact.end(), is_space), compact.end());
    return compact;
}

bool is_unit(std::string_view text) {
    const std::size_t end = text.find_first_of("=*");
    try {
        parse_bytes("1" + std::string(text.substr(0, end)));
    } catch (const InvalidArgument&) {
        return false;
    }
    return true;
}

constexpr std::array<std::string_view, 4> times_signs = {"*", "x", "X", "\u00d7"};

Bytes parse_budget(std::string_view size, std::string_view element) {
    Bytes budget = 0;
    try {
        budget = parse_bytes(size);
    } catch (const InvalidArgument& error) {
        throw bad_device(element, std::string("has no valid budget: ") + error.what());
    }
    if (budget == 0) throw bad_device(element, "has a budget of 0, expected at least 1 byte");
    return budget;
}

int parse_repeat(std::string_view digits, std::string_view element) {
    int repeat = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), repeat);
    if (!all_digits(digits) || error != std::errc{} || repeat < 1 || repeat > max_repeat) {
        throw bad_device(element, "is repeated '" + std::string(digits) +
                                      "' times, expected a whole number from 1 to " + std::to_string(max_repeat));
    }
    return repeat;
}

/// The x of GTX, RTX and Max belongs to the name of the card.
bool ends_in_a_series(std::string_view before_x) {
    std::size_t begin = before_x.size();
    while (begin > 0 && is_letter(before_x[begin - 1])) --begin;
    const std::string word = compact_lower(before_x.substr(begin));
    return word == "gt" || word == "rt" || word == "ma";
}

struct TrailingCount {
    std::string_view rest;
    std::string_view digits;
};

/// "4" of "A100-40GBx4", "A100 x 4" and "cpu=2GiB×4"; `*` takes whatever follows for a count, so that what is no number
/// is refused as one.
std::optional<TrailingCount> trailing_count(std::string_view text) {
    const auto star = text.rfind('*');
    const bool is_wildcard = star != std::string_view::npos && star > 0 && text[star - 1] == ':';
    if (star != std::string_view::npos && !is_wildcard) {
        return TrailingCount{without_outer_spaces(text.substr(0, star)), without_outer_spaces(text.substr(star + 1))};
    }
    std::size_t begin = text.size();
    while (begin > 0 && is_digit(text[begin - 1])) --begin;
    const std::string_view digits = text.substr(begin);
    const std::string_view signed_rest = without_outer_spaces(text.substr(0, begin));
    for (const std::string_view sign : times_signs) {
        if (digits.empty() || !signed_rest.ends_with(sign)) continue;
        const std::string_view before = signed_rest.substr(0, signed_rest.size() - sign.size());
        if (ends_in_a_series(before)) return std::nullopt;
        const std::string_view rest = without_outer_spaces(before);
        if (!rest.empty()) return TrailingCount{rest, digits};
    }
    return std::nullopt;
}

DeviceElement parse_element(std::string_view text) {
    DeviceElement element;
    element.text = text;
    std::string_view rest = text;
    if (const auto count = leading_count(rest)) {
        element.repeat = parse_repeat(count->digits, text);
        rest = count->rest;
    }
    const bool is_file = rest.front() == '@';  // whose path may contain '=', '*' and 'x'
    const auto count = trailing_count(rest);
    const auto star_of_file = [&] { return all_digits(count->digits) && rest.find('*') != std::string_view::npos; };
    if (count && (!is_file || star_of_file())) {
        element.repeat *= parse_repeat(count->digits, text);
        rest = count->rest;
    }
    const auto equals = is_file ? std::string_view::npos : rest.find('=');
    if (equals != std::string_view::npos) {
        element.budget_text = without_spaces(rest.substr(equals + 1));
        element.budget = parse_budget(element.budget_text, text);
        rest = without_outer_spaces(rest.substr(0, equals));
    }
    element.name = rest;
    if (element.name.empty()) throw bad_device(text, std::string("names no device, ") + examples);
    return element;
}

std::string_view without_pair(std::string_view text, char open, char close) {
    const bool enclosed = text.size() >= 2 && text.front() == open && text.back() == close;
    return enclosed ? without_outer_spaces(text.substr(1, text.size() - 2)) : text;
}

std::string_view without_quotes(std::string_view text) {
    return without_pair(without_pair(text, '\'', '\''), '"', '"');
}

}  // namespace

InvalidArgument bad_device(std::string_view element, const std::string& problem, std::vector<std::string> hints) {
    return InvalidArgument("device '" + std::string(element) + "' " + problem, std::move(hints),
                           {{"device", std::string(element)}});
}

std::string compact_lower(std::string_view text) {
    std::string compact = without_spaces(text);
    std::transform(compact.begin(), compact.end(), compact.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return compact;
}

bool all_digits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }

std::string_view without_outer_spaces(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

std::optional<LeadingCount> leading_count(std::string_view text) {
    std::size_t length = 0;
    while (length < text.size() && is_digit(text[length])) ++length;
    const std::string_view signed_rest = without_outer_spaces(text.substr(length));
    for (const std::string_view sign : times_signs) {
        if (length == 0 || !signed_rest.starts_with(sign)) continue;
        const std::string_view rest = without_outer_spaces(signed_rest.substr(sign.size()));
        if (!rest.empty()) return LeadingCount{text.substr(0, length), rest};
    }
    // "8 H100", but not "24 GiB" and not "3090 Ti".
    constexpr std::size_t most_digits = 3;
    const bool is_apart = length > 0 && length <= most_digits && length < text.size() && is_space(text[length]);
    if (!is_apart || !is_letter(signed_rest.front()) || is_unit(signed_rest)) return std::nullopt;
    return LeadingCount{text.substr(0, length), signed_rest};
}

std::vector<DeviceElement> parse_device_list(std::string_view specification) {
    std::vector<DeviceElement> elements;
    for (std::string_view rest = without_pair(without_outer_spaces(specification), '[', ']');;) {
        const auto comma = rest.find(',');
        const std::string_view text = without_quotes(without_outer_spaces(rest.substr(0, comma)));
        if (text.empty()) {
            throw InvalidArgument("device " + std::to_string(elements.size() + 1) + " of '" +
                                      std::string(specification) + "' is empty, " + examples,
                                  {}, {{"devices", std::string(specification)}});
        }
        elements.push_back(parse_element(text));
        if (comma == std::string_view::npos) return elements;
        rest.remove_prefix(comma + 1);
    }
}

}  // namespace gpushard
