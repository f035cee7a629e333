#include "explain/log_lines.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpushard {
namespace {

using testing::ElementsAre;
using testing::Pair;

std::vector<std::pair<std::uint64_t, std::string>> lines_of(const std::string& text, std::size_t block = 7) {
    std::vector<std::pair<std::uint64_t, std::string>> all;
    LogLines lines([&all](std::uint64_t number, std::string_view line) { all.emplace_back(number, line); });
    for (std::size_t at = 0; at < text.size(); at += block) lines.feed(std::string_view(text).substr(at, block));
    lines.finish();
    return all;
}

TEST(LogLinesTest, CleansAndNumbersLines) {
    EXPECT_THAT(lines_of("  one \t two\r\n\n\x1b[31mthree\x1b[0m\nfour"),
                ElementsAre(Pair(1, "one two"), Pair(3, "three"), Pair(4, "four")));
    EXPECT_THAT(lines_of("10%\r20%\r30%\nend"),
                ElementsAre(Pair(1, "10%"), Pair(1, "20%"), Pair(1, "30%"), Pair(2, "end")));
}

TEST(LogLinesTest, ReadsSixteenBitText) {
    EXPECT_THAT(lines_of(std::string("C\0U\0D\0A\0\r\0\n\0x\0", 14)), ElementsAre(Pair(1, "CUDA"), Pair(2, "x")));
}

TEST(LogLinesTest, BlocksDoNotMatter) {
    const std::string text = "alpha beta\r\ngamma\x1b[1;31mdelta\nlast line";
    for (std::size_t block = 1; block < text.size(); ++block) EXPECT_EQ(lines_of(text, block), lines_of(text, 1000));
}

TEST(LogLinesTest, LongLinesComeInPiecesThatOverlap) {
    const std::string text(3 * LogLines::longest, 'a');
    std::size_t bytes = 0;
    const auto pieces = lines_of(text, 1000);
    for (const auto& [number, piece] : pieces) {
        EXPECT_EQ(number, 1u);
        EXPECT_LE(piece.size(), LogLines::longest);
        bytes += piece.size();
    }
    EXPECT_EQ(bytes, text.size() + (pieces.size() - 1) * LogLines::overlap);
}

}  // namespace
}  // namespace gpushard
