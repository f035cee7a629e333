#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gpushard/bytes.hpp>
#include <gpushard/error.hpp>

namespace gpushard {

/// The most devices one element of a specification may stand for.
inline constexpr int max_repeat = 4096;

/// One element of a `--devices` list, taken apart but not yet looked up: NAME[=BUDGET][*REPEAT].
struct DeviceElement {
    std::string text;  ///< as typed
    std::string name;
    std::string budget_text;  ///< without spaces
    std::optional<Bytes> budget;
    int repeat = 1;
};

/// Throws InvalidArgument for an empty element, a budget that is no size or 0, and a repeat outside [1, max_repeat].
std::vector<DeviceElement> parse_device_list(std::string_view specification);

/// Reads a count of devices: digits only, 1 to max_repeat. Throws InvalidArgument quoting `element`.
int parse_repeat(std::string_view digits, std::string_view element);

/// "device 'ELEMENT' PROBLEM", with the element as a field.
InvalidArgument bad_device(std::string_view element, const std::string& problem, std::vector<std::string> hints = {});

/// Without spaces and in lower case.
std::string compact_lower(std::string_view text);

bool all_digits(std::string_view text);

}  // namespace gpushard
