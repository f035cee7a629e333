#include <stdexcept>

#include <gtest/gtest.h>

#include <gpushard/bytes.hpp>
#include <gpushard/error.hpp>

namespace gpushard {
namespace {

TEST(Bytes, FormatsWithFourDigits) {
    EXPECT_EQ(format_bytes(0), "0 B");
    EXPECT_EQ(format_bytes(1023), "1023 B");
    EXPECT_EQ(format_bytes(1024), "1.000 KiB");
    EXPECT_EQ(format_bytes(64559075328), "60.13 GiB");
    EXPECT_EQ(format_bytes(512_MiB), "512.0 MiB");
    EXPECT_EQ(format_bytes(1_GiB - 1), "1.000 GiB");
    EXPECT_EQ(format_bytes(~Bytes{0}), "16.00 EiB");
}

TEST(Bytes, ParsesEveryUnit) {
    EXPECT_EQ(parse_bytes("24GiB"), 24_GiB);
    EXPECT_EQ(parse_bytes("24g"), 24_GiB);
    EXPECT_EQ(parse_bytes("1.5GB"), 1500_MB);
    EXPECT_EQ(parse_bytes(" 512 MiB "), 512_MiB);
    EXPECT_EQ(parse_bytes("0.5GiB"), 512_MiB);
    EXPECT_EQ(parse_bytes("17"), 17u);
    EXPECT_EQ(parse_bytes("2TiB"), 2_TiB);
}

TEST(Bytes, RefusesWhatIsNoSize) {
    for (const char* text : {"", "GiB", "-1", "1e9", "1.5", "12 parsecs", "1..5G", "99999999999999999999", "9000000TiB",
                             "0x10", "1GiB2"}) {
        EXPECT_THROW(parse_bytes(text), InvalidArgument) << text;
    }
}

TEST(Bytes, FormatAndParseAgree) {
    for (const Bytes bytes : {1_KiB, 3_MiB, 80_GiB, 5_TiB}) EXPECT_EQ(parse_bytes(format_bytes(bytes)), bytes);
}

TEST(Bytes, CheckedArithmeticThrowsInsteadOfWrapping) {
    EXPECT_EQ(checked_add(1, 2), 3u);
    EXPECT_EQ(checked_multiply(1_GiB, 4), 4_GiB);
    EXPECT_EQ(checked_multiply(0, ~Bytes{0}), 0u);
    EXPECT_THROW(checked_add(~Bytes{0}, 1), std::overflow_error);
    EXPECT_THROW(checked_multiply(~Bytes{0}, 2), std::overflow_error);
}

}  // namespace
}  // namespace gpushard
