#include <algorithm>

#include <fmt/core.h>

#include <gpushard/report.hpp>

#include "report/json_values.hpp"
#include "report/text_table.hpp"

namespace gpushard {
namespace {

constexpr std::size_t most_shown = 16;

std::string shortfall_lines(const std::vector<DeviceShortfall>& devices) {
    std::string text;
    for (std::size_t i = 0; i < std::min(devices.size(), most_shown); ++i) {
        const DeviceShortfall& device = devices[i];
        text += fmt::format("  {}: needs {}, usable {}, ", single_line(device.device),
                            format_bytes(device.needed_bytes), format_bytes(device.usable_bytes));
        text += device.short_bytes > 0 ? "short of " + format_bytes(device.short_bytes) + "\n" : "fits\n";
    }
    if (devices.size() > most_shown) text += fmt::format("  and {} more devices\n", devices.size() - most_shown);
    return text;
}

std::string alternative_lines(const std::vector<Alternative>& alternatives) {
    std::string text;
    for (const Alternative& alternative : alternatives) {
        const std::string flags = alternative.flags.empty() ? "" : single_line(alternative.flags) + ", ";
        text +=
            fmt::format("  try: {}{} ({} on the fullest device, {} in all)\n", flags, single_line(alternative.change),
                        format_bytes(alternative.peak_bytes), format_bytes(alternative.total_bytes));
    }
    return text;
}

Json json_value(const DeviceShortfall& device) {
    return {{"device", device.device},
            {"needed_bytes", device.needed_bytes},
            {"usable_bytes", device.usable_bytes},
            {"short_bytes", device.short_bytes}};
}

Json json_value(const Alternative& alternative) {
    return {{"change", alternative.change},
            {"flags", alternative.flags},
            {"peak_bytes", alternative.peak_bytes},
            {"total_bytes", alternative.total_bytes}};
}

template <typename Value>
Json json_array(const std::vector<Value>& values) {
    Json array = Json::array();
    for (const Value& value : values) array.push_back(json_value(value));
    return array;
}

}  // namespace

std::string to_text(const Error& error) {
    std::string text = single_line(error.what()) + "\n";
    if (const auto* memory = dynamic_cast<const InsufficientMemory*>(&error)) {
        text += shortfall_lines(memory->devices()) + alternative_lines(memory->alternatives());
    }
    for (const std::string& hint : error.hints()) {
        text += (hint.starts_with("also: ") ? "  " : "  try: ") + single_line(hint) + "\n";
    }
    return text;
}

std::string to_json(const Error& error) {
    Json facts = {{"kind", to_string(error.kind())}, {"message", error.what()}, {"hints", error.hints()}};
    for (const auto& [name, value] : error.fields()) {
        // The class of the error decides its own members; a field of the same name does not replace them.
        if (facts.contains(name)) continue;
        std::visit([&, &key = name](const auto& held) { facts[key] = held; }, value);
    }
    Json json = json_header();
    if (const auto* memory = dynamic_cast<const InsufficientMemory*>(&error)) {
        const Json alternatives = json_array(memory->alternatives());
        facts["short_bytes"] = memory->short_bytes();
        facts["devices"] = json_array(memory->devices());
        facts["alternatives"] = alternatives;
        json["fits"] = false;
        json["short_bytes"] = memory->short_bytes();
        json["alternatives"] = alternatives;
    }
    json["error"] = std::move(facts);
    return dump(json);
}

}  // namespace gpushard
