#include "device/device_spec.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace gpushard {
namespace {

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

std::string without_spaces(std::string_view text) {
    std::string compact(text);
    compact.erase(std::remove_if(compact.begin(), compact.end(), is_space), compact.end());
    return compact;
}

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

DeviceElement parse_element(std::string_view text) {
    DeviceElement element;
    element.text = text;
    std::string_view rest = text;
    const bool is_file = rest.front() == '@';  // whose path may contain '=' and '*'
    const auto star = rest.rfind('*');
    if (star != std::string_view::npos && (!is_file || all_digits(trim(rest.substr(star + 1))))) {
        element.repeat = parse_repeat(trim(rest.substr(star + 1)), text);
        rest = trim(rest.substr(0, star));
    }
    const auto equals = is_file ? std::string_view::npos : rest.find('=');
    if (equals != std::string_view::npos) {
        element.budget_text = without_spaces(rest.substr(equals + 1));
        element.budget = parse_budget(element.budget_text, text);
        rest = trim(rest.substr(0, equals));
    }
    element.name = rest;
    if (element.name.empty()) {
        throw bad_device(text, "names no device, expected one such as cuda:0, cpu=2GiB or 4xA100-40GB");
    }
    return element;
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

bool all_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
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

std::vector<DeviceElement> parse_device_list(std::string_view specification) {
    std::vector<DeviceElement> elements;
    for (std::string_view rest = specification;;) {
        const auto comma = rest.find(',');
        const std::string_view text = trim(rest.substr(0, comma));
        if (text.empty()) {
            throw InvalidArgument("device " + std::to_string(elements.size() + 1) + " of '" +
                                      std::string(specification) +
                                      "' is empty, expected one such as cuda:0, cpu=2GiB or 4xA100-40GB",
                                  {}, {{"devices", std::string(specification)}});
        }
        elements.push_back(parse_element(text));
        if (comma == std::string_view::npos) return elements;
        rest.remove_prefix(comma + 1);
    }
}

}  // namespace gpushard
