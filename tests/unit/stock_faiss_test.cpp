#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/stock_faiss.hpp>

#include "support/wiki_index.hpp"

namespace gpushard {
namespace {

using test::flat_index;
using test::wiki_index;
using testing::ElementsAre;
using Kind = StockFaissOutcome::Kind;

constexpr Bytes stack = 1'610'612'736;  // 1.5 GiB

DeviceInfo card(Bytes free_bytes, Bytes total_bytes = 80_GiB) {
    DeviceInfo device;
    device.spec = "cuda:0";
    device.kind = DeviceKind::cuda;
    device.total_bytes = total_bytes;
    device.free_bytes = free_bytes;
    return device;
}

// The counted cases: unmodified GPU Faiss on cards that count every cudaMalloc, an index of true size.

TEST(StockFaiss, OneCardFloat16FailsOnTheConvertedCopy) {
    const StockFaissOutcome outcome = simulate_stock_faiss(wiki_index(), Precision::f16, {card(74_GiB + 512_MiB)});
    EXPECT_EQ(outcome.outcome, Kind::fails);
    EXPECT_EQ(outcome.path, "copyFrom");
    EXPECT_EQ(outcome.message,
              "StandardGpuResources: alloc fail type TemporaryMemoryOverflow dev 0 space Device stream ... size "
              "32279537664 bytes (cudaMalloc error out of memory [2])");
    EXPECT_EQ(outcome.failed_request_bytes, 32'279'537'664u);
    EXPECT_THAT(outcome.peak_bytes, ElementsAre(stack + 64'559'075'328));
    EXPECT_THAT(outcome.held_bytes, ElementsAre(stack));
    EXPECT_EQ(outcome.host_bytes, 64'559'075'328u);
}

TEST(StockFaiss, OneCardFloat16PeaksAtFourTimesWhatItKeeps) {
    const StockFaissOutcome outcome = simulate_stock_faiss(wiki_index(), Precision::f16, {card(200_GiB, 200_GiB)});
    EXPECT_EQ(outcome.outcome, Kind::loads);
    EXPECT_THAT(outcome.peak_bytes, ElementsAre(130'728'763'392));  // 130.73 GB
    // Vectors, the stack, and norms of 4 bytes rounded up to 256.
    EXPECT_THAT(outcome.held_bytes, ElementsAre(32'279'537'664 + stack + 84'061'440));  // 33.97 GB
    EXPECT_EQ(outcome.failed_request_bytes, 0u);
    EXPECT_EQ(outcome.message, "loads; the fullest card peaks at 121.8 GiB and keeps 31.64 GiB");
}

TEST(StockFaiss, OneCardFloat32LoadsWhereFloat16Fails) {
    const StockFaissOutcome outcome = simulate_stock_faiss(wiki_index(), Precision::f32, {card(74_GiB + 512_MiB)});
    EXPECT_EQ(outcome.outcome, Kind::loads);
    EXPECT_THAT(outcome.peak_bytes, ElementsAre(64'559'075'328 + stack + 84'061'440));  // 66.25 GB
    EXPECT_EQ(outcome.held_bytes, outcome.peak_bytes);
}

TEST(StockFaiss, FourCardsFloat16LoadInPages) {
    const std::vector<DeviceInfo> rig(4, card(40_GiB, 40_GiB));
    const StockFaissOutcome outcome = simulate_stock_faiss(wiki_index(), Precision::f16, rig);
    EXPECT_EQ(outcome.outcome, Kind::loads);
    EXPECT_EQ(outcome.path, "paged add, equal shards");
    // 5,253,831 rows a card; 4 x 5,253,831 rounds up to 21,015,552.
    const Bytes held = stack + 8'069'884'416 + 21'015'552;  // 9.70 GB
    EXPECT_THAT(outcome.held_bytes, ElementsAre(held, held, held, held));
    // The last of 161 pages computes new norms while those of the first 160 x 32,768 rows still live.
    const Bytes peak = held + 4 * 160 * 32'768;  // 9.72 GB
    EXPECT_THAT(outcome.peak_bytes, ElementsAre(peak, peak, peak, peak));
}

TEST(StockFaiss, AFullCardFailsAndEarlierShardsLeak) {
    const std::vector<DeviceInfo> rig = {card(60_GiB), card(20_GiB, 24_GiB), card(3_GiB, 24_GiB), card(10_GiB, 11_GiB)};
    const StockFaissOutcome outcome = simulate_stock_faiss(wiki_index(), Precision::f16, rig);
    EXPECT_EQ(outcome.outcome, Kind::fails);
    EXPECT_EQ(outcome.message,
              "StandardGpuResources: alloc fail type FlatData dev 2 space Device stream ... size 8069884416 bytes "
              "(cudaMalloc error out of memory [2])");
    const Bytes held = stack + 8'069'884'416 + 21'015'552;  // 9.70 GB
    EXPECT_THAT(outcome.held_bytes, ElementsAre(held, held, stack, 0));
    EXPECT_THAT(outcome.peak_bytes, ElementsAre(held + 20'971'520, held + 20'971'520, stack, 0));
}

// Further cases, from the allocations in Faiss's source.

TEST(StockFaiss, SeveralCardsFloat32HoldWholeShards) {
    const StockFaissOutcome outcome =
        simulate_stock_faiss(flat_index(10, 1000), Precision::f32, {card(40_GiB), card(40_GiB), card(40_GiB)});
    // Rows [0, 3), [3, 6), [6, 10): 12,000 and 16,000 bytes rounded up, norms 256.
    EXPECT_THAT(outcome.peak_bytes, ElementsAre(stack + 12'032 + 256, stack + 12'032 + 256, stack + 16'128 + 256));
    EXPECT_EQ(outcome.held_bytes, outcome.peak_bytes);
}

TEST(StockFaiss, SmallIndexesConvertWithinTheStack) {
    const StockFaissOutcome outcome = simulate_stock_faiss(flat_index(100'000, 768), Precision::f16, {card(40_GiB)});
    // 307 + 154 MB of temporaries fit 1.5 GiB.
    EXPECT_THAT(outcome.peak_bytes, ElementsAre(stack + 153'600'000 + 400'128));
}

TEST(StockFaiss, TheStackFollowsTheSizeOfTheCard) {
    const auto held = [](Bytes total) {
        return simulate_stock_faiss(flat_index(0, 8), Precision::f32, {card(total, total)}).held_bytes.front();
    };
    EXPECT_EQ(held(4_GiB), 512_MiB);
    EXPECT_EQ(held(4_GiB + 1), 1_GiB);
    EXPECT_EQ(held(8_GiB), 1_GiB);
    EXPECT_EQ(held(8_GiB + 1), 1536_MiB);
}

TEST(StockFaiss, ACardTooFullForTheStackFailsFirst) {
    const StockFaissOutcome outcome = simulate_stock_faiss(flat_index(10, 8), Precision::f32, {card(1_GiB)});
    EXPECT_EQ(outcome.outcome, Kind::fails);
    EXPECT_EQ(outcome.message,
              "StandardGpuResources: alloc fail type TemporaryMemoryBuffer dev 0 space Device stream ... size "
              "1610612736 bytes (cudaMalloc error out of memory [2])");
    EXPECT_THAT(outcome.held_bytes, ElementsAre(0));
}

TEST(StockFaiss, AFailedIndexIsUndoneOnOneCardAndLeakedOnSeveral) {
    const Bytes vectors = 1'000'000 * 64 * 4;  // a multiple of 256; the norms no longer fit
    const StockFaissOutcome one =
        simulate_stock_faiss(flat_index(1'000'000, 64), Precision::f32, {card(stack + vectors + 1_MiB)});
    EXPECT_EQ(one.failed_request_bytes, 4'000'000u);
    EXPECT_THAT(one.peak_bytes, ElementsAre(stack + vectors));
    EXPECT_THAT(one.held_bytes, ElementsAre(stack));
    const StockFaissOutcome several =
        simulate_stock_faiss(flat_index(2'000'000, 64), Precision::f32, {card(stack + vectors + 1_MiB), card(40_GiB)});
    EXPECT_THAT(several.held_bytes, ElementsAre(stack + vectors, 0));
}

TEST(StockFaiss, TheContextIsNotFree) {
    const Bytes needed = stack + 64'559'075'328 + 84'061'440;
    DeviceInfo device = card(needed + 500_MiB);
    device.context_bytes = 500_MiB;
    EXPECT_EQ(simulate_stock_faiss(wiki_index(), Precision::f32, {device}).outcome, Kind::loads);
    device.context_bytes += 1;
    EXPECT_EQ(simulate_stock_faiss(wiki_index(), Precision::f32, {device}).outcome, Kind::fails);
}

// The page that fails is found by bisection; here it is found by walking all pages.
TEST(StockFaiss, NormsMayFailInTheMiddleOfAShard) {
    const IndexProfile index = flat_index(10'000'000, 64);
    const Bytes shard_rows = 5'000'000;
    const Bytes page_rows = 32'768;
    const auto norms = [](Bytes rows) { return (rows * 4 + 255) / 256 * 256; };
    for (const Bytes room : {1_MiB, 10_MiB, 20_MiB, 38_MiB}) {
        const Bytes vectors = shard_rows * 64 * 2;
        const StockFaissOutcome outcome =
            simulate_stock_faiss(index, Precision::f16, {card(stack + vectors + room), card(40_GiB)});
        Bytes done = 0;
        while (norms(done) + norms(std::min(shard_rows, done + page_rows)) <= room && done < shard_rows) {
            done = std::min(shard_rows, done + page_rows);
        }
        ASSERT_LT(done, shard_rows);
        EXPECT_EQ(outcome.outcome, Kind::fails);
        EXPECT_EQ(outcome.failed_request_bytes, norms(std::min(shard_rows, done + page_rows)));
        EXPECT_EQ(outcome.held_bytes.front(), stack + vectors + norms(done));
        const Bytes before = done - std::min(done, page_rows);
        EXPECT_EQ(outcome.peak_bytes.front(), stack + vectors + norms(before) + norms(done));
    }
}

TEST(StockFaiss, ExactlyEnoughRoomForThePagedAddLoads) {
    const Bytes vectors = 5'000'000 * 64 * 2;
    const Bytes before_last = 4 * 152 * 32'768;
    const Bytes room = before_last + 20'000'000;  // both are multiples of 256
    const auto outcome = [&](Bytes free_bytes) {
        return simulate_stock_faiss(flat_index(10'000'000, 64), Precision::f16, {card(free_bytes), card(40_GiB)});
    };
    EXPECT_EQ(outcome(stack + vectors + room).outcome, Kind::loads);
    EXPECT_EQ(outcome(stack + vectors + room).peak_bytes.front(), stack + vectors + room);
    EXPECT_EQ(outcome(stack + vectors + room - 1).outcome, Kind::fails);
}

TEST(StockFaiss, OnlyCardsTakePart) {
    DeviceInfo host;
    host.kind = DeviceKind::cpu;
    host.free_bytes = 1_TiB;
    EXPECT_EQ(simulate_stock_faiss(wiki_index(), Precision::f32, {host}).outcome, Kind::not_applicable);
    EXPECT_EQ(simulate_stock_faiss(wiki_index(), Precision::f32, {}).outcome, Kind::not_applicable);
    const StockFaissOutcome mixed = simulate_stock_faiss(wiki_index(), Precision::f32, {host, card(80_GiB), host});
    EXPECT_EQ(mixed.path, "copyFrom");
    EXPECT_EQ(mixed.peak_bytes.size(), 1u);
}

TEST(StockFaiss, HasNoBfloat16) {
    const StockFaissOutcome outcome = simulate_stock_faiss(wiki_index(), Precision::bf16, {card(80_GiB)});
    EXPECT_EQ(outcome.outcome, Kind::not_applicable);
    EXPECT_EQ(outcome.message, "Faiss has no flat index in bfloat16");
}

TEST(StockFaiss, OutcomesAreSpelled) {
    EXPECT_EQ(to_string(Kind::not_applicable), "not_applicable");
    EXPECT_EQ(to_string(Kind::loads), "loads");
    EXPECT_EQ(to_string(Kind::fails), "fails");
}

}  // namespace
}  // namespace gpushard
