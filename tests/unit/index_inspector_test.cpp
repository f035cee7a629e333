#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/error.hpp>
#include <gpushard/index_inspector.hpp>

#include "support/errors.hpp"
#include "support/index_writer.hpp"
#include "support/shared_data.hpp"
#include "support/temp_dir.hpp"
#include "support/test_sources.hpp"

namespace gpushard {
namespace {

using test::flat_index;
using test::message_of;
using test::TempDir;
using test::uniform_rows;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

IndexProfile inspect_bytes(const std::string& bytes) {
    return inspect_index(*view_memory(bytes.data(), bytes.size(), "x.index"));
}

template <typename Value>
std::string with_field(std::string bytes, std::size_t offset, Value value) {
    std::memcpy(bytes.data() + offset, &value, sizeof value);
    return bytes;
}

TEST(InspectIndex, ReadsEveryFieldOfAFlatIndex) {
    const IndexProfile profile = inspect_bytes(flat_index(uniform_rows(10, 7, 1), Metric::inner_product));
    EXPECT_THAT(profile.files, ElementsAre("x.index"));
    EXPECT_EQ(profile.bytes, 45u + 280u);
    EXPECT_EQ(profile.type, IndexType::flat);
    EXPECT_EQ(profile.fourcc, "IxFI");
    EXPECT_EQ(profile.dim, 7);
    EXPECT_EQ(profile.count, 10);
    EXPECT_EQ(profile.metric, Metric::inner_product);
    EXPECT_EQ(profile.metric_arg, 0);
    EXPECT_EQ(profile.stored, Precision::f32);
    EXPECT_EQ(profile.payload_offset, 45u);
    EXPECT_EQ(profile.payload_bytes, 280u);
    EXPECT_TRUE(profile.chain.empty());
}

TEST(InspectIndex, ReadsTheMetricArgument) {
    const IndexProfile profile = inspect_bytes(flat_index(uniform_rows(2, 3, 1), Metric::lp, 2.5f));
    EXPECT_EQ(profile.fourcc, "IxFl");
    EXPECT_EQ(profile.metric, Metric::lp);
    EXPECT_EQ(profile.metric_arg, 2.5f);
    EXPECT_EQ(profile.payload_offset, 49u);
}

TEST(InspectIndex, GoesByTheMetricOfTheHeaderAsFaissDoes) {
    const std::string bytes = flat_index(uniform_rows(2, 3, 1), Metric::inner_product);
    EXPECT_EQ(inspect_bytes(with_field(bytes, 33, std::int32_t{1})).metric, Metric::l2);
}

TEST(InspectIndex, KnowsEveryMetricOfFaissAndNoOther) {
    const std::set<std::int32_t> known{0, 1, 2, 3, 4, 20, 21, 22, 23, 24, 25};
    for (std::int32_t number = -2; number < 30; ++number) {
        std::string bytes = flat_index(uniform_rows(2, 3, 1), Metric{number}, 1.0f);
        if (number < 0) bytes.insert(37, 4, '\0');
        if (known.contains(number)) {
            EXPECT_EQ(inspect_bytes(bytes).metric, Metric{number});
        } else {
            EXPECT_THAT(message_of<BadFile>([&] { inspect_bytes(bytes); }),
                        AllOf(HasSubstr("metric at offset 33 is " + std::to_string(number)), HasSubstr("expected")));
        }
    }
}

TEST(InspectIndex, ReadsTheHeaderAloneOfAFileOfAnySize) {
    const TempDir folder;
    const std::int64_t count = 21015324;
    test::write_file(folder / "e5_Flat.index", test::flat_index_header(count, 768, Metric::inner_product));
    std::filesystem::resize_file(folder / "e5_Flat.index", 64559075373);
    const auto file = open_file(folder / "e5_Flat.index");
    const IndexProfile profile = inspect_index(*file);
    EXPECT_EQ(file->bytes_read(), 45u);
    EXPECT_EQ(profile.count, count);
    EXPECT_EQ(profile.dim, 768);
    EXPECT_EQ(profile.payload_bytes, 64559075328u);
    EXPECT_EQ(inspect_index(folder / "e5_Flat.index").bytes, 64559075373u);
}

TEST(InspectIndex, ReadsAnIndexInPartsCutAnywhere) {
    const TempDir folder;
    const std::string whole = flat_index(uniform_rows(5, 4, 3), Metric::l1);
    for (const std::vector<std::size_t>& cuts :
         {std::vector<std::size_t>{2}, {10, 20, 40}, {49}, {50, 51, 52}, {49 + 16, 49 + 17}}) {
        const auto paths = test::write_parts(folder.path(), whole, cuts);
        const IndexProfile profile = inspect_index(paths);
        EXPECT_EQ(profile.count, 5);
        EXPECT_EQ(profile.bytes, whole.size());
        ASSERT_EQ(profile.files.size(), paths.size());
        EXPECT_EQ(profile.files.back(), paths.back().string());
    }
}

class DamagedIndex : public testing::TestWithParam<Metric> {
protected:
    std::string whole = flat_index(uniform_rows(3, 5, 2), GetParam(), 1.5f);
};

TEST_P(DamagedIndex, IsRefusedWhereverItIsTruncated) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_THAT(message_of<BadFile>([&] { inspect_bytes(whole.substr(0, size)); }),
                    AllOf(HasSubstr("x.index"), HasSubstr("truncated")))
            << size;
    }
}

TEST_P(DamagedIndex, IsRefusedWithTrailingBytes) {
    for (const std::size_t extra : {1, 20, 4096}) {
        EXPECT_THAT(message_of<BadFile>([&] { inspect_bytes(whole + std::string(extra, '\0')); }),
                    HasSubstr(std::to_string(extra) + " bytes too many"));
    }
}

// Any value in any field is either the right one or a reason to refuse the file with the name of the field.
TEST_P(DamagedIndex, IsRefusedForAbsurdFields) {
    const std::vector<std::int64_t> values = {0,
                                              1,
                                              -1,
                                              std::int64_t{1} << 31,
                                              std::int64_t{1} << 32,
                                              std::int64_t{1} << 61,
                                              std::numeric_limits<std::int64_t>::max(),
                                              std::numeric_limits<std::int64_t>::min()};
    const std::size_t count_offset = GetParam() == Metric::lp ? 41 : 37;
    for (const std::int64_t value : values) {
        SCOPED_TRACE(value);
        EXPECT_THROW(inspect_bytes(with_field(whole, 4, static_cast<std::int32_t>(value))), BadFile);
        EXPECT_THROW(inspect_bytes(with_field(whole, 8, value)), BadFile);
        EXPECT_THROW(inspect_bytes(with_field(whole, count_offset, value)), BadFile);
        // Count and element count that agree with each other, in a product that wraps around, but not with the file.
        EXPECT_THROW(
            inspect_bytes(with_field(with_field(whole, 8, value), count_offset, static_cast<std::uint64_t>(value) * 5)),
            BadFile);
    }
    // Right but for a multiple of 2^62: right again once multiplied by the 4 bytes of a float, modulo 2^64.
    const std::int64_t wraps = std::int64_t{1} << 62;
    EXPECT_THROW(inspect_bytes(with_field(whole, 8, wraps + 3)), BadFile);
    EXPECT_THROW(inspect_bytes(with_field(whole, count_offset, wraps + 15)), BadFile);
    EXPECT_THAT(message_of<BadFile>([&] { inspect_bytes(with_field(whole, 4, (std::int32_t{1} << 20) + 1)); }),
                HasSubstr("dimension at offset 4 is 1048577, expected 1 to 1048576"));
    EXPECT_THAT(message_of<BadFile>([&] { inspect_bytes(with_field(whole, 8, std::int64_t{-1})); }),
                HasSubstr("vector count at offset 8 is -1"));
    EXPECT_THAT(message_of<BadFile>([&] { inspect_bytes(with_field(whole, count_offset, std::int64_t{16})); }),
                HasSubstr("element count at offset " + std::to_string(count_offset) + " is 16, expected 15"));
    EXPECT_THAT(message_of<BadFile>([&] { inspect_bytes(with_field(whole, 32, std::uint8_t{2})); }),
                HasSubstr("is_trained at offset 32 is 2, expected 0 or 1"));
}

INSTANTIATE_TEST_SUITE_P(FlatHeaders, DamagedIndex, testing::Values(Metric::inner_product, Metric::l2, Metric::lp),
                         [](const auto& instance) { return to_string(instance.param); });

TEST(InspectIndex, RefusesAMetricArgumentThatIsNoExponent) {
    for (const float value : {0.0f, -1.0f, std::nanf(""), std::numeric_limits<float>::infinity()}) {
        EXPECT_THROW(inspect_bytes(flat_index(uniform_rows(2, 2, 1), Metric::lp, value)), BadFile) << value;
    }
    EXPECT_THROW(inspect_bytes(flat_index(uniform_rows(2, 2, 1), Metric::l1, std::nanf(""))), BadFile);
    EXPECT_NO_THROW(inspect_bytes(flat_index(uniform_rows(2, 2, 1), Metric::l1, 0)));
}

TEST(InspectIndex, CarriesTheNumbersOfAnErrorAsFields) {
    std::string bytes = flat_index(uniform_rows(2, 2, 1), Metric::l2);
    try {
        inspect_bytes(with_field(bytes, 4, std::int32_t{-3}));
        FAIL();
    } catch (const BadFile& error) {
        using testing::Contains;
        EXPECT_THAT(error.fields(), Contains(ErrorField{"file", "x.index"}));
        EXPECT_THAT(error.fields(), Contains(ErrorField{"offset", std::int64_t{4}}));
        EXPECT_THAT(error.fields(), Contains(ErrorField{"field", "dimension"}));
        EXPECT_THAT(error.fields(), Contains(ErrorField{"value", "-3"}));
    }
}

TEST(InspectIndex, NamesTypesItDoesNotRead) {
    EXPECT_THAT(message_of<BadFile>([&] { inspect_bytes("IwFl" + std::string(100, 'x')); }),
                AllOf(HasSubstr("IwFl (IndexIVFFlat) is not supported"), HasSubstr("IxFI (IndexFlatIP)"),
                      HasSubstr("IxF2 (IndexFlatL2)"), HasSubstr("IxFl (IndexFlat)")));
    EXPECT_THAT(message_of<BadFile>([&] { inspect_bytes("abcd\x99" + std::string(100, 'x')); }),
                AllOf(HasSubstr("unknown type code"), HasSubstr("Index type 0x64636261 (\"abcd\") not recognized"),
                      HasSubstr("supported: IxFI")));
    EXPECT_THAT(message_of<BadFile>([&] { inspect_bytes(std::string("\x93NUM\n\0", 6)); }),
                HasSubstr("0x4d554e93 (\"\\x93NUM\")"));
}

TEST(InspectIndex, SaysWhyAFileIsNoIndex) {
    const TempDir folder;
    EXPECT_THROW(inspect_index(folder / "missing"), BadFile);
    EXPECT_THROW(inspect_index(folder.path()), BadFile);
    test::write_file(folder / "empty", "");
    EXPECT_THROW(inspect_index(folder / "empty"), BadFile);
    EXPECT_THROW(inspect_index(std::vector<std::filesystem::path>{}), InvalidArgument);
}

TEST(InspectIndex, ReadsTheFlatFilesThatFaissWrote) {
    const auto data = test::shared_data();
    if (data.empty()) GTEST_SKIP() << "no recorded index files here (set GPUSHARD_SHARED_DATA)";
    const struct {
        const char* file;
        Metric metric;
        float metric_arg;
        std::int64_t count;
    } expected[] = {{"flat_ip", Metric::inner_product, 0, 2000},
                    {"flat_l2", Metric::l2, 0, 2000},
                    {"flat_l1", Metric::l1, 0, 2000},
                    {"flat_linf", Metric::linf, 0, 2000},
                    {"flat_lp", Metric::lp, 3, 2000},
                    {"flat_empty", Metric::inner_product, 0, 0}};
    for (const auto& flat : expected) {
        SCOPED_TRACE(flat.file);
        const IndexProfile profile = inspect_index(data / "zoo" / (std::string(flat.file) + ".index"));
        EXPECT_EQ(profile.dim, 32);
        EXPECT_EQ(profile.count, flat.count);
        EXPECT_EQ(profile.metric, flat.metric);
        EXPECT_EQ(profile.metric_arg, flat.metric_arg);
    }
}

TEST(InspectIndex, RefusesEveryOtherTypeThatFaissWritesByName) {
    const auto data = test::shared_data();
    if (data.empty()) GTEST_SKIP() << "no recorded index files here (set GPUSHARD_SHARED_DATA)";
    int refused = 0;
    for (const auto& entry : std::filesystem::directory_iterator(data / "zoo")) {
        if (entry.path().extension() != ".index") continue;
        const std::string fourcc = test::read_file(entry.path()).substr(0, 4);
        if (fourcc.starts_with("IxF")) continue;
        EXPECT_THAT(message_of<BadFile>([&] { inspect_index(entry.path()); }),
                    AllOf(HasSubstr(fourcc + " (Index"), HasSubstr("is not supported")));
        ++refused;
    }
    EXPECT_GT(refused, 30);
}

class Fingerprint : public testing::Test {
protected:
    static std::string of(const std::string& bytes) {
        const auto source = view_memory(bytes.data(), bytes.size());
        return fingerprint(*source, inspect_index(*source));
    }
};

TEST_F(Fingerprint, IsThirtyTwoHexadecimalDigitsOfTheContent) {
    const std::string bytes = flat_index(uniform_rows(10, 8, 1), Metric::l2);
    EXPECT_THAT(of(bytes), testing::MatchesRegex("[0-9a-f]+"));
    EXPECT_EQ(of(bytes).size(), 32u);
    EXPECT_EQ(of(bytes), of(flat_index(uniform_rows(10, 8, 1), Metric::l2)));
}

TEST_F(Fingerprint, SeesEveryByteOfASmallIndex) {
    const std::string bytes = flat_index(uniform_rows(6, 4, 1), Metric::l2);
    std::set<std::string> seen{of(bytes)};
    for (std::size_t i = 45; i < bytes.size(); ++i) {
        std::string changed = bytes;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        EXPECT_TRUE(seen.insert(of(changed)).second) << i;
    }
    EXPECT_TRUE(seen.insert(of(flat_index(uniform_rows(6, 4, 1), Metric::inner_product))).second);
}

TEST_F(Fingerprint, SamplesALargeIndexFromItsFirstByteToItsLast) {
    const std::string bytes = flat_index(uniform_rows(8192, 16, 1), Metric::inner_product);
    const auto source = view_memory(bytes.data(), bytes.size());
    const IndexProfile profile = inspect_index(*source);
    const Bytes before = source->bytes_read();
    const std::string original = fingerprint(*source, profile);
    EXPECT_EQ(source->bytes_read() - before, 45u + 64_KiB);

    for (const std::size_t i : {std::size_t{45}, bytes.size() - 1}) {
        std::string changed = bytes;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        EXPECT_NE(of(changed), original) << i;
    }
    // Half of the payload replaced, wherever it lies.
    for (const std::size_t begin : {std::size_t{45}, bytes.size() / 4, bytes.size() / 2}) {
        std::string changed = bytes;
        for (std::size_t i = begin; i < begin + bytes.size() / 2 && i < bytes.size(); ++i) changed[i] = 1;
        EXPECT_NE(of(changed), original) << begin;
    }
}

TEST_F(Fingerprint, DependsOnTheSize) {
    const std::string zeros_of_1000 = flat_index({1000, 64, std::vector<float>(64000)}, Metric::l2);
    const std::string zeros_of_1001 = flat_index({1001, 64, std::vector<float>(64064)}, Metric::l2);
    EXPECT_NE(of(zeros_of_1000), of(zeros_of_1001));
}

TEST_F(Fingerprint, IsTheSameForAFileAndItsParts) {
    const TempDir folder;
    const std::string bytes = flat_index(uniform_rows(3000, 16, 1), Metric::inner_product);
    const auto paths = test::write_parts(folder.path(), bytes, {20, 5000, 100001});
    const auto parts = open_parts(paths);
    EXPECT_EQ(fingerprint(*parts, inspect_index(*parts)), of(bytes));
}

}  // namespace
}  // namespace gpushard
