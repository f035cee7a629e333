#include <gpushard/printable_text.hpp>
#include <gpushard/report.hpp>

#include "report/error_lines.hpp"
#include "report/json_values.hpp"
#include "report/text_table.hpp"

namespace gpushard {
namespace {

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

std::string detail_lines(const ErrorReport& report) {
    std::string text;
    for (const std::string& detail : report.details) text += "  " + printable(detail) + "\n";
    return text;
}

std::string remedy_lines(const ErrorReport& report) {
    std::string text;
    for (const std::string& remedy : report.remedies) {
        text += (remedy.starts_with("also: ") ? "  " : "  try: ") + printable(remedy) + "\n";
    }
    return text;
}

std::string meaning_lines(const ErrorReport& report) {
    std::string text;
    if (report.meaning.empty()) return text;
    for (const std::string& line : wrap(printable(report.meaning), report_width - 2)) text += "  " + line + "\n";
    return text;
}

std::string check_lines(const ErrorReport& report) {
    std::string text;
    for (const std::string& check : report.checks) text += "  check: " + printable(check) + "\n";
    for (const std::string& source : report.sources) text += "  see: " + printable(source) + "\n";
    return text;
}

Json json_value(const ErrorReport& report) {
    Json facts = {{"kind", to_string(report.kind)}, {"message", report.message}, {"hints", report.remedies}};
    if (!report.id.empty()) facts["id"] = report.id;
    if (!report.meaning.empty()) facts["meaning"] = report.meaning;
    if (!report.checks.empty()) facts["checks"] = report.checks;
    if (!report.sources.empty()) facts["sources"] = report.sources;
    for (const auto& [name, value] : report.fields) {
        // The shape of a report decides its own members; a field of the same name does not replace them.
        if (facts.contains(name)) continue;
        std::visit([&, &key = name](const auto& held) { facts[key] = held; }, value);
    }
    return facts;
}

std::string to_text(const ErrorReport& report) {
    return printable(report.message) + "\n" + meaning_lines(report) + detail_lines(report) + remedy_lines(report) +
           check_lines(report);
}

std::string to_text(const Error& error) { return to_text(error.report()); }

std::string to_json(const Error& error) {
    ErrorReport report = error.report();
    report.remedies = error.hints();  // the alternatives have a member of their own
    return to_json(error, report);
}

std::string to_json(const Error& error, const ErrorReport& report) {
    Json facts = json_value(report);
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
