// Ten plans for FlashRAG's index of Wikipedia that were made once and kept: whatever becomes of the planner's code,
// they stay what they are. One that is to change is changed in kept_plans.json, with the reason in the commit.

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <gpushard/placement_planner.hpp>

#include "support/wiki_index.hpp"

namespace gpushard {
namespace {

using Json = nlohmann::json;

Json kept_plans() {
    std::ifstream file(GPUSHARD_KEPT_PLANS);
    return Json::parse(file);
}

DeviceInfo device_of(const Json& kept) {
    DeviceInfo device;
    device.spec = kept.at("spec");
    device.kind = kept.at("kind") == "cuda" ? DeviceKind::cuda : DeviceKind::cpu;
    device.total_bytes = kept.at("total_bytes");
    device.free_bytes = kept.at("free_bytes");
    device.context_bytes = kept.at("context_bytes");
    device.bytes_per_second = kept.at("bytes_per_second");
    return device;
}

/// All devices but that of the spill, which is planned.
std::vector<DeviceInfo> rig_of(const Json& kept) {
    std::vector<DeviceInfo> rig;
    for (const Json& entry : kept.at("devices")) rig.push_back(device_of(entry.at("device")));
    if (kept.at("spilled")) rig.pop_back();
    return rig;
}

PlanOptions options_of(const Json& kept) {
    PlanOptions options;
    options.strategy = parse_strategy(kept.at("strategy").get<std::string>());
    options.replicas = kept.at("replicas");
    options.min_devices = kept.at("min_devices");
    options.precision = parse_precision(kept.at("precision").get<std::string>());
    options.staging_bytes = kept.at("staging_bytes");
    options.spill_bytes = kept.at("spill_bytes");
    options.max_batch = kept.at("max_batch");
    options.k = kept.at("k");
    options.threads = kept.at("threads");
    return options;
}

Json facts_of(const PlacementPlan& plan, const ShardPlacement& placement, const Json& device) {
    const Centring centring = planned_centring(placement.device.kind, plan.precision, plan.index.metric);
    return {{"device", device},
            {"group", placement.group},
            {"rows", {placement.rows.begin, placement.rows.end}},
            {"resident_bytes", placement.memory.resident},
            {"fixed_bytes", placement.memory.fixed},
            {"scratch_bytes", placement.memory.scratch},
            {"centring", to_string(centring)},
            {"tile", {placement.tile.rows, placement.tile.queries}}};
}

TEST(KeptPlans, StayWhatTheyAre) {
    const Json plans = kept_plans();
    ASSERT_EQ(plans.size(), 10U);
    for (const Json& kept : plans) {
        SCOPED_TRACE(kept.at("what").get<std::string>());
        IndexProfile index = test::wiki_index();
        index.metric = parse_metric(kept.at("metric").get<std::string>());
        const PlacementPlan plan = plan_placement(index, rig_of(kept), options_of(kept.at("options")));
        EXPECT_EQ(plan.spilled, kept.at("spilled").get<bool>());
        EXPECT_EQ(plan.host_staging_bytes, kept.at("host_staging_bytes").get<Bytes>());
        EXPECT_EQ(plan.host_search_bytes, kept.at("host_search_bytes").get<Bytes>());
        const Json& devices = kept.at("devices");
        ASSERT_EQ(plan.devices.size(), devices.size());
        for (std::size_t i = 0; i < devices.size(); ++i) {
            EXPECT_EQ(facts_of(plan, plan.devices[i], devices[i].at("device")), devices[i]);
        }
    }
}

}  // namespace
}  // namespace gpushard
