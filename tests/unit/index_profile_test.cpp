#include <gtest/gtest.h>

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

}  // namespace
}  // namespace gpushard
