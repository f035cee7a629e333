#include "search/answer_lists.hpp"

#include <atomic>
#include <barrier>
#include <cstring>
#include <limits>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <gpushard/error.hpp>
#include <gpushard/load.hpp>
#include <gpushard/placement_planner.hpp>

#include "core/answer_memory.hpp"
#include "core/top_k_merge.hpp"
#include "support/index_writer.hpp"
#include "support/temp_dir.hpp"

namespace gpushard {
namespace {

PlanOptions asking(std::int64_t k, std::int64_t max_batch) {
    PlanOptions options;
    options.k = k;
    options.max_batch = max_batch;
    return options;
}

TEST(AnswerMemory, IsWhatTheListsOfTwoBatchesTake) {
    struct Case {
        std::int64_t groups, shards, count, k, max_batch;
        Bytes expected;
    };
    const Case cases[] = {
        {1, 1, 1'000'000, 10, 256, 0},                                   // written to where the caller wants it
        {0, 0, 0, 10, 256, 0},                                           // an empty index
        {1, 4, 1'000'000, 10, 256, 1_MiB},                               // small plans are given a little more
        {1, 4, 5, 10, 256, 2 * 256 * 4 * 12 * 5},                        // but no more than any search can use
        {1, 4, 1'000'000, 1000, 256, 2 * 256 * 4 * 12 * 1000},           // as planned
        {3, 4, 1'000'000, 1000, 256, 4 * 256 * 4 * 12 * 1000},           // one batch more than copies
        {1, 16, 1'000'000, 1000, 256, 2 * 155 * 18 * 12 * 1000},         // lists in between; 32 MiB a batch
        {1, 2, 100'000'000, 4'000'000, 256, 2 * 12 * Bytes{4'000'000}},  // a query does not get smaller
    };
    for (const Case& one : cases) {
        SCOPED_TRACE(one.expected);
        const Bytes planned = planned_answer_bytes(one.groups, one.shards, one.count, asking(one.k, one.max_batch));
        EXPECT_GE(planned, one.expected);
        EXPECT_LT(planned, one.expected + 4_KiB) << "a page";
    }
}

TEST(AnswerMemory, NeverOverflows) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    EXPECT_GT(planned_answer_bytes(65536, 65536, most, asking(std::numeric_limits<std::int32_t>::max(), most)), 0u);
    EXPECT_GE(planned_answer_bytes(1, 2, most, asking(1, most)), 64_MiB - 48);
    EXPECT_LE(planned_answer_bytes(1, 2, most, asking(1, most)), 64_MiB);
}

TEST(AnswerLists, HandsOutWhatItHasAndNoMore) {
    AnswerLists lists(64_KiB);
    auto first = lists.try_take(20'000);
    auto second = lists.try_take(30'000);
    ASSERT_TRUE(first && second);
    EXPECT_FALSE(lists.try_take(20'000));
    std::memset(first->data(), 1, 20'000);
    std::memset(second->data(), 2, 30'000);
    EXPECT_EQ(static_cast<int>(first->data()[19'999]), 1);
    first.reset();
    EXPECT_TRUE(lists.try_take(20'000)) << "the gap before the second";
    second.reset();
    EXPECT_EQ(lists.peak(), 50'000u);
    EXPECT_TRUE(lists.try_take(64_KiB));
    EXPECT_EQ(lists.peak(), 64_KiB);
}

TEST(AnswerLists, ALargeSliceIsNotPassedOverForSmallOnes) {
    AnswerLists lists(1_KiB);
    auto held = lists.try_take(512);
    std::atomic<bool> got = false;
    std::thread waiter([&] {
        const auto all = lists.take(1_KiB);
        got = true;
    });
    while (lists.try_take(16)) std::this_thread::yield();  // until it waits
    EXPECT_FALSE(got);
    held.reset();
    waiter.join();
    EXPECT_TRUE(got);
    EXPECT_TRUE(lists.try_take(16)) << "nobody waits any more";
}

TEST(AnswerLists, RefusesWhatTheSystemDoesNotHave) { EXPECT_THROW(AnswerLists(Bytes{1} << 60), InsufficientMemory); }

/// Loads the same rows onto `devices` and searches from 16 threads at once, batches and k of many sizes.
void search_within_plan(const std::string& devices, int replicas, const std::vector<std::int64_t>& neighbors) {
    SCOPED_TRACE(devices);
    const test::TempDir folder;
    const test::Rows rows = test::uniform_rows(2000, 8, 5);
    test::write_file(folder / "a.index", test::flat_index(rows, Metric::l2));
    LoadOptions options;
    options.devices = devices;
    if (replicas > 1) options.plan.strategy = Strategy::replicate;
    options.plan.replicas = replicas;
    options.plan.max_batch = 32;
    const ShardedIndex index = load(folder / "a.index", options);
    ASSERT_GT(index.plan().host_search_bytes, 0u);
    EXPECT_EQ(index.host_search_peak_bytes(), 0u);
    const std::vector<std::int64_t> batches = {1, 7, 300};
    std::vector<SearchResult> expected;
    for (const std::int64_t k : neighbors) {
        for (const std::int64_t nq : batches) expected.push_back(index.search(nq, rows.values.data(), k));
    }
    constexpr int thread_count = 16;
    std::barrier together(thread_count);
    std::atomic<int> different = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < thread_count; ++t) {
        threads.emplace_back([&, t] {
            together.arrive_and_wait();
            for (std::size_t i = 0; i < expected.size(); ++i) {
                const SearchResult& one = expected[(i + static_cast<std::size_t>(t)) % expected.size()];
                const SearchResult found = index.search(one.nq, rows.values.data(), one.k);
                different += found.ids != one.ids || found.distances != one.distances;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(different, 0);
    EXPECT_GT(index.host_search_peak_bytes(), 0u);
    EXPECT_LE(index.host_search_peak_bytes(), index.plan().host_search_bytes);
}

TEST(AnswersOfSearches, StayWithinThePlanFromAnyNumberOfThreads) {
    search_within_plan("cpu=1MiB*3", 1, {1, 10, 300});
    search_within_plan("cpu=1MiB*4", 2, {10, 300});
    search_within_plan("cpu=1MiB*11", 1, {10, 300});
}

TEST(AnswersOfSearches, AreThoseOfFewerNeighborsAndNothingBeyondTheRows) {
    const test::TempDir folder;
    const test::Rows rows = test::uniform_rows(40, 8, 5);
    test::write_file(folder / "a.index", test::flat_index(rows, Metric::inner_product));
    LoadOptions options;
    options.devices = "cpu=1MiB*11";
    options.plan.min_devices = 11;
    const ShardedIndex index = load(folder / "a.index", options);
    const SearchResult all = index.search(5, rows.values.data(), 40);
    const SearchResult more = index.search(5, rows.values.data(), 1000);
    for (std::int64_t query = 0; query < 5; ++query) {
        EXPECT_EQ(more.row(query), all.row(query));
        EXPECT_EQ(more.ids[static_cast<std::size_t>(query * 1000 + 40)], -1);
        EXPECT_EQ(more.distances[static_cast<std::size_t>(query * 1000 + 999)], worst_distance(true));
    }
    // Nothing of the size of k is allocated: this k would take 24 TB.
    EXPECT_EQ(index.search(rows.values.data(), 2'000'000'000'000).size(), 40u);
    EXPECT_LE(index.host_search_peak_bytes(), index.plan().host_search_bytes);
}

TEST(AnswersOfSearches, OfMoreNeighborsThanPlannedAreRefusedWhereOneQueryDoesNotFit) {
    const test::TempDir folder;
    test::write_file(folder / "a.index", test::flat_index(test::uniform_rows(100'000, 1, 5), Metric::l2));
    LoadOptions options;
    options.devices = "cpu=16MiB*2";
    const ShardedIndex index = load(folder / "a.index", options);
    const std::vector<float> query(1, 0.5F);
    EXPECT_EQ(index.search(query, 10'000).size(), 10'000u);
    try {
        index.search(query, 100'000);
        FAIL() << "2.4 MB of answers in 1 MiB";
    } catch (const InsufficientMemory& error) {
        EXPECT_EQ(error.short_bytes(), 2 * 12 * 100'000 - 1_MiB);
    }
    EXPECT_EQ(index.search(query, 10).size(), 10u);
}

}  // namespace
}  // namespace gpushard
