#include <fmt/core.h>

#include <gpushard/printable_text.hpp>
#include <gpushard/report.hpp>

#include "report/json_values.hpp"
#include "report/text_table.hpp"

namespace gpushard {

std::string to_text(const IndexProfile& profile) {
    std::string text = printable(profile.display_name()) + "\n";
    const auto line = [&](const char* label, const std::string& value) {
        text += fmt::format("  {:<9}{}\n", label, value);
    };
    line("type", fmt::format("{} ({})", to_string(profile.type), profile.fourcc));
    for (const std::string& wrapper : profile.chain) line("inside", wrapper);
    line("vectors", fmt::format("{} x {} {}", group_digits(profile.count), profile.dim, to_string(profile.stored)));
    const bool has_argument = profile.metric == Metric::lp;
    line("metric", to_string(profile.metric) + (has_argument ? fmt::format(", p = {}", profile.metric_arg) : ""));
    line("payload", fmt::format("{} at byte {}", format_bytes(profile.payload_bytes), profile.payload_offset));
    line("file", fmt::format("{} bytes{}", group_digits(static_cast<std::int64_t>(profile.bytes)),
                             profile.files.size() > 1 ? fmt::format(" in {} parts", profile.files.size()) : ""));
    return text;
}

std::string to_json(const IndexProfile& profile) {
    Json json = json_header();
    append(json, json_value(profile));
    return dump(json);
}

}  // namespace gpushard
