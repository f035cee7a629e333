#include "cli/bench_report.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/core.h>

#include <gpushard/bytes.hpp>
#include <gpushard/printable_text.hpp>

namespace gpushard::cli {
namespace {

std::string figure(const bench::Comparison& row, double value) {
    if (row.unit == "bytes") return format_bytes(static_cast<Bytes>(value));
    if (row.unit == "s") return fmt::format("{:.4g} s", value);
    if (row.unit == "1/s") return fmt::format("{:.4g} /s", value);
    return fmt::format("{:.4g}", value);
}

/// Faiss's figure and the ratio, or that it has none.
std::string faiss_columns(const bench::Comparison& row) {
    if (!row.faiss_failure.empty()) return fmt::format("{:>14}{:>9}", "failed", "-");
    return fmt::format("{:>14}{:>9.2f}", std::isnan(row.faiss) ? "-" : figure(row, row.faiss), row.ratio);
}

std::string percent(double part) { return std::isnan(part) ? "-" : fmt::format("{:.1f} %", part * 100); }

std::string percent(const std::optional<double>& part) { return part ? percent(*part) : "-"; }

/// What says how far a row can be trusted; nothing for a count.
std::string trust_columns(const bench::Comparison& row) {
    if (!row.trust) return "";
    const bench::Trust& trust = *row.trust;
    return fmt::format("{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}  {}", percent(trust.ours_spread), percent(trust.faiss_spread),
                       percent(trust.cpu_share), percent(trust.steal), percent(row.of_fma_peak),
                       percent(row.of_read_bandwidth), trust.undecided ? "undecided" : "");
}

std::string trimmed(std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
}

std::string heading(bool with_floors, bool with_trust) {
    std::string line = fmt::format("{:<20}{:>14}{:>14}{:>9}{}", "", "gpushard", "Faiss", "ratio",
                                   with_floors ? fmt::format("{:>14}", "floor") : "");
    if (with_trust) {
        line += fmt::format("{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}", "spread", "Faiss's", "CPU", "steal", "of FMA", "of read");
    }
    return line + "   (ratio above 1: gpushard is better)\n";
}

std::string what_was_compared(const bench::ComparisonReport& report) {
    std::string text;
    if (report.machine) {
        const bench::MachineLimits& machine = *report.machine;
        text += fmt::format(
            "machine: {:.1f} GFLOP/s of float32 multiply-adds, reads {:.2f} GB/s, {} threads on {} "
            "processors\n",
            machine.fma_peak_flops * 1e-9, machine.read_bytes_per_second * 1e-9, machine.threads, machine.processors);
    }
    if (report.against) {
        text += "searches against Faiss " + printable(report.against->faiss_version) + " (" +
                printable(report.against->compile_options) + ") of " + printable(report.against->python) + "\n";
    }
    return text;
}

void add_trust(nlohmann::ordered_json& json, const bench::Trust& trust) {
    json["ours_spread"] = trust.ours_spread;
    json["faiss_spread"] = trust.faiss_spread;
    json["undecided"] = trust.undecided;
    json["cpu_share"] = trust.cpu_share;
    json["steal"] = trust.steal;
}

nlohmann::ordered_json row_as_json(const bench::Comparison& row) {
    nlohmann::ordered_json json = {
        {"what", row.what}, {"unit", row.unit}, {"ours", row.ours}, {"faiss", row.faiss}, {"ratio", row.ratio}};
    if (row.sequential) json["sequential"] = *row.sequential;
    if (row.floor) json["floor"] = *row.floor;
    if (row.trust) add_trust(json, *row.trust);
    if (row.of_fma_peak) json["of_fma_peak"] = *row.of_fma_peak;
    if (row.of_read_bandwidth) json["of_read_bandwidth"] = *row.of_read_bandwidth;
    if (!row.faiss_failure.empty()) json["faiss_failure"] = row.faiss_failure;
    return json;
}

}  // namespace

std::string as_table(const bench::ComparisonReport& report) {
    const auto some = [&](auto has) { return std::any_of(report.rows.begin(), report.rows.end(), has); };
    const bool with_floors = some([](const auto& row) { return row.floor.has_value(); });
    const bool with_trust = some([](const auto& row) { return row.trust.has_value(); });
    std::string text = what_was_compared(report) + heading(with_floors, with_trust);
    std::string failure;
    for (const bench::Comparison& row : report.rows) {
        std::string floor;
        if (with_floors) floor = fmt::format("{:>14}", row.floor ? figure(row, *row.floor) : "");
        text += trimmed(fmt::format("{:<20}{:>14}{}{}{}", row.what, figure(row, row.ours), faiss_columns(row), floor,
                                    trust_columns(row)));
        if (failure.empty()) failure = row.faiss_failure;
    }
    if (!failure.empty()) text += "Faiss failed: " + printable(failure) + "\n";
    return text;
}

void add_json(nlohmann::ordered_json& json, const bench::ComparisonReport& report) {
    if (report.machine) {
        json["machine"] = {{"fma_peak_flops", report.machine->fma_peak_flops},
                           {"read_bytes_per_second", report.machine->read_bytes_per_second},
                           {"threads", report.machine->threads},
                           {"processors", report.machine->processors}};
    }
    if (report.against) {
        json["against"] = {{"python", report.against->python},
                           {"faiss_version", report.against->faiss_version},
                           {"compile_options", report.against->compile_options}};
    }
    json["rows"] = nlohmann::ordered_json::array();
    for (const bench::Comparison& row : report.rows) json["rows"].push_back(row_as_json(row));
}

}  // namespace gpushard::cli
