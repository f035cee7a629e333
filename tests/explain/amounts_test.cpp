#include "explain/amounts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/wiki_index.hpp"

namespace gpushard {
namespace {

using test::flat_index;
using test::wiki_index;

AmountReading first_reading(Bytes bytes, const IndexProfile& index) {
    AmountContext context;
    context.catalogue = &built_in_catalogue();
    context.index = &index;
    const std::vector<AmountReading> readings = read_amount(bytes, context);
    return readings.empty() ? AmountReading{} : readings.front();
}

std::vector<AmountReading> guesses(Bytes bytes, std::optional<std::int32_t> dim = {}) {
    AmountContext context;
    context.catalogue = &built_in_catalogue();
    context.dim = dim;
    context.may_guess = true;
    return read_amount(bytes, context);
}

TEST(Amounts, OfAnIndexThatIsKnown) {
    EXPECT_EQ(first_reading(64'559'075'328, wiki_index()).role, AmountRole::whole_f32);
    EXPECT_EQ(first_reading(32'279'537'664, wiki_index()).role, AmountRole::whole_f16);
    const AmountReading quarter = first_reading(8'069'884'416, wiki_index());
    EXPECT_EQ(quarter.role, AmountRole::share_f16);
    EXPECT_EQ(quarter.parts, 4);
    EXPECT_EQ(quarter.text, "5,253,831 x 768 x 2 bytes (float16)");
    EXPECT_FALSE(quarter.is_guess);
    const AmountReading norms = first_reading(84'061'440, wiki_index());  // 4 x 21,015,324, rounded up to 256
    EXPECT_EQ(norms.role, AmountRole::norms);
    EXPECT_EQ(first_reading(1'610'612'736, wiki_index()).role, AmountRole::temp_stack);
    EXPECT_EQ(first_reading(123'456'789, wiki_index()).role, AmountRole::unknown);
}

TEST(Amounts, RequestsAreRoundedUp) {
    const IndexProfile index = flat_index(1'000'001, 100);  // rows of 400 bytes
    EXPECT_EQ(first_reading(400'000'512, index).role, AmountRole::whole_f32);
    EXPECT_EQ(first_reading(400'000'400, index).role, AmountRole::whole_f32);
    EXPECT_EQ(first_reading(400'000'768, index).role, AmountRole::unknown);
}

TEST(Amounts, OfNothingKnownAreGuessesAndSaidToBe) {
    const std::vector<AmountReading> readings = guesses(2'764'800'000);
    ASSERT_FALSE(readings.empty());
    EXPECT_LE(readings.size(), 2u);
    EXPECT_EQ(readings.front().text, "900,000 x 768 x 4 bytes (float32)");
    for (const AmountReading& reading : readings) {
        EXPECT_TRUE(reading.is_guess);
        EXPECT_EQ(static_cast<Bytes>(reading.rows) * static_cast<Bytes>(reading.dim) * element_bytes(reading.precision),
                  2'764'800'000u);
        EXPECT_THAT(reading.reason, testing::HasSubstr("guess"));
    }
}

/// Sizes that divide by a common dimension as every twelfth does are not called an index.
TEST(Amounts, WhatMayWellBeAnAccidentIsNotOffered) {
    for (const Bytes bytes : {
             Bytes{2'929'229} * 768 * 4,  // divides by 768 x 4, into no round number of rows
             Bytes{8'998'592'512},        // a search buffer
             Bytes{1} << 32,              // a power of two divides by many dimensions
             Bytes{4'703'616},            // 1,531.1 x 768 x 4
             Bytes{20'040'000'000},       // divides by 100 x 4, and by 300 x 4
             Bytes{1'610'612'736} + 256,  // beside the temp stack
         }) {
        for (const AmountReading& reading : guesses(bytes)) {
            EXPECT_EQ(reading.rows % 1000, 0) << bytes << " is read as " << reading.text;
        }
    }
    EXPECT_TRUE(guesses(Bytes{2'929'229} * 768 * 4).empty());
    EXPECT_TRUE(guesses(Bytes{1} << 32).empty());
    EXPECT_TRUE(guesses(8'998'592'512).empty());
    EXPECT_FALSE(guesses(Bytes{5'000'000} * 1024 * 4).empty());
}

TEST(Amounts, ADimensionThatWasTypedNarrowsThem) {
    const std::vector<AmountReading> readings = guesses(32'279'537'664, 768);
    ASSERT_EQ(readings.size(), 2u);
    EXPECT_EQ(readings[0].text, "10,507,662 x 768 x 4 bytes (float32)");
    EXPECT_EQ(readings[1].text, "21,015,324 x 768 x 2 bytes (float16)");
    EXPECT_TRUE(guesses(32'279'537'664, 1000).empty());
}

TEST(Amounts, AWellKnownIndexIsRecognisedByItsSizeAlone) {
    const std::vector<AmountReading> readings = guesses(32'279'537'664);
    ASSERT_EQ(readings.size(), 1u);
    EXPECT_FALSE(readings.front().is_guess);
    EXPECT_EQ(readings.front().role, AmountRole::whole_f16);
    EXPECT_THAT(readings.front().reason, testing::HasSubstr("Wikipedia"));
    EXPECT_EQ(well_known_index(32'279'537'408, built_in_catalogue()), nullptr);
}

TEST(Amounts, NoSizeOverflows) {
    EXPECT_TRUE(guesses(0).empty());
    EXPECT_NO_THROW(guesses(18'446'744'065'770'205'184u));
    EXPECT_NO_THROW(guesses(~Bytes{0} - 255));
}

}  // namespace
}  // namespace gpushard
