#include <functional>
#include <random>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/explain.hpp>
#include <gpushard/report.hpp>

#include "explain/log_lines.hpp"
#include "explain/log_scan.hpp"

namespace gpushard {
namespace {

/// What a scan did to a text of so many bytes.
struct Effort {
    LogScan::Work work;
    std::size_t records = 0;
};

Effort effort_of(const std::string& text) {
    LogScan scan(built_in_catalogue());
    LogLines lines([&scan](std::uint64_t number, std::string_view line) { scan.take(number, line); });
    lines.feed(text);
    lines.finish();
    return {scan.work(), scan.records().size()};
}

std::string repeated(int times, const std::function<std::string(int)>& line) {
    std::string text;
    for (int i = 0; i < times; ++i) text += line(i);
    return text;
}

std::string near_match(int i) {
    return "StandardGpuResources: alloc fail type FlatDatum dev " + std::to_string(i) + " size " + std::to_string(i) +
           "\n";
}

std::string match(int i) {
    return "StandardGpuResources: alloc fail type FlatData dev " + std::to_string(i % 8) +
           " space Device stream 0 size " + std::to_string(256 * (i + 1)) +
           " bytes (cudaMalloc error out of memory [2])\n";
}

/// An opening line may be joined with the three after it: each byte is looked at by itself, and in at most three joins.
constexpr std::uint64_t most_looks = 4;

TEST(HostileText, WorkIsLinear) {
    for (const auto& line : {near_match, match}) {
        const std::string half = repeated(10'000, line);
        const std::string whole = repeated(20'000, line);
        const Effort of_half = effort_of(half);
        const Effort of_whole = effort_of(whole);
        EXPECT_LE(of_whole.work.matched_bytes, most_looks * whole.size());
        EXPECT_LE(of_whole.work.matched_bytes,
                  2 * of_half.work.matched_bytes + most_looks * (whole.size() - 2 * half.size()));
        EXPECT_LE(of_whole.work.matched_texts, 2 * of_half.work.matched_texts + 8);
    }
}

TEST(HostileText, WhatIsKeptIsBounded) {
    const Effort effort = effort_of(repeated(50'000, match));
    EXPECT_LE(effort.records, LogScan::most_records_an_entry);
    EXPECT_LE(effort.work.captures, LogScan::most_captures_an_entry);
    const Explanation explanation = explain(repeated(50'000, match));
    ASSERT_EQ(explanation.findings.size(), 1u);
    EXPECT_EQ(explanation.findings.front().repeats, 50'000u);
    EXPECT_LE(explanation.findings.front().lines.size(), 4u);
    EXPECT_EQ(explanation.cards.size(), 8u);
}

TEST(HostileText, AFloodOfOneErrorHidesNoOther) {
    const Explanation explanation =
        explain(repeated(5'000, match) + "RuntimeError: CUDA error: uncorrectable ECC error encountered\n");
    ASSERT_EQ(explanation.findings.size(), 2u);
    EXPECT_EQ(explanation.findings.back().report.id, "cuda-ecc");
    EXPECT_EQ(explanation.findings.back().lines.front().number, 5'001u);
}

TEST(HostileText, OneLineOfAnyLengthIsReadInPieces) {
    std::string text(3 << 20, 'x');
    text.replace(2 << 20, 60, " alloc fail type FlatData dev 3 space Device stream 0 size 256 bytes (");
    const Effort effort = effort_of(text);
    const std::uint64_t pieces = text.size() / (LogLines::longest - LogLines::overlap) + 2;
    EXPECT_LE(effort.work.matched_texts, most_looks * pieces);
    const Explanation explanation = explain(text);
    ASSERT_TRUE(explanation.recognised());
    EXPECT_EQ(explanation.findings.front().report.id, "faiss-flat-storage");
    EXPECT_EQ(explanation.findings.front().repeats, 1u);
    EXPECT_EQ(explanation.lines_read, 1u);
}

TEST(HostileText, BytesOfAnyKindDoNoHarm) {
    std::mt19937 random(1);
    std::string text(1 << 20, '\0');
    for (char& c : text) c = static_cast<char>(random() & 0xff);
    text +=
        "\n\x1b]0;evil\x07"
        "failed to cudaMalloc 17 bytes \x1b[2J\x9b"
        "31m\n";
    const Explanation explanation = explain(text);
    ASSERT_TRUE(explanation.recognised());
    for (const std::string& printed : {to_text(explanation), to_json(explanation)}) {
        for (const char c : printed) {
            const auto byte = static_cast<unsigned char>(c);
            ASSERT_TRUE(byte == '\n' || (byte >= 0x20 && byte != 0x7f)) << static_cast<int>(byte);
        }
        EXPECT_THAT(printed, testing::Not(testing::HasSubstr("\x9b")));
    }
    EXPECT_FALSE(explain(std::string(1 << 20, '\0')).recognised());
    EXPECT_FALSE(explain("").recognised());
    EXPECT_FALSE(explain(std::string(1 << 20, '\n')).recognised());
}

/// Every prefix of a text, and every text with one byte lost, is explained or not, and does no harm.
TEST(HostileText, CutTextsDoNoHarm) {
    const std::string text =
        "RuntimeError: Error in faiss::gpu::allocMemory at x.cpp:1: 'err == cudaSuccess' failed: StandardGpuResources: "
        "alloc "
        "fail type TemporaryMemoryOverflow dev 0 space Device stream 0xb size 32279537664 bytes (cudaMalloc error [2])";
    for (std::size_t at = 0; at <= text.size(); ++at) {
        EXPECT_NO_THROW(explain(text.substr(0, at)));
        std::string changed = text;
        if (at < text.size()) changed.erase(at, 1);
        EXPECT_NO_THROW(explain(changed));
    }
}

TEST(HostileText, AStreamIsReadAsAText) {
    const std::string text = repeated(20'000, near_match) + match(0);
    std::istringstream stream(text);
    const Explanation streamed = explain(stream);
    EXPECT_EQ(to_json(streamed), to_json(explain(text)));
    EXPECT_EQ(streamed.bytes_read, text.size());
    EXPECT_EQ(streamed.lines_read, 20'001u);
}

}  // namespace
}  // namespace gpushard
