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

/// One element of a `--devices` list, taken apart but not yet looked up: [Nx]NAME[=BUDGET][*N]. The sign of a count is
/// `*`, `x` or `×`, in front and behind, with or without spaces.
struct DeviceElement {
    std::string text;  ///< as typed
    std::string name;
    std::string budget_text;  ///< without spaces
    std::optional<Bytes> budget;
    int repeat = 1;  ///< of both counts, the product
};

/// Takes a list apart; brackets around it and quotes around its elements, as programs print lists, do not count. Throws
/// InvalidArgument for an empty element, a budget that is no size or 0, and a count outside [1, max_repeat].
std::vector<DeviceElement> parse_device_list(std::string_view specification);

/// "device 'ELEMENT' PROBLEM", with the element as a field.
InvalidArgument bad_device(std::string_view element, const std::string& problem, std::vector<std::string> hints = {});

/// Without spaces and in lower case.
std::string compact_lower(std::string_view text);

bool all_digits(std::string_view text);

/// Without the spaces around it.
std::string_view without_outer_spaces(std::string_view text);

/// A count of devices in front of the rest: "8" of "8xH100", "8 * H100", "8 × H100" and "8 H100".
struct LeadingCount {
    std::string_view digits;
    std::string_view rest;
};
std::optional<LeadingCount> leading_count(std::string_view text);

}  // namespace gpushard
