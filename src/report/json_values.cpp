#include "report/json_values.hpp"

#include <gpushard/printable_text.hpp>
#include <gpushard/report.hpp>
#include <gpushard/version.hpp>

#include "report/stored_files.hpp"

namespace gpushard {
namespace {

Json memory_values(const ShardMemory& memory) {
    return {{"resident_bytes", memory.resident},
            {"scratch_bytes", memory.scratch},
            {"fixed_bytes", memory.fixed},
            {"load_peak_bytes", memory.load_peak()},
            {"search_peak_bytes", memory.search_peak()},
            {"peak_bytes", memory.peak()}};
}

Json json_value(const MemoryHolder& holder) {
    return {{"pid", holder.pid}, {"name", holder.name}, {"bytes", holder.bytes}};
}

/// What is told of cards only.
Json card_values(const DeviceInfo& card) {
    Json holders = Json::array();
    for (const MemoryHolder& holder : card.holders) holders.push_back(json_value(holder));
    Json json = {{"context_measured", card.context_measured}, {"compute_capability", card.compute_capability}};
    if (card.numa_node >= 0) json["numa_node"] = card.numa_node;
    json["peers"] = card.peers;
    json["holders"] = std::move(holders);
    return json;
}

Json json_value(const ShardPlacement& placement, const PlacementPlan& plan) {
    Json json = json_value(placement.device);
    // In a plan "bytes_per_second" is left to what a load measures.
    json.erase("bytes_per_second");
    // Neither decides what the plan is: who else uses a card changes while the plan stays the same.
    json.erase("peers");
    json.erase("holders");
    json["memory_bytes_per_second"] = placement.device.bytes_per_second;
    json["reserve_bytes"] = placement.reserve_bytes;
    json["usable_bytes"] = placement.usable_bytes();
    append(json, memory_values(placement.memory));
    json["rows"] = Json::array({placement.rows.begin, placement.rows.end});
    json["share"] = placement.share;
    json["group"] = placement.group;
    json["centring"] = to_string(planned_centring(placement.device.kind, plan.precision, plan.index.metric));
    json["tile"] = {{"rows", placement.tile.rows}, {"queries", placement.tile.queries}};
    return json;
}

Json header_values(const IndexProfile& profile) {
    return {{"bytes", profile.bytes},
            {"type", to_string(profile.type)},
            {"fourcc", profile.fourcc},
            {"dim", profile.dim},
            {"count", profile.count},
            {"metric", to_string(profile.metric)},
            {"metric_arg", profile.metric_arg},
            {"stored", to_string(profile.stored)},
            {"payload_offset", profile.payload_offset},
            {"payload_bytes", profile.payload_bytes},
            {"chain", profile.chain}};
}

Json json_value(const StockFaissOutcome& stock) {
    return {{"outcome", to_string(stock.outcome)},
            {"path", stock.path},
            {"peak_bytes", stock.peak_bytes},
            {"held_bytes", stock.held_bytes},
            {"host_bytes", stock.host_bytes},
            {"message", stock.message},
            {"failed_request_bytes", stock.failed_request_bytes}};
}

}  // namespace

Json json_header() {
    return {{"schema_version", schema_version}, {"gpushard_version", version()}, {"faiss_version", faiss_version()}};
}

Json json_value(const IndexProfile& profile) {
    Json json = {{"file", profile.of_no_file      ? Json(nullptr)
                          : profile.files.empty() ? Json("memory")
                                                  : Json(valid_utf8(profile.files.front()))}};
    append(json, files_value(profile.files));
    append(json, header_values(profile));
    return json;
}

Json json_value(const DeviceInfo& device) {
    Json json = {{"spec", device.spec},
                 {"name", device.name},
                 {"uuid", device.uuid},
                 {"pci", device.pci},
                 {"kind", to_string(device.kind)},
                 {"total_bytes", device.total_bytes},
                 {"free_bytes", device.free_bytes},
                 {"context_bytes", device.context_bytes},
                 {"bytes_per_second", device.bytes_per_second},
                 {"planning_only", device.planning_only}};
    if (device.kind == DeviceKind::cuda) append(json, card_values(device));
    return json;
}

Json json_value(const PlanOptions& options) {
    return {{"strategy", to_string(options.strategy)},
            {"replicas", options.replicas},
            {"min_devices", options.min_devices},
            {"precision", to_string(options.precision)},
            {"reserve_bytes", options.reserve_bytes ? Json(*options.reserve_bytes) : Json(nullptr)},
            {"staging_bytes", options.staging_bytes},
            {"spill_bytes", options.spill_bytes},
            {"max_batch", options.max_batch},
            {"k", options.k},
            {"threads", options.threads}};
}

Json json_value(const PlacementPlan& plan) {
    Json devices = Json::array();
    for (const ShardPlacement& placement : plan.devices) devices.push_back(json_value(placement, plan));
    Json totals = memory_values(plan.totals());
    totals["used_devices"] = plan.used_devices();
    totals["host_peak_bytes"] = plan.host_peak_bytes();
    return {{"fits", true},
            {"precision", to_string(plan.precision)},
            {"strategy", to_string(plan.options.strategy)},
            {"index", json_value(plan.index)},
            {"fingerprint", plan.fingerprint},
            {"options", json_value(plan.options)},
            {"devices", std::move(devices)},
            {"spilled", plan.spilled},
            {"host_staging_bytes", plan.host_staging_bytes},
            {"host_resident_bytes", plan.host_resident_bytes},
            {"host_search_bytes", plan.host_search_bytes},
            {"totals", std::move(totals)},
            {"stock_faiss", json_value(plan.stock_faiss)}};
}

void append(Json& object, Json more) {
    for (auto& [key, value] : more.items()) object[key] = std::move(value);
}

std::string dump(const Json& json) {
    return printable_json(json.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n";
}

}  // namespace gpushard
