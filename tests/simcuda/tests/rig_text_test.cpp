#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rig/card_spec.hpp"
#include "rig/text.hpp"
#include "rig/visible_cards.hpp"

namespace simcuda {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t gib = std::uint64_t{1} << 30;

std::string refusal(const std::string& text) {
    try {
        parse_rig(text);
    } catch (const BadText& error) {
        return error.what();
    }
    return "accepted";
}

TEST(RigText, CardsSizesAndRepetition) {
    const RigSpec rig = parse_rig("80GiB, 2x24GB,512MiB,1000");
    ASSERT_EQ(rig.cards.size(), 5U);
    EXPECT_TRUE(rig.driver);
    EXPECT_EQ(rig.cards[0].total_bytes, 80 * gib);
    EXPECT_EQ(rig.cards[1].total_bytes, 24'000'000'000U);
    EXPECT_EQ(rig.cards[2].total_bytes, 24'000'000'000U);
    EXPECT_EQ(rig.cards[3].total_bytes, gib / 2);
    EXPECT_EQ(rig.cards[4].total_bytes, 1000U);
    EXPECT_EQ(rig.cards[1].pci, "0000:02:00.0");
    EXPECT_NE(rig.cards[1].uuid, rig.cards[2].uuid);
    EXPECT_EQ(parse_rig("80GiB, 2x24GB,512MiB,1000"), rig) << "the same text is the same rig";
}

TEST(RigText, Options) {
    const RigSpec rig = parse_rig(
        "11.5GiB:used=3GiB:context=300MiB:sm=6.1:name=Tesla P4:bandwidth=192GB:pci=0001:65:00.0"
        ":uuid=GPU-01234567-89ab-cdef-0123-456789abcdef:numa=1:granularity=2MiB:peer=no");
    ASSERT_EQ(rig.cards.size(), 1U);
    const CardSpec& card = rig.cards.front();
    EXPECT_EQ(card.total_bytes, 23 * gib / 2);
    EXPECT_EQ(card.used_bytes, 3 * gib);
    EXPECT_EQ(card.context_bytes, 300U << 20);
    EXPECT_EQ(card.compute_capability, 61);
    EXPECT_EQ(card.name, "Tesla P4");
    EXPECT_EQ(card.bytes_per_second, 192'000'000'000U);
    EXPECT_EQ(parse_pci(card.pci), (PciAddress{.domain = 1, .bus = 0x65, .device = 0}));
    EXPECT_EQ(parse_uuid(card.uuid)[1], 0x23);
    EXPECT_EQ(card.numa_node, 1);
    EXPECT_EQ(card.granularity, 2U << 20);
    EXPECT_FALSE(card.peer_access);
}

TEST(RigText, Health) {
    const CardSpec card = parse_rig("1GiB:ecc=3:remap=failed:retire=pending:persistence=no:mig=pending").cards.front();
    EXPECT_EQ(card.ecc, CardSpec::Ecc::on);
    EXPECT_EQ(card.uncorrected_errors, 3U);
    EXPECT_EQ(card.remap, CardSpec::Repair::failed);
    EXPECT_EQ(card.retire, CardSpec::Repair::pending);
    EXPECT_FALSE(card.persistence);
    EXPECT_FALSE(card.multi_instance);
    EXPECT_TRUE(card.multi_instance_pending);
    EXPECT_EQ(parse_rig("1GiB:ecc=none").cards.front().ecc, CardSpec::Ecc::none);
    EXPECT_EQ(parse_rig("1GiB:ecc=off").cards.front().ecc, CardSpec::Ecc::off);
    EXPECT_NE(refusal("1GiB:retire=failed"), "accepted");
    EXPECT_NE(refusal("1GiB:ecc=maybe"), "accepted");
}

TEST(RigText, Driver) {
    EXPECT_EQ(parse_driver(""), DriverSpec{});
    EXPECT_EQ(parse_driver("550.54.15").name, "550.54.15");
    const DriverSpec driver = parse_driver("535.54.03:cuda=12.2");
    EXPECT_EQ(driver.name, "535.54.03");
    EXPECT_EQ(driver.cuda_version, 12020);
    EXPECT_THROW(parse_driver("535.54.03:cuda=new"), BadText);
    EXPECT_THROW(parse_driver("535.54.03:cuda=12.2x"), BadText);
}

TEST(RigText, NoCards) {
    EXPECT_FALSE(parse_rig("").driver);
    EXPECT_FALSE(parse_rig("nodriver").driver);
    EXPECT_TRUE(parse_rig("none").driver);
    EXPECT_THAT(parse_rig("none").cards, IsEmpty());
}

TEST(RigText, WhatIsWrongIsNamed) {
    EXPECT_THAT(refusal("80 parsecs"), HasSubstr("\"80 parsecs\" is not a size"));
    EXPECT_THAT(refusal("80GiB:uzed=1GiB"), HasSubstr("\"uzed\" is not an option of a card; there are: bandwidth"));
    EXPECT_THAT(refusal("80GiB:used"), HasSubstr("\"used\" is not an option such as"));
    EXPECT_THAT(refusal("8GiB:used=9GiB"), HasSubstr("more is used than the card has"));
    EXPECT_THAT(refusal("8GiB,,8GiB"), HasSubstr("is not a size"));
    EXPECT_THAT(refusal("0x8GiB"), HasSubstr("1 to 64 cards"));
    EXPECT_THAT(refusal("64x8GiB,8GiB"), HasSubstr("65 cards"));
    EXPECT_THAT(refusal("2x8GiB:pci=0000:01:00.0"), HasSubstr("two cards have the PCI id"));
    EXPECT_THAT(refusal("8GiB:pci=bus one"), HasSubstr("is not a PCI id"));
    EXPECT_THAT(refusal("8GiB:uuid=GPU-12"), HasSubstr("is not a UUID"));
    EXPECT_THAT(refusal("8GiB:sm=ninety"), HasSubstr("is not a number"));
    EXPECT_THAT(refusal("8GiB:peer=perhaps"), HasSubstr("neither yes nor no"));
    EXPECT_THAT(refusal("99999999999TiB"), HasSubstr("more than any card has"));
}

class VisibleCards : public testing::Test {
protected:
    std::vector<int> visible(const std::optional<std::string>& devices,
                             const std::optional<std::string>& order = std::nullopt) const {
        return visible_cards(cards_, devices, order);
    }

    std::vector<CardSpec> cards_ = parse_rig(
                                       "1GiB:pci=0000:09:00.0:uuid=GPU-aaaa0000-0000-0000-0000-000000000000,"
                                       "1GiB:pci=0000:08:00.0:uuid=GPU-aabb0000-0000-0000-0000-000000000000,"
                                       "1GiB:pci=0000:07:00.0:uuid=MIG-cccc0000-0000-0000-0000-000000000000")
                                       .cards;
};

TEST_F(VisibleCards, AllWhereNothingIsSaid) { EXPECT_THAT(visible(std::nullopt), ElementsAre(0, 1, 2)); }

TEST_F(VisibleCards, IndicesInTheOrderGiven) { EXPECT_THAT(visible("2, 0"), ElementsAre(2, 0)); }

TEST_F(VisibleCards, WholeAndShortUuids) {
    EXPECT_THAT(visible("GPU-aabb,MIG-cccc0000-0000-0000-0000-000000000000"), ElementsAre(1, 2));
    EXPECT_THAT(visible("GPU-aa"), IsEmpty()) << "names two cards";
    EXPECT_THAT(visible("aabb"), IsEmpty());
}

TEST_F(VisibleCards, EndsBeforeTheFirstThatNamesNoCard) {
    EXPECT_THAT(visible("1,7,0"), ElementsAre(1));
    EXPECT_THAT(visible("0,-1,1"), ElementsAre(0));
    EXPECT_THAT(visible("0,GPU-dddd,1"), ElementsAre(0));
    EXPECT_THAT(visible(""), IsEmpty());
    EXPECT_THAT(visible("NoDevFiles"), IsEmpty());
}

TEST_F(VisibleCards, ACardNamedTwiceLeavesNone) {
    EXPECT_THAT(visible("0,1,0"), IsEmpty());
    EXPECT_THAT(visible("1,GPU-aabb"), IsEmpty());
}

TEST_F(VisibleCards, OrderOfPciAddresses) {
    EXPECT_THAT(visible(std::nullopt, "PCI_BUS_ID"), ElementsAre(2, 1, 0));
    EXPECT_THAT(visible("0", "PCI_BUS_ID"), ElementsAre(2));
    EXPECT_THAT(cards_by_pci(cards_), ElementsAre(2, 1, 0));
}

}  // namespace
}  // namespace simcuda
