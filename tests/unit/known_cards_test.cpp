#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include <gpushard/device_info.hpp>

#include "core/likely_bandwidth.hpp"

namespace gpushard {
namespace {

TEST(KnownCards, AreSortedByMemoryAndName) {
    const std::vector<KnownCard>& cards = known_cards();
    ASSERT_GE(cards.size(), 20u);
    for (std::size_t i = 1; i < cards.size(); ++i) {
        EXPECT_LT(std::make_pair(cards[i - 1].total_bytes, cards[i - 1].name),
                  std::make_pair(cards[i].total_bytes, cards[i].name));
    }
}

TEST(KnownCards, HaveOneNameEachAndPlausibleNumbers) {
    std::set<std::string> names;
    for (const KnownCard& card : known_cards()) {
        EXPECT_TRUE(names.insert(card.name).second) << card.name;
        // The name ends in the memory the card is sold with, "-40GB"; the card reports at most that and a little less.
        const std::size_t dash = card.name.rfind('-');
        ASSERT_NE(dash, std::string::npos) << card.name;
        const double sold = std::stod(card.name.substr(dash + 1));
        const double reported = static_cast<double>(card.total_bytes) / static_cast<double>(1_GiB);
        EXPECT_LE(reported, sold * 1.03) << card.name;
        EXPECT_GE(reported, sold * 0.9) << card.name;
        EXPECT_GE(card.bytes_per_second, 100e9) << card.name;
        EXPECT_LE(card.bytes_per_second, 10e12) << card.name;
    }
}

TEST(KnownCards, OfferSomeOfEachKind) {
    std::set<std::string> offered;
    for (const KnownCard& card : offered_cards()) offered.insert(card.name);
    for (const char* name : {"T4-16GB", "RTX-4090-24GB", "A100-40GB", "A100-80GB", "H100-80GB", "H200-141GB"}) {
        EXPECT_TRUE(offered.contains(name)) << name;
    }
    EXPECT_LE(offered.size(), 20u);
    for (const KnownCard& card : known_cards()) EXPECT_EQ(offered.contains(card.name), card.offered) << card.name;
}

TEST(KnownCards, AreDescribedAsIdleCardsForPlanning) {
    const DeviceInfo device = describe({.name = "A100-40GB", .total_bytes = 40_GiB, .bytes_per_second = 1.555e12});
    EXPECT_EQ(device.spec, "A100-40GB");
    EXPECT_EQ(device.name, "A100-40GB");
    EXPECT_EQ(device.kind, DeviceKind::cuda);
    EXPECT_EQ(device.total_bytes, 40_GiB);
    EXPECT_EQ(device.free_bytes, 40_GiB);
    EXPECT_EQ(device.context_bytes, assumed_context_bytes);
    EXPECT_EQ(device.bytes_per_second, 1.555e12);
    EXPECT_TRUE(device.planning_only);
}

double likely(const char* name, Bytes total, DeviceKind kind = DeviceKind::cuda) {
    DeviceInfo device;
    device.spec = "cuda:0";
    device.name = name;
    device.kind = kind;
    device.total_bytes = total;
    return likely_bytes_per_second(device);
}

TEST(LikelyBandwidth, IsTheCatalogueCardsWhoseWordsTheDriversNameHas) {
    EXPECT_EQ(likely("NVIDIA A100-SXM4-40GB", 40326_MiB), 1555e9);
    EXPECT_EQ(likely("NVIDIA A100-SXM4-80GB", 81050_MiB), 2039e9);
    EXPECT_EQ(likely("NVIDIA H200", 143000_MiB), 4800e9);
    EXPECT_EQ(likely("NVIDIA H100 80GB HBM3", 81000_MiB), 3350e9);
    EXPECT_EQ(likely("Tesla T4", 14900_MiB), 320e9);
    EXPECT_EQ(likely("NVIDIA GeForce RTX 3090", 24100_MiB), 936e9);
    EXPECT_EQ(likely("NVIDIA RTX 6000 Ada Generation", 48500_MiB), 960e9);
    EXPECT_EQ(likely("NVIDIA GeForce RTX 2080 Ti", 11000_MiB), 616e9);
}

TEST(LikelyBandwidth, IsAssumedForOtherDevices) {
    EXPECT_EQ(likely("NVIDIA A10M", 22000_MiB), likely("a card nobody knows", 1_GiB));
    EXPECT_GT(likely("a card nobody knows", 1_GiB), likely("A100", 1_GiB, DeviceKind::cpu));
}

}  // namespace
}  // namespace gpushard
