#include <gtest/gtest.h>

#include <gpushard/error.hpp>
#include <gpushard/placement_plan.hpp>

namespace gpushard {
namespace {

TEST(Strategy, ParsesWhatItPrints) {
    for (const Strategy strategy :
         {Strategy::balanced, Strategy::proportional, Strategy::fewest, Strategy::replicate}) {
        EXPECT_EQ(parse_strategy(to_string(strategy)), strategy);
    }
    EXPECT_EQ(to_string(Strategy::balanced), "balanced");
    EXPECT_EQ(parse_strategy("Fewest"), Strategy::fewest);
}

TEST(Strategy, RefusesOthersByName) {
    for (const char* text : {"", "equal", "balanced "}) EXPECT_THROW(parse_strategy(text), InvalidArgument) << text;
    try {
        parse_strategy("even");
    } catch (const InvalidArgument& error) {
        EXPECT_STREQ(error.what(), "strategy 'even' is unknown, expected balanced, proportional, fewest or replicate");
    }
}

TEST(PrecisionChoice, ParsesWhatItPrintsAndWhatPeopleType) {
    for (const PrecisionChoice precision : {PrecisionChoice::stored, PrecisionChoice::f32, PrecisionChoice::f16,
                                            PrecisionChoice::bf16, PrecisionChoice::automatic}) {
        EXPECT_EQ(parse_precision(to_string(precision)), precision);
    }
    EXPECT_EQ(to_string(PrecisionChoice::automatic), "auto");
    for (const char* text : {"float32", "fp32", "F32"}) EXPECT_EQ(parse_precision(text), PrecisionChoice::f32);
    for (const char* text : {"float16", "fp16", "half"}) EXPECT_EQ(parse_precision(text), PrecisionChoice::f16);
    EXPECT_EQ(parse_precision("bfloat16"), PrecisionChoice::bf16);
    for (const char* text : {"", "f8", "double"}) EXPECT_THROW(parse_precision(text), InvalidArgument) << text;
}

TEST(ShardPlacement, UsableIsFreeLessReserveAndContext) {
    ShardPlacement shard;
    shard.device.free_bytes = 10_GiB;
    shard.device.context_bytes = 1_GiB;
    shard.reserve_bytes = 2_GiB;
    EXPECT_EQ(shard.usable_bytes(), 7_GiB);
    shard.reserve_bytes = 9_GiB;
    EXPECT_EQ(shard.usable_bytes(), 0u);
    shard.reserve_bytes = 10_GiB;
    EXPECT_EQ(shard.usable_bytes(), 0u);
    shard.reserve_bytes = ~Bytes{0};
    EXPECT_EQ(shard.usable_bytes(), 0u);
}

TEST(PlacementPlan, SumsOverItsDevices) {
    PlacementPlan plan;
    plan.devices.resize(3);
    plan.devices[0].memory = {.resident = 100, .fixed = 10, .scratch = 1};
    plan.devices[0].rows = {0, 5};
    plan.devices[2].memory = {.resident = 200, .fixed = 20, .scratch = 2};
    plan.devices[2].rows = {5, 6};
    EXPECT_EQ(plan.totals(), (ShardMemory{.resident = 300, .fixed = 30, .scratch = 3}));
    EXPECT_EQ(plan.used_devices(), 2);
    EXPECT_EQ(plan.totals().load_peak(), 330u);
    EXPECT_EQ(plan.totals().peak(), 333u);
}

}  // namespace
}  // namespace gpushard
