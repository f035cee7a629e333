#include <algorithm>

#include <fmt/core.h>

#include <gpushard/printable_text.hpp>
#include <gpushard/report.hpp>

#include "report/json_values.hpp"
#include "report/text_table.hpp"

namespace gpushard {
namespace {

std::string rate(double bytes_per_second) {
    return format_bytes(static_cast<Bytes>(std::max(0.0, bytes_per_second))) + "/s";
}

std::string verified_line(const VerifyReport& verified) {
    std::string text =
        fmt::format("  verified  {} rows, worst error {:.3g} (bound {:.3g}): {}\n", group_digits(verified.rows),
                    verified.worst_error, verified.error_bound,
                    verified.failures.empty() ? "all right" : fmt::format("{} failed", verified.failures.size()));
    if (verified.neighbor_error_bound > 0) {
        text +=
            fmt::format("            among neighbours {:.3g} of their distance (bound {:.3g}), rounding {:.3g}\n",
                        verified.worst_neighbor_error, verified.neighbor_error_bound, verified.worst_neighbor_rounding);
    }
    constexpr std::size_t most_shown = 10;
    for (std::size_t i = 0; i < std::min(verified.failures.size(), most_shown); ++i) {
        text += "            " + printable(verified.failures[i]) + "\n";
    }
    if (verified.failures.size() > most_shown) {
        text += fmt::format("            and {} more\n", verified.failures.size() - most_shown);
    }
    return text;
}

/// Nothing where no sample of the rows was read.
std::string centre_line(const PlacementPlan& plan, const LoadReport& report) {
    if (report.centre_sample_rows == 0) return {};
    const std::string sample = fmt::format("{} sampled rows", group_digits(report.centre_sample_rows));
    const auto centred = std::count_if(report.devices.begin(), report.devices.end(),
                                       [](const LoadReport::PerDevice& device) { return device.centred; });
    if (centred == 0) return fmt::format("  centre    none: {} say that rows lie near enough to zero\n", sample);
    return fmt::format("  centre    the mean of {}; {} of {} devices hold rows less it\n", sample, centred,
                       plan.used_devices());
}

}  // namespace

std::string to_text(const PlacementPlan& plan, const LoadReport& report, const VerifyReport* verified) {
    Bytes largest = 0;
    for (const ShardPlacement& placement : plan.devices) largest = std::max(largest, placement.memory.load_peak());
    const SizeColumn size(largest);
    TextTable table({{fmt::format("sizes in {}", size.unit()), Align::left},
                     {"planned resident"},
                     {"measured"},
                     {"planned peak"},
                     {"measured"},
                     {"free fell"},
                     {"copied"},
                     {"rate"}});
    for (std::size_t i = 0; i < plan.devices.size(); ++i) {
        const ShardPlacement& planned = plan.devices[i];
        std::vector<std::string> cells = {shorten(printable(planned.device.spec), 16),
                                          size.format(planned.memory.resident)};
        if (planned.rows.count() > 0) {
            const LoadReport::PerDevice& device = report.devices.at(i);
            cells.insert(cells.end(),
                         {size.format(device.measured_resident_bytes), size.format(planned.memory.load_peak()),
                          size.format(device.measured_peak_bytes), size.format(device.measured_free_drop_bytes),
                          size.format(device.copied_bytes), rate(device.bytes_per_second)});
        }
        table.add(std::move(cells));
    }
    std::string text = table.render() + "\n";
    text += fmt::format("  loaded    {} read in {:.2f} s, {}\n", format_bytes(report.file_bytes_read), report.seconds,
                        rate(report.seconds > 0 ? static_cast<double>(report.file_bytes_read) / report.seconds : 0));
    text += fmt::format("  host      peak {} (staging and shards on the host)\n", format_bytes(report.host_peak_bytes));
    text += centre_line(plan, report);
    if (report.host_library_bytes > 0) {
        text +=
            fmt::format("  libraries {} beside the plan (OpenMP, measured)\n", format_bytes(report.host_library_bytes));
    }
    if (report.non_finite_rows > 0) {
        text += fmt::format("  warning   {} rows have a NaN or an infinity, the first is row {}\n",
                            group_digits(report.non_finite_rows), report.first_non_finite_row);
    }
    if (report.overflowing_norm_rows > 0) {
        text += fmt::format("  warning   {} rows are too long for L2, the first is row {}: cards do not find them\n",
                            group_digits(report.overflowing_norm_rows), report.first_overflowing_norm_row);
    }
    if (report.underflowed_rows > 0) {
        text += fmt::format("  warning   {} rows are too small for float16, the first is row {}\n",
                            group_digits(report.underflowed_rows), report.first_underflowed_row);
    }
    if (report.underflowed_values > 0) {
        text += fmt::format("  float16   {} values below 4.8e-7 kept less than a digit\n",
                            group_digits(report.underflowed_values));
    }
    for (const std::string& step : report.recovery) text += "  recovered " + printable(step) + "\n";
    if (verified != nullptr) text += verified_line(*verified);
    return text;
}

std::string to_json(const PlacementPlan& plan, const LoadReport& report, const VerifyReport* verified) {
    Json json = json_header();
    append(json, json_value(plan));
    for (std::size_t i = 0; i < plan.devices.size(); ++i) {
        const LoadReport::PerDevice& device = report.devices.at(i);
        Json& entry = json["devices"][i];
        entry["measured_resident_bytes"] = device.measured_resident_bytes;
        entry["measured_peak_bytes"] = device.measured_peak_bytes;
        entry["free_drop_bytes"] = device.measured_free_drop_bytes;
        entry["copied_bytes"] = device.copied_bytes;
        entry["seconds"] = device.seconds;
        entry["bytes_per_second"] = device.bytes_per_second;
        entry["centred"] = device.centred;
    }
    json["host_peak_bytes"] = report.host_peak_bytes;
    json["host_library_bytes"] = report.host_library_bytes;
    json["centre"] = {{"sample_rows", report.centre_sample_rows}};
    json["file_bytes_read"] = report.file_bytes_read;
    json["seconds"] = report.seconds;
    json["non_finite_rows"] = report.non_finite_rows;
    json["first_non_finite_row"] = report.first_non_finite_row;
    json["overflowing_norm_rows"] = report.overflowing_norm_rows;
    json["first_overflowing_norm_row"] = report.first_overflowing_norm_row;
    json["underflowed_values"] = report.underflowed_values;
    json["underflowed_rows"] = report.underflowed_rows;
    json["first_underflowed_row"] = report.first_underflowed_row;
    json["recovery"] = report.recovery;
    json["verified"] = nullptr;
    if (verified != nullptr) {
        json["verified"] = {{"rows", verified->rows},
                            {"worst_error", verified->worst_error},
                            {"error_bound", verified->error_bound},
                            {"worst_neighbor_error", verified->worst_neighbor_error},
                            {"neighbor_error_bound", verified->neighbor_error_bound},
                            {"worst_neighbor_rounding", verified->worst_neighbor_rounding},
                            {"unreachable_rows", verified->unreachable_rows},
                            {"failures", verified->failures}};
    }
    return dump(json);
}

}  // namespace gpushard
