#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

#include <gpushard/error.hpp>
#include <gpushard/index_profile.hpp>

namespace gpushard {
namespace {

TEST(Metric, NumbersAreThoseOfFaiss) {
    const std::pair<std::int32_t, std::string> metrics[] = {{0, "inner_product"},
                                                            {1, "l2"},
                                                            {2, "l1"},
                                                            {3, "linf"},
                                                            {4, "lp"},
                                                            {20, "canberra"},
                                                            {21, "bray_curtis"},
                                                            {22, "jensen_shannon"},
                                                            {23, "jaccard"},
                                                            {24, "nan_euclidean"},
                                                            {25, "gower"}};
    for (const auto& [number, name] : metrics) {
        const std::optional<Metric> metric = metric_from_number(number);
        ASSERT_TRUE(metric.has_value()) << number;
        EXPECT_EQ(static_cast<std::int32_t>(*metric), number);
        EXPECT_EQ(to_string(*metric), name);
    }
}

TEST(Metric, OthersHaveNoName) {
    for (const std::int32_t number : {-1, 5, 19, 26, 77}) EXPECT_FALSE(metric_from_number(number).has_value());
    EXPECT_EQ(to_string(static_cast<Metric>(77)), "metric 77");
}

TEST(Metric, SimilaritiesAreBetterWhenLarger) {
    for (std::int32_t number = 0; number < 30; ++number) {
        if (const auto metric = metric_from_number(number)) {
            EXPECT_EQ(is_similarity(*metric), *metric == Metric::inner_product || *metric == Metric::jaccard);
        }
    }
}

TEST(Precision, NamesAndSizes) {
    EXPECT_EQ(to_string(Precision::f32), "f32");
    EXPECT_EQ(to_string(Precision::f16), "f16");
    EXPECT_EQ(to_string(Precision::bf16), "bf16");
    EXPECT_EQ(element_bytes(Precision::f32), 4u);
    EXPECT_EQ(element_bytes(Precision::f16), 2u);
    EXPECT_EQ(element_bytes(Precision::bf16), 2u);
}

TEST(IndexProfile, IsCalledByItsFirstFile) {
    IndexProfile index;
    EXPECT_EQ(index.display_name(), "memory");
    index.files = {"dir/big.index"};
    EXPECT_EQ(index.display_name(), "dir/big.index");
    index.files = {"part_aa", "part_ab", "part_ac"};
    EXPECT_EQ(index.display_name(), "part_aa (+2 parts)");
}

TEST(IndexProfile, RowBytesFollowTheStoredPrecision) {
    IndexProfile index;
    index.dim = 768;
    EXPECT_EQ(index.row_bytes(), 3072u);
    index.stored = Precision::f16;
    EXPECT_EQ(index.row_bytes(), 1536u);
    EXPECT_EQ(to_string(index.type), "flat");
}

TEST(FlatProfile, IsWhatAFileOfTheseVectorsWouldHave) {
    const IndexProfile wiki = flat_profile(21'015'324, 768);
    EXPECT_TRUE(wiki.of_no_file);
    EXPECT_TRUE(wiki.files.empty());
    EXPECT_EQ(wiki.display_name(), "(no file)");
    EXPECT_EQ(wiki.fourcc, "IxFI");
    EXPECT_EQ(wiki.metric, Metric::inner_product);
    EXPECT_EQ(wiki.payload_offset, 45u);
    EXPECT_EQ(wiki.payload_bytes, 64'559'075'328u);
    EXPECT_EQ(wiki.bytes, 64'559'075'373u);
    EXPECT_EQ(flat_profile(1, 1, Metric::l2).fourcc, "IxF2");
    EXPECT_EQ(flat_profile(1, 1, Metric::l1).fourcc, "IxFl");
    EXPECT_EQ(flat_profile(1, 1, Metric::l1).payload_offset, 49u);
    EXPECT_EQ(flat_profile(0, 1 << 20).payload_bytes, 0u);
}

TEST(FlatProfile, RefusesWhatNoFileCanHold) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    for (const std::int64_t dim : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{(1 << 20) + 1}, most}) {
        EXPECT_THROW(flat_profile(10, dim), InvalidArgument) << dim;
    }
    for (const std::int64_t count : {std::int64_t{-1}, most, most / 4}) {
        EXPECT_THROW(flat_profile(count, 1), InvalidArgument) << count;
    }
    EXPECT_NO_THROW(flat_profile((most - 45) / 4, 1));
    EXPECT_THROW(flat_profile((most - 45) / 4 + 1, 1), InvalidArgument);
    EXPECT_THROW(flat_profile(1, 1, static_cast<Metric>(7)), InvalidArgument);
}

TEST(Metric, IsReadByItsName) {
    EXPECT_EQ(parse_metric("ip"), Metric::inner_product);
    EXPECT_EQ(parse_metric("inner_product"), Metric::inner_product);
    EXPECT_EQ(parse_metric("l2"), Metric::l2);
    EXPECT_EQ(parse_metric("gower"), Metric::gower);
    for (const char* text : {"", "IP2", "cosine", "dot"}) EXPECT_THROW(parse_metric(text), InvalidArgument) << text;
}

}  // namespace
}  // namespace gpushard
