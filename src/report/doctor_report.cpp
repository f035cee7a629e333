#include <algorithm>

#include <fmt/core.h>

#include <gpushard/printable_text.hpp>
#include <gpushard/report.hpp>

#include "report/json_values.hpp"
#include "report/text_table.hpp"

namespace gpushard {
namespace {

constexpr std::size_t result_width = 9;

std::size_t id_width(const DoctorReport& report) {
    std::size_t width = 0;
    for (const CheckOutcome& check : report.checks) width = std::max(width, check.id.size());
    return width + 2;
}

/// "lost cards" of "lost_cards".
std::string title_of(const CheckOutcome& check) {
    std::string title = check.id;
    std::replace(title.begin(), title.end(), '_', ' ');
    return title;
}

/// What was found, and below it, where it is not ok, why that matters and what to do.
std::string lines_of(const CheckOutcome& check, std::size_t indent) {
    const std::string margin(indent, ' ');
    const std::size_t width = report_width - indent;
    std::string text;
    const auto add = [&](const std::string& line, const std::string& mark) {
        for (const std::string& part : wrap(printable(line), width)) {
            text += (text.empty() ? "" : margin) + (text.empty() ? part : mark + part) + "\n";
        }
    };
    add(check.found, "");
    if (!check.why.empty()) add(check.why, "");
    if (!check.remedy.empty()) add("try: " + check.remedy, "");
    return text;
}

std::string summary(const DoctorReport& report) {
    std::string text = fmt::format("{} checks", report.checks.size());
    for (const CheckResult result : {CheckResult::failure, CheckResult::warning, CheckResult::unknown}) {
        const int count = report.count(result);
        const char* const plural = count > 1 && result != CheckResult::unknown ? "s" : "";
        if (count > 0) text += fmt::format(", {} {}{}", count, to_string(result), plural);
    }
    return text + (report.count(CheckResult::ok) == static_cast<int>(report.checks.size()) ? ", all ok\n" : "\n");
}

Json json_value(const CheckOutcome& check) {
    Json numbers = Json::object();
    for (const auto& [name, value] : check.numbers) {
        std::visit([&, &key = name](const auto& held) { numbers[key] = held; }, value);
    }
    return {{"id", check.id},   {"group", check.group},   {"result", to_string(check.result)}, {"found", check.found},
            {"why", check.why}, {"remedy", check.remedy}, {"devices", check.devices},          {"numbers", numbers}};
}

}  // namespace

std::string to_text(const DoctorReport& report) {
    std::string text;
    std::string group;
    const std::size_t titles = id_width(report);
    for (const CheckOutcome& check : report.checks) {
        if (check.group != group) text += (text.empty() ? "" : "\n") + check.group + "\n";
        group = check.group;
        text += fmt::format("  {:<{}}{:<{}}", to_string(check.result), result_width, title_of(check), titles);
        text += lines_of(check, 2 + result_width + titles);
    }
    return text + "\n" + summary(report);
}

std::string to_json(const DoctorReport& report) {
    Json json = json_header();
    json["ok"] = report.ok();
    for (const CheckResult result : {CheckResult::failure, CheckResult::warning, CheckResult::unknown}) {
        json[std::string(to_string(result)) + (result == CheckResult::unknown ? "" : "s")] = report.count(result);
    }
    Json checks = Json::array();
    for (const CheckOutcome& check : report.checks) checks.push_back(json_value(check));
    json["checks"] = std::move(checks);
    return dump(json);
}

}  // namespace gpushard
