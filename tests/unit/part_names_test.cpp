#include "index/part_names.hpp"

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpushard {
namespace {

using Names = std::vector<std::string>;
using Verdict = NameOrder::Verdict;

/// The names of a run, by the naming that its first and second have in common and that counts from the least.
Names run_of(const std::string& first, const std::string& second, std::size_t count) {
    std::optional<PieceNaming> best;
    std::uint64_t least = 0;
    for (const PieceNaming& naming : possible_namings(first)) {
        const auto a = naming.number_of(first);
        const auto b = naming.number_of(second);
        if (!a || !b || *b != *a + 1 || (best && *a >= least)) continue;
        best = naming;
        least = *a;
    }
    Names names;
    for (std::size_t i = 0; best && i < count; ++i) names.push_back(best->name_of(least + i));
    return names;
}

/// What is said of names that are in the wrong order.
std::string disorder_of(const Names& names) {
    const NameOrder order = order_of(names);
    EXPECT_EQ(order.verdict, Verdict::wrong) << testing::PrintToString(names);
    if (order.verdict != Verdict::wrong) return {};
    return describe_disorder(order, names, whole_run(order.naming, order.numbers));
}

struct Sequence {
    const char* first;
    const char* second;
    std::size_t count;
    const char* last;
};

constexpr Sequence sequences[] = {
    {"part_aa", "part_ab", 5, "part_ae"},
    {"xaa", "xab", 650, "xyz"},
    {"xaa", "xab", 652, "xzaab"},
    {"xaa", "xab", 17'552, "xzzaaab"},
    {"xaaa", "xaab", 27, "xaba"},
    {"big.index.aa", "big.index.ab", 28, "big.index.bb"},
    {"aa.bin", "ab.bin", 3, "ac.bin"},
    {"PART_AA", "PART_AB", 4, "PART_AD"},
    {"part_a", "part_b", 4, "part_d"},
    {"x00", "x01", 90, "x89"},
    {"x00", "x01", 100, "x99"},
    {"big.00.index", "big.01.index", 3, "big.02.index"},
    {"big.index.001", "big.index.002", 12, "big.index.012"},
    {"big.part1", "big.part2", 12, "big.part12"},
    {"big.part01", "big.part02", 101, "big.part101"},
    {"big.part0", "big.part1", 11, "big.part10"},
    {"2024_big_0.index", "2024_big_1.index", 4, "2024_big_3.index"},
    {"big-00001-of-00005.index", "big-00002-of-00005.index", 5, "big-00005-of-00005.index"},
    {"big-00000-of-00012", "big-00001-of-00012", 12, "big-00011-of-00012"},
    {"big_1_of_3", "big_2_of_3", 3, "big_3_of_3"},
    {"big.1of2", "big.2of2", 2, "big.2of2"},
};

TEST(PartNames, NamesFollowEachOtherAsSplitAndPeopleWriteThem) {
    for (const Sequence& run : sequences) {
        const Names names = run_of(run.first, run.second, run.count);
        ASSERT_EQ(names.size(), run.count) << run.first;
        EXPECT_EQ(names.back(), run.last);
        EXPECT_EQ(order_of(names).verdict, Verdict::in_order) << run.first << " to " << run.last;
    }
}

/// The suffixes that `split` makes by itself where two characters are not enough.
TEST(PartNames, FollowSplitWhereItWidensItsSuffixes) {
    EXPECT_EQ(order_of({"xyy", "xyz", "xzaaa", "xzaab"}).verdict, Verdict::in_order);
    EXPECT_EQ(order_of({"xzyzz", "xzzaaaa"}).verdict, Verdict::in_order);
    EXPECT_EQ(order_of({"x88", "x89", "x9000", "x9001"}).verdict, Verdict::in_order);
    EXPECT_EQ(order_of({"x08", "x09", "x0a", "x0b"}).verdict, Verdict::in_order);
    EXPECT_EQ(order_of({"x0f", "x10", "x11"}).verdict, Verdict::in_order);
    EXPECT_EQ(order_of({"xee", "xef", "xf000"}).verdict, Verdict::in_order);
}

TEST(PartNames, AnyOtherOrderIsWrongAndAnyGapIsToldWhereItIs) {
    std::mt19937 random(7);
    for (const Sequence& run : sequences) {
        const Names names = run_of(run.first, run.second, std::min<std::size_t>(run.count, 12));
        const bool says_total = possible_namings(run.first).front().total.has_value();
        for (int round = 0; round < 20 && names.size() > 2; ++round) {
            Names shuffled = names;
            std::shuffle(shuffled.begin(), shuffled.end(), random);
            if (shuffled == names) continue;
            EXPECT_THAT(disorder_of(shuffled), testing::HasSubstr(" is named before "));
        }
        for (std::size_t i = 1; i + (says_total ? 0 : 1) < names.size(); ++i) {
            Names gappy = names;
            gappy.erase(gappy.begin() + static_cast<std::ptrdiff_t>(i));
            if (gappy.size() < 2) continue;
            EXPECT_EQ(disorder_of(gappy), names[i] + " is not among the parts that are named");
        }
    }
}

TEST(PartNames, ANameThatIsGivenTwiceIsTold) {
    EXPECT_EQ(disorder_of({"part_aa", "part_ab", "part_ab"}), "part_ab is named twice");
}

TEST(PartNames, ManyThatAreMissingAreNotAllListed) {
    EXPECT_EQ(disorder_of({"p.1", "p.9"}), "p.2, p.3, p.4 and 4 more are not among the parts that are named");
    EXPECT_EQ(listed({"a", "b", "c", "d"}), "a, b, c and d");
}

/// Names that are no run, though some end in letters or numbers: nothing may be refused because of them.
TEST(PartNames, OtherNamesAreNoRun) {
    for (const Names& names : std::vector<Names>{
             {"head.bin", "tail.bin"},
             {"north.bin", "south.bin"},
             {"wiki.fr", "wiki.en"},
             {"train_b", "train_z"},
             {"first.part", "second.part", "third.part"},
             {"vectors_left", "vectors_right"},
             {"emb_2048.bin", "emb_128.bin"},
             {"a1.bin", "b2.bin"},
             {"x"},
             {"x", "x"},
             {"", ""},
             {"a", "b"},
             {"99999999999999999999", "99999999999999999998"},
             {"\xff\xfe", "\xff\xfd"},
         }) {
        EXPECT_EQ(order_of(names).verdict, Verdict::no_run) << testing::PrintToString(names);
    }
}

/// Every number is the number of its name, in every naming of every name.
TEST(PartNames, NumbersAndNamesAreEachOthers) {
    for (const Sequence& run : sequences) {
        for (const PieceNaming& naming : possible_namings(run.first)) {
            for (std::uint64_t number :
                 {0, 1, 9, 10, 25, 26, 89, 90, 99, 100, 649, 650, 651, 17'549, 17'550, 999'999}) {
                if (naming.alphabet.size() > 0 && naming.width == 1) number %= naming.alphabet.size() - 1;
                EXPECT_EQ(naming.number_of(naming.name_of(number)), number) << naming.head << naming.width;
            }
        }
    }
}

}  // namespace
}  // namespace gpushard
