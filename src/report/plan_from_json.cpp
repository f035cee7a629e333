#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>

#include <fmt/core.h>

#include <gpushard/report.hpp>

#include "report/json_reader.hpp"
#include "report/stored_device.hpp"
#include "report/stored_files.hpp"

namespace gpushard {
namespace {

constexpr std::int64_t any_count = std::numeric_limits<std::int64_t>::max();
/// Shares are derived from rows; a text may round them.
constexpr double share_tolerance = 1e-6;

/// The value among `values` whose to_string is this text.
template <typename Value, std::size_t N>
Value named(const JsonReader& json, const Value (&values)[N]) {
    const std::string text = json.string();
    std::string expected;
    for (const Value value : values) {
        if (text == to_string(value)) return value;
        expected += (expected.empty() ? "" : ", ") + std::string(to_string(value));
    }
    throw json.wrong("one of " + expected);
}

constexpr Precision all_precisions[] = {Precision::f32, Precision::f16, Precision::bf16};

Metric stored_metric(const JsonReader& json) {
    const std::string text = json.string();
    for (std::int32_t number = 0; number < 32; ++number) {
        const std::optional<Metric> metric = metric_from_number(number);
        if (metric && to_string(*metric) == text) return *metric;
    }
    throw json.wrong("the name of a metric");
}

Bytes multiply_or_refuse(Bytes a, Bytes b, const JsonReader& json) {
    try {
        return checked_multiply(a, b);
    } catch (const std::overflow_error&) {
        throw json.wrong("a size below 2^64 bytes");
    }
}

IndexProfile stored_profile(const JsonReader& json) {
    constexpr std::int64_t max_dim = 1 << 20;
    IndexProfile profile;
    profile.files = stored_files(json);
    profile.of_no_file = json.has("file") && json["file"].is_null();
    profile.bytes = json["bytes"].bytes();
    profile.type = named(json["type"], {IndexType::flat});
    profile.fourcc = json["fourcc"].string(4);
    profile.dim = static_cast<std::int32_t>(json["dim"].integer(1, max_dim));
    profile.count = json["count"].integer(0, any_count);
    profile.metric = stored_metric(json["metric"]);
    profile.metric_arg = static_cast<float>(
        json["metric_arg"].number(std::numeric_limits<float>::lowest(), std::numeric_limits<float>::max()));
    profile.stored = named(json["stored"], all_precisions);
    profile.payload_offset = json["payload_offset"].bytes();
    profile.chain = json["chain"].strings(64);
    const Bytes payload = multiply_or_refuse(static_cast<Bytes>(profile.count), profile.row_bytes(), json["count"]);
    json["payload_bytes"].must_be(payload, "count x dim x bytes of an element");
    profile.payload_bytes = payload;
    if (profile.payload_offset > profile.bytes || payload > profile.bytes - profile.payload_offset) {
        throw json["bytes"].wrong("at least payload_offset + payload_bytes");
    }
    return profile;
}

PlanOptions stored_options(const JsonReader& json) {
    PlanOptions options;
    options.strategy = json["strategy"].parsed(parse_strategy, "a strategy");
    options.replicas = static_cast<int>(json["replicas"].integer(1, max_json_devices));
    options.min_devices = static_cast<int>(json["min_devices"].integer(1, max_json_devices));
    options.precision = json["precision"].parsed(parse_precision, "a precision");
    if (!json["reserve_bytes"].is_null()) options.reserve_bytes = json["reserve_bytes"].bytes();
    options.staging_bytes = json["staging_bytes"].bytes();
    if (json.has("spill_bytes")) options.spill_bytes = json["spill_bytes"].bytes();
    options.max_batch = json["max_batch"].integer(1, any_count);
    options.k = json["k"].integer(1, any_count);
    if (options.strategy != Strategy::replicate && options.replicas != 1) {
        throw json["replicas"].wrong("1 with this strategy");
    }
    if (options.spill_bytes > 0 && options.replicas > 1) throw json["replicas"].wrong("1 where rows may be spilled");
    return options;
}

bool may_result_in(PrecisionChoice choice, Precision stored, Precision precision) {
    switch (choice) {
        case PrecisionChoice::stored:
            return precision == stored;
        case PrecisionChoice::f32:
            return precision == Precision::f32;
        case PrecisionChoice::f16:
            return precision == Precision::f16;
        case PrecisionChoice::bf16:
            return precision == Precision::bf16;
        case PrecisionChoice::automatic:
            return precision == Precision::f32 || precision == Precision::f16;
    }
    return false;
}

int group_count(const PlanOptions& options) { return options.strategy == Strategy::replicate ? options.replicas : 1; }

RowRange stored_rows(const JsonReader& json, std::int64_t count) {
    const std::vector<JsonReader> ends = json.elements(2);
    if (ends.size() != 2) throw json.wrong("[begin, end]");
    RowRange rows;
    rows.begin = ends[0].integer(0, count);
    rows.end = ends[1].integer(rows.begin, count);
    return rows;
}

void check_memory(const JsonReader& json, const ShardMemory& memory) {
    constexpr const char* because = "what the memory model gives for these rows and this tile";
    json["resident_bytes"].must_be(memory.resident, because);
    json["fixed_bytes"].must_be(memory.fixed, because);
    json["scratch_bytes"].must_be(memory.scratch, because);
    json["load_peak_bytes"].must_be(memory.load_peak(), "resident + fixed");
    json["search_peak_bytes"].must_be(memory.search_peak(), "resident + fixed + scratch");
    json["peak_bytes"].must_be(memory.peak(), "the larger of load and search peak");
}

ShardMemory modelled_memory(const PlacementPlan& plan, const ShardPlacement& placement, const JsonReader& json) {
    const ShardWorkload workload = {.kind = placement.device.kind,
                                    .precision = plan.precision,
                                    .metric = plan.index.metric,
                                    .dim = plan.index.dim,
                                    .k = plan.options.k,
                                    .max_batch = plan.options.max_batch};
    try {
        return shard_memory(workload, placement.rows.count(), placement.tile);
    } catch (const std::overflow_error&) {
        throw json["tile"].wrong("a tile whose memory is below 2^64 bytes");
    }
}

SearchTile stored_tile(const JsonReader& json, const RowRange& rows, std::int64_t max_batch) {
    const std::int64_t least = rows.count() > 0 ? 1 : 0;
    return {.rows = json["rows"].integer(least, rows.count() > 0 ? rows.count() : any_count),
            .queries = json["queries"].integer(least, std::max(max_batch, padded_batch))};
}

ShardPlacement stored_placement(const JsonReader& json, const PlacementPlan& plan) {
    ShardPlacement placement;
    placement.device = stored_device(json);
    placement.reserve_bytes = json["reserve_bytes"].bytes();
    placement.rows = stored_rows(json["rows"], plan.index.count);
    placement.tile = stored_tile(json["tile"], placement.rows, plan.options.max_batch);
    const bool has_rows = placement.rows.count() > 0;
    placement.group =
        static_cast<int>(json["group"].integer(has_rows ? 0 : -1, has_rows ? group_count(plan.options) - 1 : 0));
    const double share =
        has_rows ? static_cast<double>(placement.rows.count()) / static_cast<double>(plan.index.count) : 0;
    placement.share = json["share"].number(0, 1);
    if (std::abs(placement.share - share) > share_tolerance) {
        throw json["share"].wrong(fmt::format("{}, the part of the index these rows are", share));
    }
    placement.memory = modelled_memory(plan, placement, json);
    check_memory(json, placement.memory);
    json["usable_bytes"].must_be(placement.usable_bytes(), "free - reserve - context");
    if (placement.memory.peak() > placement.usable_bytes()) {
        throw json["peak_bytes"].wrong("at most usable_bytes, " + std::to_string(placement.usable_bytes()));
    }
    return placement;
}

/// Every row must be in exactly one shard of each group.
void check_coverage(const JsonReader& devices, const PlacementPlan& plan) {
    std::map<int, std::vector<RowRange>> groups;
    for (const ShardPlacement& placement : plan.devices) {
        if (placement.rows.count() > 0) groups[placement.group].push_back(placement.rows);
    }
    for (int group = 0; group < group_count(plan.options); ++group) {
        std::vector<RowRange>& ranges = groups[group];
        std::sort(ranges.begin(), ranges.end(), [](const RowRange& a, const RowRange& b) { return a.begin < b.begin; });
        std::int64_t next = 0;
        for (const RowRange& rows : ranges) {
            if (rows.begin != next) {
                throw devices.wrong(fmt::format("every row once in group {}, but row {} is {}", group,
                                                std::min(rows.begin, next),
                                                rows.begin > next ? "missing" : "there twice"));
            }
            next = rows.end;
        }
        if (next != plan.index.count) {
            throw devices.wrong(fmt::format("every row once in group {}, but row {} is missing", group, next));
        }
    }
}

bool stored_spill(const JsonReader& json, const PlacementPlan& plan) {
    if (!json.boolean()) return false;
    const ShardPlacement& last = plan.devices.back();
    if (last.device.kind == DeviceKind::cpu && last.rows.count() > 0 &&
        last.device.total_bytes == plan.options.spill_bytes && plan.devices.size() > 1) {
        return true;
    }
    throw json.wrong("false, or host memory of options.spill_bytes with rows as the last device");
}

void check_totals(const JsonReader& json, const PlacementPlan& plan) {
    ShardMemory totals;
    try {
        totals = plan.totals();
        checked_add(checked_add(totals.resident, totals.fixed), totals.scratch);
    } catch (const std::overflow_error&) {
        throw json["peak_bytes"].wrong("a sum below 2^64 bytes");
    }
    constexpr const char* because = "the sum over the devices";
    json["resident_bytes"].must_be(totals.resident, because);
    json["fixed_bytes"].must_be(totals.fixed, because);
    json["scratch_bytes"].must_be(totals.scratch, because);
    json["peak_bytes"].must_be(totals.peak(), because);
    json["used_devices"].must_be(static_cast<Bytes>(plan.used_devices()), "the devices that hold rows");
}

Bytes resident_on_host(const PlacementPlan& plan) {
    Bytes sum = 0;
    for (const ShardPlacement& placement : plan.devices) {
        if (placement.device.kind == DeviceKind::cpu) sum += placement.memory.resident;
    }
    return sum;
}

StockFaissOutcome stored_stock_faiss(const JsonReader& json) {
    using Kind = StockFaissOutcome::Kind;
    StockFaissOutcome stock;
    stock.outcome = named(json["outcome"], {Kind::not_applicable, Kind::loads, Kind::fails});
    stock.path = json["path"].string();
    for (const JsonReader& peak : json["peak_bytes"].elements(max_json_devices)) {
        stock.peak_bytes.push_back(peak.bytes());
    }
    for (const JsonReader& held : json["held_bytes"].elements(max_json_devices)) {
        stock.held_bytes.push_back(held.bytes());
    }
    stock.host_bytes = json["host_bytes"].bytes();
    stock.message = json["message"].string();
    stock.failed_request_bytes = json["failed_request_bytes"].bytes();
    return stock;
}

std::string stored_fingerprint(const JsonReader& json) {
    std::string text = json.string(32);
    const bool hexadecimal = text.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!hexadecimal || (!text.empty() && text.size() != 32)) throw json.wrong("32 hexadecimal digits, or nothing");
    return text;
}

}  // namespace

PlacementPlan plan_from_json(std::string_view json, const std::string& name) {
    const nlohmann::json parsed = parse_json(json, name);
    const JsonReader text(parsed, name);
    text["schema_version"].must_be(schema_version, "the version this build reads");
    if (!text["fits"].boolean()) throw text["fits"].wrong("true: what does not fit cannot be replayed");

    PlacementPlan plan;
    plan.index = stored_profile(text["index"]);
    plan.fingerprint = stored_fingerprint(text["fingerprint"]);
    plan.options = stored_options(text["options"]);
    if (text["strategy"].parsed(parse_strategy, "a strategy") != plan.options.strategy) {
        throw text["strategy"].wrong("the same as options.strategy");
    }
    plan.precision = named(text["precision"], all_precisions);
    if (!may_result_in(plan.options.precision, plan.index.stored, plan.precision)) {
        throw text["precision"].wrong("what options.precision asks for");
    }
    for (const JsonReader& device : text["devices"].elements(max_json_devices)) {
        plan.devices.push_back(stored_placement(device, plan));
    }
    if (plan.devices.empty()) throw text["devices"].wrong("at least one device");
    if (text.has("spilled")) plan.spilled = stored_spill(text["spilled"], plan);
    check_coverage(text["devices"], plan);
    check_totals(text["totals"], plan);
    plan.host_staging_bytes = text["host_staging_bytes"].bytes();
    plan.host_resident_bytes = text["host_resident_bytes"].bytes();
    text["host_resident_bytes"].must_be(resident_on_host(plan), "the resident bytes of the shards on the host");
    plan.stock_faiss = stored_stock_faiss(text["stock_faiss"]);
    return plan;
}

PlacementPlan read_plan(const std::filesystem::path& path) {
    return plan_from_json(read_json_file(path), path.string());
}

}  // namespace gpushard
