#include <algorithm>
#include <map>

#include <fmt/core.h>

#include <gpushard/printable_text.hpp>
#include <gpushard/report.hpp>

#include "report/json_values.hpp"
#include "report/text_table.hpp"

namespace gpushard {
namespace {

constexpr std::size_t longest_spec = 24;
constexpr std::size_t longest_name = 14;
constexpr std::size_t narrowest_bar = 6;
constexpr std::size_t widest_bar = 20;

SizeColumn size_column(const PlacementPlan& plan) {
    Bytes largest = 0;
    for (const ShardPlacement& placement : plan.devices) largest = std::max(largest, placement.memory.peak());
    return SizeColumn(largest);
}

std::string headline(const PlacementPlan& plan) {
    const std::string precision =
        plan.precision == plan.index.stored
            ? std::string(to_string(plan.precision))
            : fmt::format("{} -> {}", to_string(plan.index.stored), to_string(plan.precision));
    const std::string replicas = plan.options.replicas > 1 ? fmt::format(" x {}", plan.options.replicas) : "";
    return fmt::format("{}\n  {} x {}, {}, {}, {}{} over {} of {} devices, sizes in {}\n\n",
                       printable(plan.index.display_name()), group_digits(plan.index.count), plan.index.dim,
                       to_string(plan.index.metric), precision, to_string(plan.options.strategy), replicas,
                       plan.used_devices(), plan.devices.size(), size_column(plan).unit());
}

/// The cells of one line of the table, without the bar.
std::vector<std::string> cells_of(const ShardPlacement& placement, const SizeColumn& size, bool with_name,
                                  bool with_group) {
    std::vector<std::string> cells = {shorten(printable(placement.device.spec), longest_spec)};
    if (with_name) cells.push_back(shorten(printable(placement.device.name), longest_name));
    if (with_group) cells.push_back(placement.group < 0 ? "-" : std::to_string(placement.group));
    cells.push_back(group_digits(placement.rows.count()));
    cells.push_back(fmt::format("{:.1f} %", 100 * placement.share));
    for (const Bytes bytes : {placement.memory.resident, placement.memory.fixed, placement.memory.scratch,
                              placement.memory.peak(), placement.usable_bytes()}) {
        cells.push_back(size.format(bytes));
    }
    return cells;
}

std::vector<std::string> total_cells(const PlacementPlan& plan, const SizeColumn& size, bool with_name,
                                     bool with_group) {
    const ShardMemory totals = plan.totals();
    std::int64_t rows = 0;
    Bytes usable = 0;
    for (const ShardPlacement& placement : plan.devices) {
        rows += placement.rows.count();
        usable += placement.usable_bytes();
    }
    std::vector<std::string> cells = {"total"};
    if (with_name) cells.emplace_back();
    if (with_group) cells.emplace_back();
    cells.push_back(group_digits(rows));
    cells.emplace_back();
    for (const Bytes bytes : {totals.resident, totals.fixed, totals.scratch, totals.peak(), usable}) {
        cells.push_back(size.format(bytes));
    }
    return cells;
}

std::vector<TextTable::Column> columns_of(bool with_name, bool with_group) {
    std::vector<TextTable::Column> columns = {{"device", Align::left}};
    if (with_name) columns.push_back({"name", Align::left});
    if (with_group) columns.push_back({"group"});
    for (const char* title : {"rows", "share", "resident", "fixed", "scratch", "peak"}) columns.push_back({title});
    columns.push_back({"usable"});
    return columns;
}

std::string device_table(const PlacementPlan& plan) {
    bool with_name = false;
    for (const ShardPlacement& placement : plan.devices) {
        with_name = with_name || placement.device.name != placement.device.spec;
    }
    const bool with_group = plan.options.replicas > 1;
    const SizeColumn size = size_column(plan);
    std::vector<TextTable::Column> columns = columns_of(with_name, with_group);

    std::vector<std::vector<std::string>> rows;
    TextTable measured(columns);
    for (const ShardPlacement& placement : plan.devices) {
        rows.push_back(cells_of(placement, size, with_name, with_group));
        measured.add(rows.back());
    }
    const std::vector<std::string> totals = total_cells(plan, size, with_name, with_group);
    measured.add(totals);

    // The bar takes what is left of the line: two spaces of indent and two before it.
    const std::size_t taken = measured.width() + 4;
    const std::size_t bar_width =
        std::clamp(report_width > taken ? report_width - taken : 0, narrowest_bar, widest_bar);
    columns.push_back({"", Align::left});
    TextTable table(columns);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const ShardPlacement& placement = plan.devices[i];
        rows[i].push_back(bar(placement.memory.peak(), placement.usable_bytes(), bar_width));
        table.add(std::move(rows[i]));
    }
    table.add(totals);
    return table.render();
}

std::string label(const char* name) { return fmt::format("  {:<13}", name); }

std::int64_t passes(std::int64_t work, std::int64_t at_a_time) {
    return at_a_time > 0 ? (work + at_a_time - 1) / at_a_time : 0;
}

std::string replay_line(const PlacementPlan& plan) {
    return plan.index.of_no_file ? label("replay") + "not possible: the plan is of no file\n" : "";
}

/// What the rows of a device of unknown bandwidth were counted by.
std::string speed_line(const PlacementPlan& plan) {
    for (const ShardPlacement& placement : plan.devices) {
        if (!placement.device.planning_only || placement.device.bytes_per_second > 0) continue;
        return label("speed") + fmt::format("the bandwidth of {} is not known; it counts as that of the slowest\n",
                                            shorten(printable(placement.device.spec), longest_spec));
    }
    return {};
}

/// One line for each tile that is used, with the number of shards that use it.
std::string search_lines(const PlacementPlan& plan) {
    std::map<std::pair<std::int64_t, std::int64_t>, int> tiles;
    for (const ShardPlacement& placement : plan.devices) {
        if (placement.rows.count() > 0) ++tiles[{placement.tile.rows, placement.tile.queries}];
    }
    std::string text;
    for (const auto& [tile, shards] : tiles) {
        const std::int64_t reads = passes(plan.options.max_batch, tile.second);
        text += label(text.empty() ? "search" : "") +
                fmt::format("tile {} rows x {} queries, k {} ({} {}); a batch of {} reads a shard {}\n",
                            group_digits(tile.first), group_digits(tile.second), plan.options.k, shards,
                            shards == 1 ? "device" : "devices", group_digits(plan.options.max_batch),
                            reads == 1 ? "once" : fmt::format("{} times", group_digits(reads)));
    }
    return text;
}

/// Which devices hold rows less a centre; nothing where none does. All of a kind do the same.
std::string centring_line(const PlacementPlan& plan) {
    Centring most = Centring::none;
    for (const ShardPlacement& placement : plan.devices) {
        if (placement.rows.count() == 0) continue;
        most = std::max(most, planned_centring(placement.device.kind, plan.precision, plan.index.metric));
    }
    switch (most) {
        case Centring::none:
            return {};
        case Centring::if_far:
            return label("centring") + "cards hold rows less the mean of a sample where rows lie far from zero\n";
        case Centring::always:
            return label("centring") + "every device holds rows less the mean of a sample\n";
    }
    return {};
}

std::string stock_faiss_lines(const StockFaissOutcome& stock) {
    std::string text = label("stock Faiss") + std::string(to_string(stock.outcome));
    if (!stock.path.empty()) text += " (" + stock.path + ")";
    text += "\n";
    if (!stock.peak_bytes.empty()) {
        constexpr std::size_t most_shown = 8;
        std::string peaks;
        for (std::size_t i = 0; i < std::min(stock.peak_bytes.size(), most_shown); ++i) {
            peaks += (i == 0 ? "" : ", ") + format_bytes(stock.peak_bytes[i]);
        }
        if (stock.peak_bytes.size() > most_shown) {
            peaks += fmt::format(", and {} more", stock.peak_bytes.size() - most_shown);
        }
        text += label("") + "peak per card " + peaks + "; host " + format_bytes(stock.host_bytes) + "\n";
    }
    if (!stock.message.empty()) {
        for (const std::string& line : wrap(printable(stock.message), report_width - label("").size())) {
            text += label("") + line + "\n";
        }
    }
    return text;
}

}  // namespace

std::string to_text(const PlacementPlan& plan) {
    return headline(plan) + device_table(plan) + "\n" + label("host") +
           fmt::format("staging {} while loading, {} resident, {} for answers to merge\n",
                       format_bytes(plan.host_staging_bytes), format_bytes(plan.host_resident_bytes),
                       format_bytes(plan.host_search_bytes)) +
           speed_line(plan) + search_lines(plan) + centring_line(plan) + stock_faiss_lines(plan.stock_faiss) +
           replay_line(plan);
}

std::string to_json(const PlacementPlan& plan) {
    Json json = json_header();
    append(json, json_value(plan));
    return dump(json);
}

}  // namespace gpushard
