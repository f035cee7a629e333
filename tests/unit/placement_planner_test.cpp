#include <algorithm>
#include <chrono>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/error.hpp>
#include <gpushard/placement_planner.hpp>

#include "support/wiki_index.hpp"

namespace gpushard {
namespace {

using test::flat_index;
using test::wiki_index;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = StockFaissOutcome::Kind;

constexpr std::int64_t wiki_rows = 21'015'324;

DeviceInfo card(int number, Bytes free_bytes, Bytes total_bytes = 0) {
    DeviceInfo device;
    device.spec = "cuda:" + std::to_string(number);
    device.name = "card";
    device.kind = DeviceKind::cuda;
    device.total_bytes = std::max(total_bytes, free_bytes);
    device.free_bytes = free_bytes;
    device.context_bytes = 512_MiB;
    return device;
}

DeviceInfo host(const std::string& spec, Bytes free_bytes) {
    DeviceInfo device;
    device.spec = spec;
    device.name = "host memory";
    device.total_bytes = device.free_bytes = free_bytes;
    return device;
}

KnownCard known(const std::string& name) {
    const auto& cards = known_cards();
    const auto found = std::find_if(cards.begin(), cards.end(), [&](const KnownCard& c) { return c.name == name; });
    if (found == cards.end()) throw std::logic_error("no card " + name);
    return *found;
}

PlanOptions in(PrecisionChoice precision) {
    PlanOptions options;
    options.precision = precision;
    return options;
}

std::vector<std::int64_t> rows_of(const PlacementPlan& plan) {
    std::vector<std::int64_t> rows;
    for (const ShardPlacement& shard : plan.devices) rows.push_back(shard.rows.count());
    return rows;
}

InsufficientMemory refusal_of(const IndexProfile& index, const std::vector<DeviceInfo>& devices,
                              const PlanOptions& options = {}) {
    try {
        plan_placement(index, devices, options);
    } catch (const InsufficientMemory& error) {
        return error;
    }
    throw std::logic_error("the request fits");
}

const Alternative* find_alternative(const InsufficientMemory& error, const std::string& change) {
    for (const Alternative& alternative : error.alternatives()) {
        if (alternative.change.find(change) != std::string::npos) return &alternative;
    }
    return nullptr;
}

// What 256 queries of 768 dimensions with k = 10 take on a card beside the vectors: queries, three lists of answers,
// norms, two tiles of 256 x 131,072 floats, the answers of one column tile twice, and the unit lost to the stack.
constexpr Bytes preferred_stack =
    786'432 + 10'240 + 20'480 + 10'240 + 1'024 + 2 * 134'217'728 + 2 * 10'240 + 2 * 20'480 + 256;
static_assert(preferred_stack == 269'325'568);
// The same for the smallest tile: 32 queries, 16,384 rows.
constexpr Bytes smallest_stack = 98'304 + 1'280 + 2'560 + 1'280 + 256 + 2 * 2'097'152 + 2 * 1'280 + 2 * 2'560 + 256;
static_assert(smallest_stack == 4'305'920);
// In float16 the queries stand there in halves too.
constexpr Bytes preferred_stack_f16 = preferred_stack + 256 * 768 * 2;
// Context and reserve of a card.
constexpr Bytes kept = 512_MiB + 256_MiB;

TEST(PlanWiki, OneCardOf80GiB) {
    const PlacementPlan plan = plan_placement(wiki_index(), {card(0, 80_GiB)});
    ASSERT_EQ(plan.devices.size(), 1u);
    const ShardPlacement& shard = plan.devices.front();
    EXPECT_EQ(plan.precision, Precision::f32);
    EXPECT_EQ(shard.rows, (RowRange{0, wiki_rows}));
    EXPECT_EQ(shard.share, 1);
    EXPECT_EQ(shard.group, 0);
    EXPECT_EQ(shard.reserve_bytes, 256_MiB);
    EXPECT_EQ(shard.usable_bytes(), 80_GiB - kept);
    EXPECT_EQ(shard.tile, (SearchTile{.rows = 131'072, .queries = 256}));
    EXPECT_EQ(shard.memory, (ShardMemory{.resident = 64'559'075'328, .fixed = preferred_stack, .scratch = 0}));
    EXPECT_EQ(plan.host_staging_bytes, 256_MiB);
    EXPECT_EQ(plan.host_resident_bytes, 0u);
    EXPECT_EQ(plan.used_devices(), 1);
    EXPECT_EQ(plan.stock_faiss.outcome, Kind::loads);

    const PlacementPlan half = plan_placement(wiki_index(), {card(0, 80_GiB)}, in(PrecisionChoice::f16));
    EXPECT_EQ(half.precision, Precision::f16);
    EXPECT_EQ(half.devices.front().memory,
              (ShardMemory{.resident = 32'279'537'664, .fixed = preferred_stack_f16, .scratch = 0}));
    EXPECT_EQ(half.stock_faiss.outcome, Kind::fails);
    EXPECT_EQ(half.stock_faiss.failed_request_bytes, 32'279'537'664u);
    EXPECT_THAT(half.stock_faiss.message, HasSubstr("TemporaryMemoryOverflow dev 0"));
}

TEST(PlanWiki, OneCardOf40GiBHoldsItInFloat16) {
    const PlacementPlan plan = plan_placement(wiki_index(), {card(0, 40_GiB)}, in(PrecisionChoice::automatic));
    EXPECT_EQ(plan.precision, Precision::f16);
    EXPECT_EQ(plan.devices.front().memory.peak(), 32'279'537'664 + preferred_stack_f16);
}

TEST(PlanWiki, FourCardsOf40GiB) {
    const std::vector<DeviceInfo> rig = {card(0, 40_GiB), card(1, 40_GiB), card(2, 40_GiB), card(3, 40_GiB)};
    const PlacementPlan plan = plan_placement(wiki_index(), rig);
    for (int i = 0; i < 4; ++i) {
        const ShardPlacement& shard = plan.devices[static_cast<std::size_t>(i)];
        EXPECT_EQ(shard.rows, (RowRange{i * 5'253'831, (i + 1) * 5'253'831}));
        EXPECT_EQ(shard.share, 0.25);
        EXPECT_EQ(shard.memory.resident, 16'139'768'832u);
        EXPECT_EQ(shard.memory.fixed, preferred_stack);
    }
    EXPECT_EQ(plan.totals().resident, 64'559'075'328u);
    EXPECT_EQ(plan.stock_faiss.outcome, Kind::loads);
    // 1.5 GiB, the vectors, and norms of 4 x 5,253,831 bytes rounded up.
    EXPECT_EQ(plan.stock_faiss.peak_bytes.front(), 1'610'612'736u + 16'139'768'832 + 21'015'552);

    const PlacementPlan half = plan_placement(wiki_index(), rig, in(PrecisionChoice::f16));
    EXPECT_EQ(half.devices.front().memory.resident, 8'069'884'416u);
    EXPECT_EQ(half.stock_faiss.peak_bytes.front(), 9'722'484'224u);
}

TEST(PlanWiki, EightA100) {
    const std::vector<DeviceInfo> rig(8, describe(known("A100-40GB")));
    const PlacementPlan plan = plan_placement(wiki_index(), rig);
    // 21,015,324 = 8 x 2,626,915 + 4
    EXPECT_THAT(rows_of(plan),
                ElementsAre(2'626'916, 2'626'916, 2'626'916, 2'626'916, 2'626'915, 2'626'915, 2'626'915, 2'626'915));
    EXPECT_EQ(plan.devices.front().memory.resident, 2'626'916u * Bytes{3072});
    EXPECT_EQ(plan.devices.back().rows.end, wiki_rows);
    EXPECT_EQ(plan.stock_faiss.outcome, Kind::loads);
}

// Cards of 80, 24, 24 and 11 GiB with 60, 20, 3 and 10 GiB free, all equally fast.
std::vector<DeviceInfo> mixed_rig() {
    return {card(0, 60_GiB, 80_GiB), card(1, 20_GiB, 24_GiB), card(2, 3_GiB, 24_GiB), card(3, 10_GiB, 11_GiB)};
}

TEST(PlanWiki, MixedRigInFloat32) {
    const PlacementPlan plan = plan_placement(wiki_index(), mixed_rig());
    // A quarter is 5,253,831 rows. Beside the preferred tile cards 2 and 3 hold less:
    // (2,415,919,104 - 269,325,568) / 3,072 = 698,760 and (9,932,111,872 - 269,325,568) / 3,072 = 3,145,438. Of the
    // 17,171,126 left, card 1 holds (20,669,530,112 - 269,325,568) / 3,072 = 6,640,691, and card 0 takes the rest.
    EXPECT_EQ(preferred_stack, 269'325'568u);
    EXPECT_THAT(rows_of(plan), ElementsAre(10'530'435, 6'640'691, 698'760, 3'145'438));
    EXPECT_EQ(plan.devices[1].rows, (RowRange{10'530'435, 17'171'126}));
    EXPECT_EQ(plan.devices[3].rows.end, wiki_rows);
    for (const ShardPlacement& shard : plan.devices) {
        EXPECT_EQ(shard.memory.fixed, preferred_stack);
        EXPECT_EQ(shard.tile, (SearchTile{.rows = 131'072, .queries = 256}));
    }
    EXPECT_EQ(plan.stock_faiss.outcome, Kind::fails);
    EXPECT_EQ(plan.stock_faiss.message,
              "StandardGpuResources: alloc fail type FlatData dev 2 space Device stream ... size 16139768832 bytes "
              "(cudaMalloc error out of memory [2])");
}

TEST(PlanWiki, MixedRigInFloat16) {
    const PlacementPlan plan = plan_placement(wiki_index(), mixed_rig(), in(PrecisionChoice::f16));
    // Card 2: (2,415,919,104 - 269,718,784) / 1,536 = 1,397,265. Card 3: (9,932,111,872 - 269,718,784) / 1,536 =
    // 6,290,620, just below a third of the rest. Cards 0 and 1 share 13,327,439.
    EXPECT_THAT(rows_of(plan), ElementsAre(6'663'720, 6'663'719, 1'397'265, 6'290'620));
    EXPECT_EQ(plan.stock_faiss.outcome, Kind::fails);
    EXPECT_EQ(plan.stock_faiss.failed_request_bytes, 8'069'884'416u);
    EXPECT_EQ(plan.stock_faiss.held_bytes[0], 9'701'512'704u);
}

TEST(PlanWiki, FillsToTheBrimWithSmallerTilesOnlyWhereTheRowsNeedIt) {
    // Four cards that hold the rows beside the smallest stack, and have no room for the preferred one.
    const Bytes quarter = 64'559'075'328 / 4 + smallest_stack;
    std::vector<DeviceInfo> rig;
    for (int i = 0; i < 4; ++i) rig.push_back(card(i, quarter + kept));
    const PlacementPlan plan = plan_placement(wiki_index(), rig);
    EXPECT_THAT(rows_of(plan), ElementsAre(5'253'831, 5'253'831, 5'253'831, 5'253'831));
    for (const ShardPlacement& shard : plan.devices) {
        EXPECT_EQ(shard.tile, (SearchTile{.rows = 16'384, .queries = 32}));
        EXPECT_EQ(shard.memory.fixed, smallest_stack);
    }
}

TEST(PlanWiki, RigTooSmallByOneGiB) {
    const Bytes needed = 64'559'075'328 + smallest_stack;
    const std::vector<DeviceInfo> rig = {card(0, needed + kept - 1_GiB)};
    const InsufficientMemory error = refusal_of(wiki_index(), rig);
    EXPECT_EQ(error.short_bytes(), 1_GiB);
    // (64,559,075,328 - 1,073,741,824) / 3,072 rows have room: 20,665,798.67, so 20,665,798 x 3,072 bytes.
    EXPECT_STREQ(error.what(),
                 "wiki_100w_e5.index: 21015324 x 768 in float32 does not fit: the vectors take 60.13 GiB, the devices "
                 "have room for 59.13 GiB beside their search memory, 1.000 GiB short");
    ASSERT_EQ(error.devices().size(), 1u);
    EXPECT_EQ(error.devices().front().device, "cuda:0");
    EXPECT_EQ(error.devices().front().needed_bytes, needed);
    EXPECT_EQ(error.devices().front().usable_bytes, needed - 1_GiB);
    EXPECT_EQ(error.devices().front().short_bytes, 1_GiB);
}

TEST(PlanWiki, SeveralCardsTooSmallByOneGiB) {
    // Every card holds a quarter less 256 MiB, so a fraction of a row is lost on each.
    const Bytes quarter = 64'559'075'328 / 4 + smallest_stack;
    std::vector<DeviceInfo> rig;
    for (int i = 0; i < 4; ++i) rig.push_back(card(i, quarter + kept - 256_MiB));
    const InsufficientMemory error = refusal_of(wiki_index(), rig);
    EXPECT_GE(error.short_bytes(), 1_GiB);
    EXPECT_LE(error.short_bytes(), 1_GiB + 4 * 3072);
}

TEST(Refusal, ShortBytesAreExactlyWhatIsMissing) {
    for (const Metric metric : {Metric::inner_product, Metric::l2}) {
        const IndexProfile index = flat_index(3'000'000, 96, metric);
        std::vector<DeviceInfo> rig = {host("cpu=300MiB", 300_MiB), card(0, 1_GiB), host("cpu=1MiB", 1_MiB)};
        const Bytes missing = refusal_of(index, rig).short_bytes();
        const auto fits_when_one_grows = [&](Bytes by) {
            return std::any_of(rig.begin(), rig.end(), [&](DeviceInfo& device) {
                device.free_bytes += by;
                bool fits = true;
                try {
                    plan_placement(index, rig);
                } catch (const InsufficientMemory&) {
                    fits = false;
                }
                device.free_bytes -= by;
                return fits;
            });
        };
        EXPECT_TRUE(fits_when_one_grows(missing));
        EXPECT_FALSE(fits_when_one_grows(missing - 1));
    }
}

TEST(Refusal, EveryAlternativeFits) {
    const InsufficientMemory error = refusal_of(wiki_index(), {card(0, 40_GiB)});
    const Alternative* half = find_alternative(error, "float16 instead of float32");
    ASSERT_NE(half, nullptr);
    EXPECT_EQ(half->flags, "--precision f16");
    EXPECT_EQ(half->peak_bytes, 32'279'537'664 + preferred_stack_f16);
    EXPECT_EQ(half->total_bytes, half->peak_bytes);

    // The card holds (42,144,366,592 - 4,305,920) / 3,072 = 13,717,467 rows; 7,297,857 x 3,072 + 4,305,920 + 768 MiB
    // is 21.63 GiB.
    const Alternative* larger = find_alternative(error, "one more device of 22 GiB");
    ASSERT_NE(larger, nullptr);
    EXPECT_EQ(larger->flags, "");
    EXPECT_NO_THROW(plan_placement(wiki_index(), {card(0, 40_GiB), card(1, 22_GiB)}));
    EXPECT_THROW(plan_placement(wiki_index(), {card(0, 40_GiB), card(1, 21_GiB)}), InsufficientMemory);

    const std::vector<RigSuggestion> rigs = suggest_rigs(wiki_index(), {});
    const RigSuggestion& smallest = rigs.front();
    const Alternative* rig =
        find_alternative(error, "a rig of " + std::to_string(smallest.count) + "x" + smallest.card.name);
    ASSERT_NE(rig, nullptr);
    EXPECT_EQ(rig->flags, "--devices " + std::to_string(smallest.count) + "x" + smallest.card.name);
    EXPECT_EQ(rig->peak_bytes, smallest.peak_bytes);

    EXPECT_EQ(find_alternative(error, "reserve"), nullptr);
    EXPECT_EQ(find_alternative(error, "batches"), nullptr);
    EXPECT_EQ(find_alternative(error, "replicas"), nullptr);
}

TEST(Refusal, OffersToGiveUpTheReserve) {
    const Bytes needed = 64'559'075'328 + smallest_stack + 512_MiB;
    const std::vector<DeviceInfo> rig = {card(0, needed)};
    const InsufficientMemory error = refusal_of(wiki_index(), rig);
    EXPECT_EQ(error.short_bytes(), 256_MiB);
    const Alternative* alternative = find_alternative(error, "no reserve instead of 256.0 MiB");
    ASSERT_NE(alternative, nullptr);
    EXPECT_EQ(alternative->flags, "--reserve 0");
    PlanOptions options;
    options.reserve_bytes = 0;
    EXPECT_NO_THROW(plan_placement(wiki_index(), rig, options));
    options.reserve_bytes = 1;
    EXPECT_THROW(plan_placement(wiki_index(), rig, options), InsufficientMemory);
}

TEST(Refusal, OffersTheLargestBatchThatFits) {
    const InsufficientMemory error = refusal_of(wiki_index(), {card(0, 64'559'075'328 + smallest_stack + kept - 1)});
    const Alternative* alternative = find_alternative(error, "batches of 16 queries instead of 256");
    ASSERT_NE(alternative, nullptr);
    EXPECT_EQ(alternative->flags, "--max-batch 16");
}

TEST(Refusal, OffersFewerReplicas) {
    PlanOptions options;
    options.strategy = Strategy::replicate;
    options.replicas = 4;
    const InsufficientMemory error = refusal_of(flat_index(1'000'000, 64),
                                                {host("cpu=300MiB", 300_MiB), host("cpu=310MiB", 310_MiB),
                                                 host("cpu=320MiB", 320_MiB), host("cpu=20MiB", 20_MiB)},
                                                options);
    const Alternative* alternative = find_alternative(error, "3 instead of 4 replicas");
    ASSERT_NE(alternative, nullptr);
    EXPECT_EQ(alternative->flags, "--replicas 3");
    EXPECT_THAT(error.what(), HasSubstr("4 copies of the vectors take"));
}

TEST(Refusal, AutomaticHasTriedFloat16) {
    const InsufficientMemory error = refusal_of(wiki_index(), {card(0, 8_GiB)}, in(PrecisionChoice::automatic));
    EXPECT_THAT(error.what(), HasSubstr("in float16"));
    EXPECT_EQ(find_alternative(error, "float16"), nullptr);
}

TEST(Refusal, NamesTheDevicesMinDevicesLacks) {
    PlanOptions options;
    options.min_devices = 3;
    const IndexProfile index = flat_index(1000, 64);
    const std::vector<DeviceInfo> rig = {host("cpu=1GiB", 1_GiB), host("cpu=10KiB", 10_KiB), host("cpu=20KiB", 20_KiB)};
    const InsufficientMemory error = refusal_of(index, rig, options);
    EXPECT_THAT(error.what(), HasSubstr("3 devices are asked for and 1 of 3 can hold a vector"));
    // One row of 256 bytes with what may be read behind it, searched with one query on one thread: the query, what is
    // added to it, a list with room for 65 candidates, all in whole cache lines, what is kept of a thread, 64 KiB.
    const Bytes one_row = (256 + 64) + 256 + 64 + 576 + 64 + 64_KiB;
    EXPECT_EQ(error.short_bytes(), 2 * one_row - 30_KiB);
}

TEST(Refusal, IsQuickForAThousandDevices) {
    std::vector<DeviceInfo> rig;
    for (int i = 0; i < 1000; ++i) rig.push_back(card(i, 2_GiB + static_cast<Bytes>(i) * 1_MiB));
    const InsufficientMemory error = refusal_of(flat_index(4'000'000'000, 768), rig);
    EXPECT_EQ(error.devices().size(), 1000u);
    EXPECT_NE(find_alternative(error, "one more device"), nullptr);
}

TEST(Plan, BalancedFollowsSpeed) {
    std::vector<DeviceInfo> rig = {card(0, 40_GiB), card(1, 40_GiB), card(2, 40_GiB)};
    rig[0].bytes_per_second = 3e12;
    rig[1].bytes_per_second = 1e12;
    rig[2].bytes_per_second = 0;  // unknown: taken for as slow as the slowest
    EXPECT_THAT(rows_of(plan_placement(flat_index(1'000'000, 64), rig)), ElementsAre(600'000, 200'000, 200'000));
}

TEST(Plan, ProportionalFollowsCapacity) {
    PlanOptions options;
    options.strategy = Strategy::proportional;
    options.reserve_bytes = 0;
    std::vector<DeviceInfo> rig = {card(0, 30_GiB), card(1, 10_GiB)};
    rig[0].bytes_per_second = 1e12;
    rig[1].bytes_per_second = 3e12;
    for (DeviceInfo& device : rig) device.context_bytes = 0;
    const PlacementPlan plan = plan_placement(flat_index(1'000'000, 64), rig, options);
    // Capacities are (30 GiB - s) / 256 and (10 GiB - s) / 256, s the preferred stack for 64 instead of 768 dimensions.
    const Bytes stack = preferred_stack - 256 * 704 * 4;
    const double larger = static_cast<double>((30_GiB - stack) / 256);
    const double smaller = static_cast<double>((10_GiB - stack) / 256);
    EXPECT_NEAR(static_cast<double>(plan.devices[0].rows.count()), 1e6 * larger / (larger + smaller), 1);
    EXPECT_EQ(plan.devices[0].rows.count() + plan.devices[1].rows.count(), 1'000'000);
}

TEST(Plan, FewestTakesTheLargest) {
    PlanOptions options;
    options.strategy = Strategy::fewest;
    const std::vector<DeviceInfo> rig = {card(0, 10_GiB), card(1, 40_GiB), card(2, 39_GiB), card(3, 20_GiB)};
    EXPECT_THAT(rows_of(plan_placement(wiki_index(), rig, options)), ElementsAre(0, 10'507'662, 10'507'662, 0));
    options.min_devices = 3;
    const PlacementPlan plan = plan_placement(wiki_index(), rig, options);
    EXPECT_EQ(plan.used_devices(), 3);
    EXPECT_EQ(plan.devices[0].rows.count(), 0);
    EXPECT_EQ(plan.devices[0].group, -1);
    EXPECT_EQ(plan.devices[0].memory, ShardMemory{});
    EXPECT_EQ(plan.devices[0].reserve_bytes, 256_MiB);
}

TEST(Plan, ReplicateGivesEveryGroupAWholeCopy) {
    PlanOptions options;
    options.strategy = Strategy::replicate;
    options.replicas = 2;
    const std::vector<DeviceInfo> rig = {card(0, 80_GiB), card(1, 40_GiB), card(2, 40_GiB)};
    const PlacementPlan plan = plan_placement(wiki_index(), rig, options);
    EXPECT_EQ(plan.devices[0].rows, (RowRange{0, wiki_rows}));
    EXPECT_EQ(plan.devices[1].rows, (RowRange{0, wiki_rows / 2}));
    EXPECT_EQ(plan.devices[2].rows, (RowRange{wiki_rows / 2, wiki_rows}));
    EXPECT_NE(plan.devices[0].group, plan.devices[1].group);
    EXPECT_EQ(plan.devices[1].group, plan.devices[2].group);
}

TEST(Plan, ReplicateRepairsGroups) {
    PlanOptions options;
    options.strategy = Strategy::replicate;
    options.replicas = 2;
    const IndexProfile index = flat_index(60, 1 << 20);
    std::vector<DeviceInfo> rig;
    for (const std::int64_t rows : {30, 30, 20, 20, 20}) {
        const ShardWorkload workload{
            .kind = DeviceKind::cpu, .precision = Precision::f32, .metric = index.metric, .dim = index.dim};
        rig.push_back(host("cpu:" + std::to_string(rig.size()),
                           shard_memory(workload, rows, smallest_tile(workload, rows)).peak()));
    }
    // Dealing the largest first gives 30 + 20 + 20 and 30 + 20; a 30 for a 20 makes both groups 60.
    const PlacementPlan plan = plan_placement(index, rig, options);
    EXPECT_THAT(rows_of(plan), ElementsAre(30, 30, 20, 20, 20));
    EXPECT_EQ(plan.devices[0].group, plan.devices[1].group);
}

TEST(Plan, MinDevicesIsReachedEvenWhereOneIsMuchFaster) {
    std::vector<DeviceInfo> rig = {card(0, 40_GiB), card(1, 40_GiB), card(2, 40_GiB)};
    rig[0].bytes_per_second = 1e12;
    rig[1].bytes_per_second = 1e10;
    rig[2].bytes_per_second = 2e10;
    PlanOptions options;
    EXPECT_THAT(rows_of(plan_placement(flat_index(10, 64), rig, options)), ElementsAre(10, 0, 0));
    options.min_devices = 2;
    EXPECT_THAT(rows_of(plan_placement(flat_index(10, 64), rig, options)), ElementsAre(9, 0, 1));
    options.min_devices = 3;
    EXPECT_THAT(rows_of(plan_placement(flat_index(10, 64), rig, options)), ElementsAre(8, 1, 1));
}

TEST(Plan, RowsDoNotDependOnTheOrderOfTheList) {
    std::vector<DeviceInfo> rig = {card(10, 6_GiB), card(2, 7_GiB), host("cpu=2GiB", 2_GiB), card(1, 9_GiB)};
    const PlacementPlan plan = plan_placement(flat_index(10'000'001, 256), rig);
    // The host first, then cards by number.
    EXPECT_EQ(plan.devices[2].rows.begin, 0);
    EXPECT_EQ(plan.devices[3].rows.begin, plan.devices[2].rows.end);
    EXPECT_EQ(plan.devices[1].rows.begin, plan.devices[3].rows.end);
    EXPECT_EQ(plan.devices[0].rows.begin, plan.devices[1].rows.end);
    std::reverse(rig.begin(), rig.end());
    const PlacementPlan reversed = plan_placement(flat_index(10'000'001, 256), rig);
    for (std::size_t i = 0; i < rig.size(); ++i) {
        EXPECT_EQ(reversed.devices[i].device.spec, rig[i].spec);
        EXPECT_EQ(reversed.devices[i].rows, plan.devices[rig.size() - 1 - i].rows);
    }
}

/// f16, and host memory of this size to spill to.
PlanOptions spilling(Bytes bytes) {
    PlanOptions options = in(PrecisionChoice::f16);
    options.spill_bytes = bytes;
    return options;
}

TEST(Spill, TakesWhatTheCardsHaveNoRoomFor) {
    const PlacementPlan plan = plan_placement(wiki_index(), {card(0, 24_GiB)}, spilling(10_GiB));
    ASSERT_EQ(plan.devices.size(), 2u);
    EXPECT_TRUE(plan.spilled);
    const ShardPlacement& spill = plan.devices[1];
    EXPECT_EQ(spill.device.spec, "cpu=10GiB");
    EXPECT_EQ(spill.device.kind, DeviceKind::cpu);
    EXPECT_EQ(spill.device.total_bytes, 10_GiB);
    EXPECT_EQ(spill.reserve_bytes, 0u);
    // The smallest stack of a card in float16 holds its 32 queries twice.
    const Bytes for_rows = 24_GiB - kept - smallest_stack - 32 * 768 * 2;
    EXPECT_EQ(plan.devices[0].rows.count(), static_cast<std::int64_t>(for_rows / (768 * 2)));
    EXPECT_EQ(spill.rows.count(), wiki_rows - plan.devices[0].rows.count());
    EXPECT_EQ(plan.host_resident_bytes, static_cast<Bytes>(spill.rows.count()) * 768 * 2 + 64);
    EXPECT_EQ(plan.host_staging_bytes, 256_MiB);
}

TEST(Spill, IsLeftOutWhereTheDevicesHoldEverything) {
    const PlacementPlan plan = plan_placement(wiki_index(), {card(0, 40_GiB)}, spilling(10_GiB));
    EXPECT_EQ(plan.devices.size(), 1u);
    EXPECT_FALSE(plan.spilled);
}

TEST(Spill, IsTheLastResortOfEachStrategy) {
    for (const Strategy strategy :
         {Strategy::balanced, Strategy::proportional, Strategy::fewest, Strategy::replicate}) {
        PlanOptions options = spilling(100_GiB);
        options.strategy = strategy;
        const PlacementPlan plan = plan_placement(wiki_index(), {card(0, 10_GiB), card(1, 20_GiB)}, options);
        ASSERT_EQ(plan.devices.size(), 3u);
        for (std::size_t i = 0; i < 2; ++i) {
            const ShardPlacement& shard = plan.devices[i];
            EXPECT_LT(shard.usable_bytes() - shard.memory.peak(), 2 * 768 * 2 + 512u) << "not full";
        }
    }
}

TEST(Spill, CountsForTheDevicesThatAreAskedFor) {
    PlanOptions options = spilling(1_GiB);
    options.min_devices = 2;
    const PlacementPlan plan = plan_placement(wiki_index(), {card(0, 40_GiB), card(1, 512_MiB)}, options);
    EXPECT_THAT(rows_of(plan), ElementsAre(wiki_rows - 1, 0, 1));
    options.min_devices = 3;
    EXPECT_THROW(plan_placement(wiki_index(), {card(0, 40_GiB), card(1, 512_MiB)}, options), InvalidArgument);
}

TEST(Spill, MayTakeEverything) {
    const PlacementPlan plan = plan_placement(wiki_index(), {card(0, 512_MiB)}, spilling(31_GiB));
    EXPECT_THAT(rows_of(plan), ElementsAre(0, wiki_rows));
}

TEST(Spill, IsAutomaticPrecisionsSecondChoice) {
    PlanOptions options = spilling(100_GiB);
    options.precision = PrecisionChoice::automatic;
    EXPECT_EQ(plan_placement(wiki_index(), {card(0, 40_GiB)}, options).precision, Precision::f16);
    EXPECT_EQ(plan_placement(wiki_index(), {card(0, 24_GiB)}, options).precision, Precision::f32);
    options.spill_bytes = 30_GiB;
    EXPECT_EQ(plan_placement(wiki_index(), {card(0, 24_GiB)}, options).precision, Precision::f16);
}

TEST(Spill, WhenItIsTooSmallTheRefusalCountsIt) {
    const InsufficientMemory error = refusal_of(wiki_index(), {card(0, 24_GiB)}, spilling(1_GiB));
    ASSERT_EQ(error.devices().size(), 2u);
    EXPECT_EQ(error.devices()[1].device, "cpu=1GiB");
    const Bytes enough = 24_GiB + error.short_bytes();
    EXPECT_NO_THROW(plan_placement(wiki_index(), {card(0, enough)}, spilling(1_GiB)));
    EXPECT_THROW(plan_placement(wiki_index(), {card(0, enough - 1)}, spilling(1_GiB)), InsufficientMemory);
    EXPECT_EQ(find_alternative(error, "host memory"), nullptr);
}

TEST(Spill, IsNamedByTheSizeThatWasAskedFor) {
    const auto spec_of = [](Bytes bytes) {
        return plan_placement(flat_index(100, 64), {card(0, 1_MiB)}, spilling(bytes)).devices.back().device.spec;
    };
    EXPECT_EQ(spec_of(1_TiB), "cpu=1024GiB");
    EXPECT_EQ(spec_of(1536_MiB), "cpu=1536MiB");
    EXPECT_EQ(spec_of(1_MiB + 1_KiB), "cpu=1025KiB");
    EXPECT_EQ(spec_of(1_MiB + 1), "cpu=1048577");
}

TEST(Spill, RefusesWhatContradictsIt) {
    PlanOptions options = spilling(1_GiB);
    EXPECT_THROW(plan_placement(wiki_index(), {host("cpu", 1_GiB)}, options), InvalidArgument);
    options.strategy = Strategy::replicate;
    options.replicas = 2;
    EXPECT_THROW(plan_placement(wiki_index(), {card(0, 1_GiB), card(1, 1_GiB)}, options), InvalidArgument);
}

TEST(Spill, TakesRowsOfEveryPrecision) {
    for (const PrecisionChoice precision : {PrecisionChoice::f32, PrecisionChoice::f16, PrecisionChoice::bf16}) {
        PlanOptions options = spilling(50_GiB);
        options.precision = precision;
        EXPECT_TRUE(plan_placement(wiki_index(), {card(0, 20_GiB)}, options).spilled);
    }
}

TEST(Spill, IsNoPartOfARigThatHoldsTheIndex) {
    EXPECT_EQ(suggest_rigs(wiki_index(), spilling(100_GiB)).front().peak_bytes,
              suggest_rigs(wiki_index(), in(PrecisionChoice::f16)).front().peak_bytes);
}

TEST(Refusal, OffersToSpillWhatCardsHaveNoRoomFor) {
    const InsufficientMemory error = refusal_of(wiki_index(), {card(0, 24_GiB)}, in(PrecisionChoice::f16));
    const Alternative* alternative = find_alternative(error, "host memory");
    ASSERT_NE(alternative, nullptr);
    EXPECT_EQ(alternative->flags, "--spill 7GiB");
    const PlacementPlan plan = plan_placement(wiki_index(), {card(0, 24_GiB)}, spilling(7_GiB));
    EXPECT_EQ(plan.totals().peak(), alternative->total_bytes);
    EXPECT_THROW(plan_placement(wiki_index(), {card(0, 24_GiB)}, spilling(6_GiB)), InsufficientMemory);
    EXPECT_EQ(find_alternative(refusal_of(wiki_index(), {host("cpu=1GiB", 1_GiB)}), "of host memory"), nullptr);
}

TEST(Plan, EmptyIndexGoesNowhere) {
    const PlacementPlan plan = plan_placement(flat_index(0, 64), {card(0, 40_GiB), host("cpu=1MiB", 1_MiB)});
    EXPECT_EQ(plan.used_devices(), 0);
    EXPECT_EQ(plan.devices.size(), 2u);
    EXPECT_EQ(plan.devices[0].group, -1);
    EXPECT_EQ(plan.devices[0].share, 0);
    EXPECT_EQ(plan.totals(), ShardMemory{});
    EXPECT_EQ(plan.host_staging_bytes, 0u);
}

TEST(Plan, StagingIsOnlyForWhatPassesThroughIt) {
    const IndexProfile small = flat_index(100'000, 64);  // 25.6 MB
    const std::vector<DeviceInfo> hosts = {host("cpu=100MiB", 100_MiB), host("cpu=200MiB", 200_MiB)};
    constexpr Bytes behind_the_last_row = 64;
    PlanOptions options;
    EXPECT_EQ(plan_placement(small, hosts, options).host_staging_bytes, 0u);
    EXPECT_EQ(plan_placement(small, hosts, options).host_resident_bytes, small.payload_bytes + 2 * behind_the_last_row);
    options.precision = PrecisionChoice::f16;
    EXPECT_EQ(plan_placement(small, hosts, options).host_staging_bytes, small.payload_bytes);
    options.staging_bytes = 2_MiB;
    EXPECT_EQ(plan_placement(small, hosts, options).host_staging_bytes, 2_MiB);
    options.precision = PrecisionChoice::f32;
    options.strategy = Strategy::replicate;
    EXPECT_EQ(plan_placement(small, hosts, options).host_staging_bytes, 0u);
    options.replicas = 2;
    EXPECT_EQ(plan_placement(small, hosts, options).host_staging_bytes, 2_MiB);
    EXPECT_EQ(plan_placement(small, hosts, options).host_resident_bytes,
              2 * (small.payload_bytes + behind_the_last_row));
    options = {};
    EXPECT_EQ(plan_placement(small, {card(0, 40_GiB), card(1, 40_GiB)}, options).host_resident_bytes, 0u);
    EXPECT_EQ(plan_placement(flat_index(7001, 64), {card(0, 40_GiB)}, options).host_staging_bytes, 438 * 4_KiB)
        << "1,792,256 bytes in whole pages";
    EXPECT_EQ(plan_placement(flat_index(7, 64), {card(0, 40_GiB)}, options).host_staging_bytes, 1_MiB);
}

TEST(Plan, KeepsWhatItWasAsked) {
    PlanOptions options;
    options.k = 33;
    const PlacementPlan plan = plan_placement(wiki_index(), {card(0, 80_GiB)}, options);
    EXPECT_EQ(plan.options.k, 33);
    EXPECT_EQ(plan.index.count, wiki_rows);
    EXPECT_EQ(plan.fingerprint, "");
}

TEST(Plan, RefusesContradictions) {
    const IndexProfile index = flat_index(5, 64);
    const std::vector<DeviceInfo> rig = {card(0, 40_GiB), card(1, 40_GiB), host("cpu=1GiB", 1_GiB)};
    const auto refuses = [&](auto change, const std::string& text) {
        PlanOptions options;
        change(options);
        try {
            plan_placement(index, rig, options);
            ADD_FAILURE() << "accepted: " << text;
        } catch (const InvalidArgument& error) {
            EXPECT_EQ(error.what(), text);
        }
    };
    refuses([](PlanOptions& o) { o.k = 0; }, "k is 0, expected 1 to 2147483647");
    refuses([](PlanOptions& o) { o.k = std::int64_t{1} << 31; }, "k is 2147483648, expected 1 to 2147483647");
    refuses([](PlanOptions& o) { o.max_batch = 0; }, "largest batch is 0, expected at least 1");
    refuses([](PlanOptions& o) { o.min_devices = 0; }, "smallest number of devices is 0, expected at least 1");
    refuses([](PlanOptions& o) { o.min_devices = 4; }, "4 devices asked for, but only 3 listed");
    refuses([](PlanOptions& o) { o.replicas = 0; }, "number of replicas is 0, expected at least 1");
    refuses([](PlanOptions& o) { o.replicas = 2; }, "2 replicas with strategy balanced, expected strategy replicate");
    refuses([](PlanOptions& o) { o.staging_bytes = 512_KiB; }, "staging of 512.0 KiB, expected at least 1.000 MiB");
    refuses([](PlanOptions& o) { o.threads = -1; }, "number of threads is -1, expected 0 to 4096");
    refuses([](PlanOptions& o) { o.threads = 4097; }, "number of threads is 4097, expected 0 to 4096");
    refuses(
        [](PlanOptions& o) {
            o.strategy = Strategy::replicate;
            o.replicas = 4;
        },
        "4 replicas asked for, but only 3 listed");
    PlanOptions spread;
    spread.min_devices = 3;
    EXPECT_THROW(plan_placement(flat_index(2, 64), rig, spread), InvalidArgument);
    EXPECT_NO_THROW(plan_placement(flat_index(3, 64), rig, spread));
    EXPECT_THROW(plan_placement(index, {}, {}), InvalidArgument);
}

TEST(Plan, RefusesAbsurdIndexes) {
    const std::vector<DeviceInfo> rig = {card(0, 40_GiB)};
    IndexProfile index = flat_index(5, 64);
    index.dim = 0;
    EXPECT_THROW(plan_placement(index, rig), InvalidArgument);
    index.dim = 64;
    index.count = -1;
    EXPECT_THROW(plan_placement(index, rig), InvalidArgument);
    index.count = std::int64_t{1} << 60;
    EXPECT_THROW(plan_placement(index, rig), InvalidArgument);
    index.count = std::int64_t{1} << 54;
    EXPECT_THROW(plan_placement(index, rig), InsufficientMemory);
}

TEST(Plan, CardsHaveTheMetricsOfFaissOnGpus) {
    PlanOptions options;
    for (const Metric metric : {Metric::inner_product, Metric::l2, Metric::l1, Metric::linf, Metric::lp,
                                Metric::canberra, Metric::bray_curtis, Metric::jensen_shannon}) {
        EXPECT_NO_THROW(plan_placement(flat_index(5, 64, metric), {card(0, 40_GiB)}));
    }
    for (const Metric metric : {Metric::jaccard, Metric::nan_euclidean, Metric::gower}) {
        EXPECT_THROW(plan_placement(flat_index(5, 64, metric), {card(0, 40_GiB)}), InvalidArgument);
        EXPECT_NO_THROW(plan_placement(flat_index(5, 64, metric), {host("cpu=1GiB", 1_GiB)}));
        EXPECT_TRUE(suggest_rigs(flat_index(5, 64, metric), {}).empty());
    }
}

TEST(SuggestRigs, FindsTheSmallestNumberOfEachCard) {
    const std::vector<RigSuggestion> rigs = suggest_rigs(wiki_index(), {});
    Bytes last_total = 0;
    for (const RigSuggestion& rig : rigs) {
        const Bytes total = rig.card.total_bytes * static_cast<Bytes>(rig.count);
        EXPECT_GE(total, last_total);
        last_total = total;
        const auto devices = [&](int count) {
            return std::vector<DeviceInfo>(static_cast<std::size_t>(count), describe(rig.card));
        };
        const PlacementPlan plan = plan_placement(wiki_index(), devices(rig.count));
        EXPECT_EQ(plan.devices.front().memory.peak(), rig.peak_bytes);
        if (rig.count > 1) {
            EXPECT_THROW(plan_placement(wiki_index(), devices(rig.count - 1)), InsufficientMemory) << rig.card.name;
        }
    }
    // 60.13 GiB in float32: one H100 of 79.65 GiB, two A100 of 40 GiB; T4 leave 14.25 GiB usable each.
    const auto count_of = [&](const std::string& name) {
        for (const RigSuggestion& rig : rigs) {
            if (rig.card.name == name) return rig.count;
        }
        return 0;
    };
    EXPECT_EQ(count_of("H100-80GB"), 1);
    EXPECT_EQ(count_of("A100-40GB"), 2);
    EXPECT_EQ(count_of("T4-16GB"), 5);
    EXPECT_EQ(count_of("RTX-3080-10GB"), 0) << "is known, and not offered";
}

TEST(SuggestRigs, LeavesOutCardsThatDoNotSuffice) {
    for (const RigSuggestion& rig : suggest_rigs(wiki_index(), {}, 2)) EXPECT_LE(rig.count, 2);
    EXPECT_TRUE(suggest_rigs(flat_index(4'000'000'000, 768), {}).empty());
    EXPECT_THROW(suggest_rigs(wiki_index(), {}, 0), InvalidArgument);
}

TEST(SuggestRigs, KeepsToTheOptions) {
    PlanOptions options;
    options.min_devices = 3;
    for (const RigSuggestion& rig : suggest_rigs(flat_index(1000, 64), options)) EXPECT_EQ(rig.count, 3);
    options = {};
    options.strategy = Strategy::replicate;
    options.replicas = 2;
    for (const RigSuggestion& rig : suggest_rigs(flat_index(1000, 64), options)) EXPECT_EQ(rig.count, 2);
}

}  // namespace
}  // namespace gpushard
