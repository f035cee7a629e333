#include <algorithm>

#include <fmt/core.h>

#include <gpushard/printable_text.hpp>
#include <gpushard/report.hpp>

#include "report/json_values.hpp"
#include "report/text_table.hpp"

namespace gpushard {
namespace {

/// Whether one line can tell of both: the same cards, and no number that differs.
bool differ_in_precision_only(FittingRig a, const FittingRig& b) {
    a.precision = b.precision;
    return a == b;
}

SizeColumn size_column(const RigFit& fit) {
    Bytes largest = 0;
    for (const FittingRig& rig : fit.rigs) largest = std::max(largest, rig.memory_bytes);
    return SizeColumn(largest);
}

std::string headline(const RigFit& fit, const char* unit) {
    const std::string replicas = fit.options.replicas > 1 ? fmt::format(", {} copies", fit.options.replicas) : "";
    const std::string spill =
        fit.options.spill_bytes > 0 ? fmt::format(", {} of host memory", format_bytes(fit.options.spill_bytes)) : "";
    return fmt::format("{}\n  {} x {}, {}{}{}: the fewest of each known card, at most {}, sizes in {}\n\n",
                       printable(fit.index.display_name()), group_digits(fit.index.count), fit.index.dim,
                       to_string(fit.index.metric), replicas, spill, fit.max_cards, unit);
}

TextTable columns_of(bool with_host) {
    std::vector<TextTable::Column> columns = {{"rig", Align::left}, {"precision", Align::left},
                                              {"peak a card"},      {"headroom"},
                                              {"peak in all"},      {"card memory"}};
    if (with_host) columns.push_back({"host"});
    return TextTable(std::move(columns));
}

Json json_value(const FittingRig& rig) {
    return {{"spec", rig.spec()},
            {"card", rig.card.name},
            {"count", rig.count},
            {"precision", to_string(rig.precision)},
            {"card_bytes", rig.card.total_bytes},
            {"peak_bytes", rig.peak_bytes},
            {"headroom_bytes", rig.headroom_bytes},
            {"total_bytes", rig.total_bytes},
            {"memory_bytes", rig.memory_bytes},
            {"host_bytes", rig.host_bytes}};
}

}  // namespace

std::string to_text(const RigFit& fit) {
    const bool with_host = fit.options.spill_bytes > 0;
    const SizeColumn size = size_column(fit);
    TextTable table = columns_of(with_host);
    for (std::size_t i = 0; i < fit.rigs.size();) {
        const FittingRig& rig = fit.rigs[i];
        std::string precisions(to_string(rig.precision));
        for (++i; i < fit.rigs.size() && differ_in_precision_only(fit.rigs[i], rig); ++i) {
            precisions += fmt::format(", {}", to_string(fit.rigs[i].precision));
        }
        table.add({rig.spec(), precisions, size.format(rig.peak_bytes), size.format(rig.headroom_bytes),
                   size.format(rig.total_bytes), size.format(rig.memory_bytes), size.format(rig.host_bytes)});
    }
    return headline(fit, size.unit()) + table.render();
}

std::string to_json(const RigFit& fit) {
    Json json = json_header();
    json["fits"] = !fit.rigs.empty();
    json["index"] = json_value(fit.index);
    json["options"] = json_value(fit.options);
    json["max_cards"] = fit.max_cards;
    Json rigs = Json::array();
    for (const FittingRig& rig : fit.rigs) rigs.push_back(json_value(rig));
    json["rigs"] = std::move(rigs);
    return dump(json);
}

}  // namespace gpushard
