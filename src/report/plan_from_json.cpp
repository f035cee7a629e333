#include <algorithm>
#include <limits>
#include <optional>

#include <fmt/core.h>

#include <gpushard/report.hpp>

#include "core/answer_memory.hpp"
#include "core/plan_rules.hpp"
#include "report/json_reader.hpp"
#include "report/stored_device.hpp"
#include "report/stored_files.hpp"

namespace gpushard {
namespace {

constexpr std::int64_t any_count = std::numeric_limits<std::int64_t>::max();

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

IndexProfile stored_profile(const JsonReader& json) {
    IndexProfile profile;
    profile.files = stored_files(json);
    profile.of_no_file = json.has("file") && json["file"].is_null();
    profile.bytes = json["bytes"].bytes();
    profile.type = named(json["type"], {IndexType::flat});
    profile.fourcc = json["fourcc"].string(4);
    profile.dim = static_cast<std::int32_t>(json["dim"].integer(1, std::numeric_limits<std::int32_t>::max()));
    profile.count = json["count"].integer(0, any_count);
    profile.metric = stored_metric(json["metric"]);
    profile.metric_arg = static_cast<float>(
        json["metric_arg"].number(std::numeric_limits<float>::lowest(), std::numeric_limits<float>::max()));
    profile.stored = named(json["stored"], all_precisions);
    profile.payload_offset = json["payload_offset"].bytes();
    profile.chain = json["chain"].strings(64);
    profile.payload_bytes = json["payload_bytes"].bytes();
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
    if (json.has("threads")) options.threads = static_cast<int>(json["threads"].integer(0, most_threads));
    return options;
}

RowRange stored_rows(const JsonReader& json) {
    const std::vector<JsonReader> ends = json.elements(2);
    if (ends.size() != 2) throw json.wrong("[begin, end]");
    RowRange rows;
    rows.begin = ends[0].integer(0, any_count);
    rows.end = ends[1].integer(rows.begin, any_count);
    return rows;
}

/// The parts of it are rules of the plan; that the text sums them up rightly is its own.
ShardMemory stored_memory(const JsonReader& json) {
    ShardMemory memory;
    memory.resident = json["resident_bytes"].bytes();
    memory.fixed = json["fixed_bytes"].bytes();
    memory.scratch = json["scratch_bytes"].bytes();
    json["load_peak_bytes"].must_be(memory.load_peak(), "resident + fixed");
    json["search_peak_bytes"].must_be(memory.search_peak(), "resident + fixed + scratch");
    json["peak_bytes"].must_be(memory.peak(), "the larger of load and search peak");
    return memory;
}

ShardPlacement stored_placement(const JsonReader& json) {
    ShardPlacement placement;
    placement.device = stored_device(json);
    placement.reserve_bytes = json["reserve_bytes"].bytes();
    placement.rows = stored_rows(json["rows"]);
    placement.tile = {.rows = json["tile"]["rows"].integer(0, any_count),
                      .queries = json["tile"]["queries"].integer(0, any_count)};
    placement.group = static_cast<int>(json["group"].integer(-1, max_json_devices));
    placement.share = json["share"].number(0, 1);
    placement.memory = stored_memory(json);
    json["usable_bytes"].must_be(placement.usable_bytes(), "free - reserve - context");
    return placement;
}

/// It follows from the rest; plans that were written before there was any do not have it.
void check_centring(const JsonReader& device, const ShardPlacement& placement, const PlacementPlan& plan) {
    if (!device.has("centring")) return;
    const Centring centring = planned_centring(placement.device.kind, plan.precision, plan.index.metric);
    if (device["centring"].string() == to_string(centring)) return;
    throw device["centring"].wrong(std::string(to_string(centring)) + ": kind, precision and metric say so");
}

void check_totals(const JsonReader& json, const PlacementPlan& plan) {
    const ShardMemory totals = plan.totals();
    constexpr const char* because = "the sum over the devices";
    json["resident_bytes"].must_be(totals.resident, because);
    json["fixed_bytes"].must_be(totals.fixed, because);
    json["scratch_bytes"].must_be(totals.scratch, because);
    json["peak_bytes"].must_be(totals.peak(), because);
    json["used_devices"].must_be(static_cast<Bytes>(plan.used_devices()), "the devices that hold rows");
    if (json.has("host_peak_bytes")) {
        json["host_peak_bytes"].must_be(plan.host_peak_bytes(), "staging, shards and answers on the host");
    }
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

void check_rules(const PlacementPlan& plan, const std::string& name) {
    const std::optional<PlanFault> fault = find_plan_fault(plan, DevicesOf::machine);
    if (!fault) return;
    throw BadFile(name + ": " + fault->field + " is " + fault->value + ", expected " + fault->expected, {},
                  {{"file", name}, {"field", fault->field}, {"value", fault->value}, {"expected", fault->expected}});
}

}  // namespace

PlacementPlan plan_from_json(std::string_view json, const std::string& name) {
    const nlohmann::json parsed = parse_json(json, name);
    const JsonReader text(parsed, name);
    text["schema_version"].must_be(schema_version, "the version this build reads");
    if (!text["fits"].boolean()) throw text["fits"].wrong("true: what does not fit cannot be replayed");

    PlacementPlan plan;
    plan.index = stored_profile(text["index"]);
    plan.fingerprint = text["fingerprint"].string(32);
    plan.options = stored_options(text["options"]);
    if (text["strategy"].parsed(parse_strategy, "a strategy") != plan.options.strategy) {
        throw text["strategy"].wrong("the same as options.strategy");
    }
    plan.precision = named(text["precision"], all_precisions);
    for (const JsonReader& device : text["devices"].elements(max_json_devices)) {
        plan.devices.push_back(stored_placement(device));
        check_centring(device, plan.devices.back(), plan);
    }
    if (text.has("spilled")) plan.spilled = text["spilled"].boolean();
    plan.host_staging_bytes = text["host_staging_bytes"].bytes();
    plan.host_resident_bytes = text["host_resident_bytes"].bytes();
    if (text.has("host_search_bytes")) plan.host_search_bytes = text["host_search_bytes"].bytes();
    check_rules(plan, name);
    if (plan.host_search_bytes == 0) plan.host_search_bytes = planned_answer_bytes(plan);
    check_totals(text["totals"], plan);
    plan.stock_faiss = stored_stock_faiss(text["stock_faiss"]);
    return plan;
}

PlacementPlan read_plan(const std::filesystem::path& path) {
    return plan_from_json(read_json_file(path), path.string());
}

}  // namespace gpushard
