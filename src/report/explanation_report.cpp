#include <fmt/core.h>

#include <gpushard/printable_text.hpp>
#include <gpushard/report.hpp>

#include "report/error_lines.hpp"
#include "report/json_values.hpp"
#include "report/text_table.hpp"

namespace gpushard {
namespace {

std::string labelled(const char* label, std::string_view text) {
    std::string lines;
    for (const std::string& line : wrap(printable(text), report_width - 15)) {
        lines += fmt::format("  {:<13}{}\n", lines.empty() ? label : "", line);
    }
    return lines;
}

std::string quoted_lines(const Finding& finding) {
    std::string text;
    for (const QuotedLine& line : finding.lines) {
        text += labelled(fmt::format("line {}", line.number).c_str(), line.text);
    }
    if (finding.repeats > finding.lines.size()) {
        text += labelled(
            "", fmt::format("{} lines say so in all", group_digits(static_cast<std::int64_t>(finding.repeats))));
    }
    return text;
}

std::string reading_lines(const Finding& finding) {
    if (!finding.requested_bytes) return "";
    const auto bytes = static_cast<std::int64_t>(*finding.requested_bytes);
    std::string text;
    for (const AmountReading& reading : finding.readings) {
        const std::string amount = fmt::format("{} bytes = {}: {}", group_digits(bytes), reading.text, reading.reason);
        text += labelled(text.empty() ? "amount" : "or", amount);
    }
    if (!text.empty()) return text;
    if (bytes < 0) return labelled("amount", fmt::format("{} bytes", *finding.requested_bytes));
    return labelled("amount",
                    fmt::format("{} bytes ({})", group_digits(bytes), format_bytes(*finding.requested_bytes)));
}

std::string memory_lines(const Finding& finding) {
    if (!finding.free_bytes && !finding.total_bytes) return "";
    std::string text = finding.free_bytes ? format_bytes(*finding.free_bytes) + " free" : "";
    if (finding.total_bytes) text += (text.empty() ? "" : " of ") + format_bytes(*finding.total_bytes);
    return labelled("card", text);
}

std::string cards_line(const Explanation& explanation) {
    if (explanation.cards.empty()) return "";
    std::string ordinals;
    for (const std::int64_t card : explanation.cards)
        ordinals += fmt::format("{}{}", ordinals.empty() ? "" : ", ", card);
    return labelled("cards", fmt::format("{} in the text: dev {}", explanation.cards.size(), ordinals));
}

std::string index_lines(const Explanation& explanation) {
    if (!explanation.index) return "";
    const IndexProfile& index = *explanation.index;
    return labelled("index", fmt::format("{} x {}, {}: {}", group_digits(index.count), index.dim,
                                         to_string(index.metric), explanation.index_reason));
}

std::string way_out_lines(const Explanation& explanation) {
    std::string text;
    for (const WayOut& way : explanation.ways_out) {
        text += labelled("way out", way.what);
        if (!way.command.empty()) text += fmt::format("  {:<13}{}\n", "", printable(way.command));
    }
    if (!explanation.plan_refusal.empty()) text += labelled("no plan", explanation.plan_refusal);
    return text;
}

/// What stands before the title of a finding that is not certain, or no error.
const char* claim_words(Claim claim) {
    switch (claim) {
        case Claim::guess:
            return "a guess: ";
        case Claim::notice:
            return "no error: ";
        default:
            return "";
    }
}

/// As an error is printed, in lines of bounded width.
std::string finding_text(const Finding& finding, const std::string& computed) {
    const ErrorReport& report = finding.report;
    std::string text = claim_words(finding.claim) + printable(report.message) + "\n" + quoted_lines(finding);
    text += "\n" + meaning_lines(report) + "\n";
    if (!finding.allocation.empty()) text += labelled("allocation", finding.allocation);
    if (!finding.path.empty()) text += labelled("path", finding.path);
    text += reading_lines(finding) + memory_lines(finding);
    for (const std::string& detail : report.details) text += labelled("needs", detail);
    text += computed;
    for (const std::string& remedy : report.remedies) text += labelled("try:", remedy);
    for (const std::string& check : report.checks) text += labelled("check:", check);
    for (const std::string& source : report.sources) text += labelled("see:", source);
    return text;
}

Json json_value(const AmountReading& reading) {
    return {{"text", reading.text},   {"reason", reading.reason},    {"role", to_string(reading.role)},
            {"rows", reading.rows},   {"dim", reading.dim},          {"precision", to_string(reading.precision)},
            {"parts", reading.parts}, {"is_guess", reading.is_guess}};
}

template <typename Value>
void set_if_known(Json& json, const char* name, const std::optional<Value>& value) {
    if (value) json[name] = *value;
}

Json json_value(const Finding& finding) {
    Json json = json_value(finding.report);
    json["claim"] = to_string(finding.claim);
    json["is_guess"] = finding.claim == Claim::guess;
    json["is_symptom"] = finding.claim == Claim::symptom;
    json["lines"] = Json::array();
    for (const QuotedLine& line : finding.lines)
        json["lines"].push_back({{"number", line.number}, {"text", line.text}});
    json["repeats"] = finding.repeats;
    json["details"] = finding.report.details;
    if (!finding.allocation.empty()) json["allocation"] = finding.allocation;
    if (!finding.path.empty()) json["path"] = finding.path;
    set_if_known(json, "requested_bytes", finding.requested_bytes);
    set_if_known(json, "free_bytes", finding.free_bytes);
    set_if_known(json, "total_bytes", finding.total_bytes);
    json["readings"] = Json::array();
    for (const AmountReading& reading : finding.readings) json["readings"].push_back(json_value(reading));
    return json;
}

std::string trace_text(const TraceStep& step) {
    std::string text = labelled(fmt::format("line {}", step.line.number).c_str(), step.line.text);
    for (const TraceCandidate& candidate : step.candidates) {
        text += labelled(candidate.won ? "matched" : "passed over", fmt::format("{}: {}", candidate.id, candidate.why));
        text += labelled("", fmt::format("by {}", candidate.pattern));
    }
    if (!step.why_chosen.empty()) text += labelled("so", fmt::format("{}: {}", step.chosen, step.why_chosen));
    return text;
}

std::string trace_text(const Explanation& explanation) {
    std::string text;
    for (const TraceStep& step : explanation.trace) text += (text.empty() ? "\ntrace\n" : "\n") + trace_text(step);
    return text;
}

Json json_value(const TraceStep& step) {
    Json json = {{"line", {{"number", step.line.number}, {"text", step.line.text}}},
                 {"chosen", step.chosen},
                 {"why_chosen", step.why_chosen},
                 {"candidates", Json::array()}};
    for (const TraceCandidate& candidate : step.candidates) {
        json["candidates"].push_back({{"id", candidate.id},
                                      {"claim", to_string(candidate.claim)},
                                      {"pattern", candidate.pattern},
                                      {"won", candidate.won},
                                      {"why", candidate.why}});
    }
    return json;
}

}  // namespace

std::string to_text(const Explanation& explanation) {
    if (!explanation.recognised()) {
        return fmt::format(
            "nothing in {} lines is known to the catalogue\n"
            "  try: the whole log, from the first traceback on: the first error matters, not the last\n"
            "  try: an entry of your own (--catalogue FILE), or send the text so that it becomes one\n",
            group_digits(static_cast<std::int64_t>(explanation.lines_read)));
    }
    std::string text;
    for (const Finding& finding : explanation.findings) {
        if (!text.empty()) text += "\n";
        const bool is_first = &finding == &explanation.findings.front();
        text += finding_text(
            finding, is_first ? cards_line(explanation) + index_lines(explanation) + way_out_lines(explanation) : "");
    }
    return text + trace_text(explanation);
}

std::string to_json(const Explanation& explanation) {
    Json json = json_header();
    json["recognised"] = explanation.recognised();
    json["lines_read"] = explanation.lines_read;
    json["bytes_read"] = explanation.bytes_read;
    json["cards"] = explanation.cards;
    json["findings"] = Json::array();
    for (const Finding& finding : explanation.findings) json["findings"].push_back(json_value(finding));
    if (explanation.index) {
        json["index"] = json_value(*explanation.index);
        json["index_reason"] = explanation.index_reason;
    }
    if (explanation.precision) json["precision"] = to_string(*explanation.precision);
    set_if_known(json, "stock_peak_bytes", explanation.stock_peak_bytes);
    json["ways_out"] = Json::array();
    for (const WayOut& way : explanation.ways_out) {
        json["ways_out"].push_back({{"what", way.what}, {"command", way.command}, {"peak_bytes", way.peak_bytes}});
    }
    if (explanation.plan) {
        json["plan"] = json_value(*explanation.plan);
        json["plan_command"] = explanation.plan_command;
    }
    if (!explanation.plan_refusal.empty()) json["plan_refusal"] = explanation.plan_refusal;
    for (const TraceStep& step : explanation.trace) json["trace"].push_back(json_value(step));
    return dump(json);
}

}  // namespace gpushard
