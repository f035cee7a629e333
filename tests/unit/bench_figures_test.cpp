#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/comparison_rows.hpp"
#include "bench/machine_kernels.hpp"
#include "bench/machine_limits.hpp"
#include "bench/sample_statistics.hpp"
#include "bench/timing.hpp"
#include "bench/usage_meter.hpp"

namespace gpushard::bench {
namespace {

constexpr double not_known = std::numeric_limits<double>::quiet_NaN();

TEST(BenchMedian, IsTheMiddleOrTheMeanOfTheTwoInTheMiddle) {
    EXPECT_EQ(median({5}), 5);
    EXPECT_EQ(median({9, 1, 5}), 5);
    EXPECT_EQ(median({9, 1, 5, 6}), 5.5);
    EXPECT_TRUE(std::isnan(median({})));
}

TEST(BenchSpread, LeavesOneDisturbanceAtEachEndOut) {
    EXPECT_DOUBLE_EQ(relative_spread({10, 10.5, 9.5, 10, 99}), 0.05);
    EXPECT_DOUBLE_EQ(relative_spread({10, 10.5, 9.5, 10, 0.1, 99, 10}), 0.1);
    // Two in the same direction count.
    EXPECT_GT(relative_spread({10, 10, 10, 10, 10, 99, 98}), 8);
}

TEST(BenchSpread, OfAFewLeavesNoneOut) {
    EXPECT_DOUBLE_EQ(relative_spread({9, 11}), 0.2);
    EXPECT_DOUBLE_EQ(relative_spread({8, 10, 12}), 0.4);
    EXPECT_DOUBLE_EQ(relative_spread({8, 10, 10, 12}), 0.4);
}

TEST(BenchSpread, IsNotKnownOfOne) {
    EXPECT_TRUE(std::isnan(relative_spread({})));
    EXPECT_TRUE(std::isnan(relative_spread({3})));
    EXPECT_EQ(relative_spread({0, 0}), 0);
}

TEST(BenchRow, IsUndecidedAboveATenthOnEitherSide) {
    EXPECT_FALSE(is_undecided(0, 0.1));
    EXPECT_FALSE(is_undecided(0.1, 0));
    EXPECT_TRUE(is_undecided(0.101, 0));
    EXPECT_TRUE(is_undecided(0, 0.101));
    EXPECT_TRUE(is_undecided(not_known, 0));
    EXPECT_TRUE(is_undecided(0, not_known));
}

TEST(BenchRow, HasTheSpreadsOfItsSamples) {
    const Trust trust = trust_in({{10, 10.5}, {10, 12}}, {.cpu_share = 0.75, .steal = 0.25});
    EXPECT_DOUBLE_EQ(trust.ours_spread, 0.5 / 10.25);
    EXPECT_DOUBLE_EQ(trust.faiss_spread, 2.0 / 11);
    EXPECT_TRUE(trust.undecided);
    EXPECT_EQ(trust.cpu_share, 0.75);
    EXPECT_EQ(trust.steal, 0.25);
    EXPECT_FALSE(trust_in({{10, 10.5}, {10, 10.5}}, {}).undecided);
}

TEST(BenchRow, TakesTheMediansOfBothSides) {
    const Comparison row = queries_per_second(16, {{2, 4, 3}, {6, 60, 5}});
    EXPECT_EQ(row.what, "qps_nq16");
    EXPECT_DOUBLE_EQ(row.ours, 16.0 / 3);
    EXPECT_DOUBLE_EQ(row.faiss, 16.0 / 6);
    EXPECT_DOUBLE_EQ(row.ratio, 2);
    EXPECT_TRUE(std::isnan(queries_per_second(1, {{1}, {}}).ratio));
}

TEST(BenchRow, IsAPartOfWhatTheMachineCanDo) {
    PlacementPlan plan;
    plan.index.count = 1000;
    plan.index.dim = 50;
    plan.precision = Precision::f16;
    Comparison row{"qps_nq4", "1/s", 8, 1, 8};  // two batches a second
    set_shares_of_limits(row, 4, plan, {.fma_peak_flops = 3'200'000, .read_bytes_per_second = 400'000});
    EXPECT_DOUBLE_EQ(row.of_fma_peak.value(), 2.0 * 4 * 1000 * 50 * 2 / 3'200'000);
    EXPECT_DOUBLE_EQ(row.of_read_bandwidth.value(), 2.0 * 1000 * 50 * 2 / 400'000);
}

ProcessorTicks ticks(const std::string& text) {
    std::istringstream stat(text);
    return read_processor_ticks(stat);
}

TEST(BenchSteal, IsThePartOfTheTicksOfAllProcessors) {
    const ProcessorTicks before = ticks("cpu  100 10 20 800 5 1 2 30 50 5\ncpu0 1 2 3 4 5 6 7 8 0 0\n");
    EXPECT_EQ(before.all, 968u);  // guests are counted in user and nice
    EXPECT_EQ(before.stolen, 30u);
    const ProcessorTicks after = ticks("cpu  150 10 20 825 5 1 2 55 90 5\n");
    EXPECT_DOUBLE_EQ(stolen_between(before, after), 0.25);
    EXPECT_EQ(stolen_between(before, before), 0);
    EXPECT_EQ(stolen_between(after, before), 0);
}

TEST(BenchSteal, IsNoneWhereTheSystemDoesNotTell) {
    EXPECT_EQ(ticks("").all, 0u);
    EXPECT_EQ(ticks("intr 5 6\n").all, 0u);
    EXPECT_EQ(ticks("cpu 1 2 3 4\n").stolen, 0u);
    EXPECT_EQ(stolen_between(ticks(""), ticks("")), 0);
}

TEST(BenchUsage, CountsThisProcessAndWhatOthersSpentForIt) {
    UsageMeter meter;
    volatile double work = 1;
    for (int i = 0; i < 1'000'000; ++i) work = work + 1;
    const double own = meter.usage().cpu_share;
    EXPECT_GT(own, 0);
    EXPECT_LE(own, 1);
    meter.add(1e9);
    EXPECT_EQ(meter.usage().cpu_share, 1);
}

TEST(BenchKernels, CountWhatTheyDoAndReadEverything) {
    const FmaWork once = multiply_and_add(1000);
    EXPECT_GE(once.flops, 1000.0 * 12 * 2);
    EXPECT_EQ(multiply_and_add(2000).flops, 2 * once.flops);
    // Every chain comes to 1 in every lane.
    EXPECT_FLOAT_EQ(once.result, static_cast<float>(once.flops / (1000 * 2)));
    std::vector<float> data(4096, 1);
    EXPECT_EQ(sum_of(data.data(), data.size()), 4096);
    data[4095] = 5;
    data[0] = 3;
    EXPECT_EQ(sum_of(data.data(), data.size()), 4102);
}

TEST(BenchMachine, KeepsTheLargerOfEachLimit) {
    const MachineLimits one{.fma_peak_flops = 5, .read_bytes_per_second = 1, .threads = 3, .processors = 4};
    const MachineLimits other{.fma_peak_flops = 2, .read_bytes_per_second = 7, .threads = 3, .processors = 4};
    const MachineLimits larger{.fma_peak_flops = 5, .read_bytes_per_second = 7, .threads = 3, .processors = 4};
    EXPECT_EQ(larger_of(one, other), larger);
    EXPECT_EQ(larger_of(other, one), larger);
}

TEST(BenchMachine, IsMeasuredWithTheThreadsThatAreAskedFor) {
    const MachineLimits limits = measure_machine(3);
    EXPECT_GT(limits.fma_peak_flops, 0);
    EXPECT_GT(limits.read_bytes_per_second, 0);
    EXPECT_EQ(limits.threads, 3);
    EXPECT_EQ(limits.processors, usable_processors());
}

TEST(BenchTogether, RunsEveryThreadAndThrowsWhatOneThrew) {
    std::vector<int> done(5);
    EXPECT_GE(seconds_together(5, [&](int thread) { done[static_cast<std::size_t>(thread)] = 1; }), 0);
    EXPECT_THAT(done, testing::Each(1));
    const auto failing = [](int thread) {
        if (thread == 2) throw std::runtime_error("third");
    };
    EXPECT_THROW(seconds_together(4, failing), std::runtime_error);
}

TEST(BenchFasterOf, HasTheSamplesOfTheFasterWay) {
    FasterOf faster;
    faster.measure([] { return 4.0; }, [] { return 2.0; });
    faster.measure([] { return 1.0; }, [] { return 3.0; });  // the first is far behind by now, and not asked again
    EXPECT_THAT(faster.samples(), testing::ElementsAre(2, 3));
}

}  // namespace
}  // namespace gpushard::bench
