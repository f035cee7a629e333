#include "core/top_k_merge.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace gpushard {
namespace {

/// Lists of several shards and the merge by sorting everything, to compare with.
struct Lists {
    std::int64_t nq;
    std::int64_t k;
    bool similarity;
    std::vector<std::vector<float>> distances;
    std::vector<std::vector<std::int64_t>> ids;

    bool better(std::pair<float, std::int64_t> a, std::pair<float, std::int64_t> b) const {
        if (a.first != b.first) return similarity ? a.first > b.first : a.first < b.first;
        return a.second < b.second;
    }

    // `values` distinct distances, so that few values give many ties; some lists are shorter than k.
    static Lists make(std::size_t shards, std::int64_t nq, std::int64_t k, bool similarity, int values,
                      std::uint64_t seed) {
        Lists lists{nq, k, similarity, {}, {}};
        std::mt19937_64 random(seed);
        std::vector<std::int64_t> all_ids(shards * static_cast<std::size_t>(k));
        for (std::size_t i = 0; i < all_ids.size(); ++i) all_ids[i] = static_cast<std::int64_t>(i);
        lists.distances.resize(shards);
        lists.ids.resize(shards);
        for (std::int64_t query = 0; query < nq; ++query) {
            std::shuffle(all_ids.begin(), all_ids.end(), random);
            for (std::size_t s = 0; s < shards; ++s) {
                std::vector<std::pair<float, std::int64_t>> answers;
                const auto found = random() % 4 == 0 ? static_cast<std::int64_t>(random() % (k + 1)) : k;
                for (std::int64_t j = 0; j < found; ++j) {
                    const auto value = static_cast<float>(static_cast<int>(random() % values) - values / 2);
                    answers.emplace_back(value / 4, all_ids[s * static_cast<std::size_t>(k) + j]);
                }
                std::sort(answers.begin(), answers.end(), [&](auto a, auto b) { return lists.better(a, b); });
                answers.resize(static_cast<std::size_t>(k), {worst_distance(similarity), -1});
                for (const auto& [distance, id] : answers) {
                    lists.distances[s].push_back(distance);
                    lists.ids[s].push_back(id);
                }
            }
        }
        return lists;
    }

    std::vector<TopKList> views() const {
        std::vector<TopKList> result;
        for (std::size_t s = 0; s < ids.size(); ++s) result.push_back({distances[s].data(), ids[s].data(), k});
        return result;
    }

    std::vector<std::pair<float, std::int64_t>> expected(std::int64_t query, std::int64_t wanted) const {
        std::vector<std::pair<float, std::int64_t>> answers;
        for (std::size_t s = 0; s < ids.size(); ++s) {
            for (std::int64_t j = query * k; j < (query + 1) * k; ++j) {
                if (ids[s][j] >= 0) answers.emplace_back(distances[s][j], ids[s][j]);
            }
        }
        std::sort(answers.begin(), answers.end(), [&](auto a, auto b) { return better(a, b); });
        answers.resize(static_cast<std::size_t>(wanted), {worst_distance(similarity), -1});
        return answers;
    }
};

void expect_merged(const Lists& lists, std::int64_t wanted) {
    std::vector<float> distances(static_cast<std::size_t>(lists.nq * wanted), 12345.0F);
    std::vector<std::int64_t> ids(distances.size(), 777);
    // Lists in between of no more than there are answers, as well as of memory that the merge allocates.
    const std::int64_t between = intermediate_lists(static_cast<std::int64_t>(lists.ids.size()));
    const auto listed = static_cast<std::int64_t>(lists.ids.size()) * lists.k;
    const std::int64_t workspace_k = std::min(wanted, listed);
    const auto room = static_cast<std::size_t>(between * lists.nq * workspace_k);
    std::vector<float> between_distances(room + 1, 777.0F);
    std::vector<std::int64_t> between_ids(room + 1, 777);
    std::vector<float> again_distances(distances.size());
    std::vector<std::int64_t> again_ids(ids.size());
    merge_top_k(lists.views(), lists.nq, wanted, lists.similarity, distances.data(), ids.data());
    merge_top_k(lists.views(), lists.nq, wanted, lists.similarity, again_distances.data(), again_ids.data(),
                {between_distances.data(), between_ids.data(), workspace_k});
    EXPECT_EQ(again_distances, distances);
    EXPECT_EQ(again_ids, ids);
    EXPECT_EQ(between_ids.back(), 777) << "beyond its room";
    EXPECT_EQ(between_distances.back(), 777.0F);
    for (std::int64_t query = 0; query < lists.nq; ++query) {
        const auto expected = lists.expected(query, wanted);
        for (std::int64_t j = 0; j < wanted; ++j) {
            ASSERT_EQ(ids[query * wanted + j], expected[j].second) << "query " << query << " place " << j;
            ASSERT_EQ(distances[query * wanted + j], expected[j].first) << "query " << query << " place " << j;
        }
    }
}

TEST(TopKMerge, EqualsSortingEverything) {
    for (const bool similarity : {false, true}) {
        for (const std::size_t shards : {1, 2, 3, 4, 5, 8, 9, 17, 65}) {
            for (const std::int64_t nq : {1, 3, 4, 7}) {
                for (const int values : {1, 3, 1000000}) {
                    SCOPED_TRACE(std::to_string(shards) + " shards, " + std::to_string(nq) + " queries, " +
                                 std::to_string(values) + " values");
                    expect_merged(Lists::make(shards, nq, 10, similarity, values, shards * 31 + nq), 10);
                }
            }
        }
    }
}

TEST(TopKMerge, PadsWhereThereAreFewerThanK) {
    expect_merged(Lists::make(3, 5, 4, false, 100, 1), 20);
    expect_merged(Lists::make(3, 5, 4, true, 100, 1), 20);
    expect_merged(Lists::make(9, 5, 4, true, 100, 1), 100);
}

TEST(TopKMerge, TakesFewerThanTheListsHold) { expect_merged(Lists::make(8, 6, 50, true, 5, 2), 7); }

TEST(TopKMerge, NoListsGiveNoAnswers) {
    std::array<float, 2> distances{};
    std::array<std::int64_t, 2> ids{};
    merge_top_k({}, 1, 2, true, distances.data(), ids.data());
    EXPECT_EQ(ids, (std::array<std::int64_t, 2>{-1, -1}));
    EXPECT_EQ(distances[0], worst_distance(true));
}

TEST(TopKMerge, NegativeAndPositiveZeroTie) {
    const std::array<float, 1> first = {-0.0F};
    const std::array<float, 1> second = {0.0F};
    const std::array<std::int64_t, 1> high = {9};
    const std::array<std::int64_t, 1> low = {3};
    const std::array lists = {TopKList{first.data(), high.data(), 1}, TopKList{second.data(), low.data(), 1}};
    for (const bool similarity : {false, true}) {
        std::array<float, 2> distances{};
        std::array<std::int64_t, 2> ids{};
        merge_top_k(lists, 1, 2, similarity, distances.data(), ids.data());
        EXPECT_EQ(ids, (std::array<std::int64_t, 2>{3, 9}));
    }
}

TEST(TopKMerge, SortsTiesById) {
    std::array<float, 6> distances = {1, 2, 2, 2, 3, 3};
    std::array<std::int64_t, 6> ids = {5, 9, 7, 8, 4, -1};
    sort_ties_by_id(distances.data(), ids.data(), 6);
    EXPECT_EQ(ids, (std::array<std::int64_t, 6>{5, 7, 8, 9, 4, -1}));
}

RC_GTEST_PROP(TopKMergeProperty, EqualsSortingEverything, (std::uint64_t seed, bool similarity)) {
    const auto shards = *rc::gen::inRange<std::size_t>(1, 20);
    const auto nq = *rc::gen::inRange<std::int64_t>(1, 10);
    const auto k = *rc::gen::inRange<std::int64_t>(1, 20);
    const auto wanted = *rc::gen::inRange<std::int64_t>(1, 30);
    const auto values = *rc::gen::element(1, 2, 7, 100000);
    expect_merged(Lists::make(shards, nq, k, similarity, values, seed), wanted);
    RC_ASSERT(!::testing::Test::HasFailure());
}

}  // namespace
}  // namespace gpushard
