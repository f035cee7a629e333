#include "shard/row_kernels.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace gpushard {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

// The value of a half by its definition.
float reference_value(std::uint16_t half) {
    const int exponent = (half >> 10) & 31;
    const int fraction = half & 1023;
    const double sign = (half & 0x8000) != 0 ? -1 : 1;
    if (exponent == 31) return fraction != 0 ? nan : static_cast<float>(sign) * infinity;
    const double magnitude = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    return static_cast<float>(sign * magnitude);
}

std::uint16_t rounded_to_f16(float value) {
    std::uint16_t half = 0;
    round_rows_to_f16(&value, 1, 1, &half, nullptr);
    return half;
}

TEST(RowKernels, WidensEveryHalf) {
    // 65,536 + 3 values: the vector loop and the scalar rest see each kind of number.
    std::vector<std::uint16_t> halves;
    for (std::uint32_t bits = 0; bits < 65536 + 3; ++bits) halves.push_back(static_cast<std::uint16_t>(bits));
    std::vector<float> wide(halves.size());
    widen_halves(halves.data(), static_cast<std::int64_t>(halves.size()), wide.data());
    for (std::size_t i = 0; i < halves.size(); ++i) {
        const float expected = reference_value(halves[i]);
        if (std::isnan(expected)) {
            ASSERT_TRUE(std::isnan(wide[i])) << i;
        } else {
            ASSERT_EQ(std::bit_cast<std::uint32_t>(wide[i]), std::bit_cast<std::uint32_t>(expected)) << i;
        }
    }
}

// Rows of 1 value take the scalar path, rows of 8 the vector path: both must round alike.
TEST(RowKernels, RoundsToTheNearestHalfTiesToEven) {
    std::mt19937 random(7);
    for (int i = 0; i < 300000; ++i) {
        auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
        if (i % 2 == 0)
            value = std::ldexp(static_cast<float>(random()) / 4e9F - 0.5F, static_cast<int>(random() % 44) - 26);
        if (!std::isfinite(value)) continue;
        const std::uint16_t scalar = rounded_to_f16(value);
        const std::array<float, 8> eight = {value, value, value, value, value, value, value, value};
        std::array<std::uint16_t, 8> vector{};
        round_rows_to_f16(eight.data(), 1, 8, vector.data(), nullptr);
        ASSERT_EQ(vector[3], scalar) << value;
        const float rounded = reference_value(scalar);
        if (std::isinf(rounded)) {
            ASSERT_GE(std::abs(value), 65520.0F);
            continue;
        }
        const double error = std::abs(static_cast<double>(value) - rounded);
        for (const int step : {-1, 1}) {
            const auto neighbor_bits = static_cast<std::uint16_t>(scalar + step);
            if ((neighbor_bits & 0x7c00) == 0x7c00 || (scalar & 0x7fff) == 0) continue;
            const double other = std::abs(static_cast<double>(value) - reference_value(neighbor_bits));
            ASSERT_LE(error, other) << value;
            if (error == other) {
                ASSERT_EQ(scalar & 1, 0) << value;
            }
        }
    }
}

TEST(RowKernels, KnowsTheLargestHalf) {
    EXPECT_EQ(rounded_to_f16(65504.0F), 0x7bff);
    EXPECT_EQ(rounded_to_f16(65519.0F), 0x7bff);
    EXPECT_EQ(rounded_to_f16(65520.0F), 0x7c00);
    EXPECT_EQ(rounded_to_f16(-1e30F), 0xfc00);
    EXPECT_EQ(rounded_to_f16(5.9604645e-8F), 0x0001);
    EXPECT_EQ(rounded_to_f16(2.9802322e-8F), 0x0000);
    EXPECT_EQ(rounded_to_f16(-0.0F), 0x8000);
}

TEST(RowKernels, CountsRowsThatAreNotFinite) {
    for (const std::int64_t dim : {1, 7, 16, 35}) {
        std::vector<float> rows(static_cast<std::size_t>(dim * 10), 0.25F);
        EXPECT_EQ(scan_rows(rows.data(), 10, dim, nullptr).non_finite_rows, 0);
        rows[static_cast<std::size_t>(dim * 3 + dim - 1)] = nan;
        rows[static_cast<std::size_t>(dim * 8)] = -infinity;
        const RowFindings found = scan_rows(rows.data(), 10, dim, nullptr);
        EXPECT_EQ(found.non_finite_rows, 2) << dim;
        EXPECT_EQ(found.first_non_finite_row, 3) << dim;
        std::vector<std::uint16_t> halves(rows.size());
        const RowFindings halved_rows = round_rows_to_f16(rows.data(), 10, dim, halves.data(), nullptr);
        EXPECT_EQ(halved_rows.non_finite_rows, 2) << dim;
        EXPECT_EQ(halved_rows.first_non_finite_row, 3) << dim;
    }
}

TEST(RowKernels, LargeFiniteValuesAreFinite) {
    const std::vector<float> row(20, 3e38F);
    EXPECT_EQ(scan_rows(row.data(), 1, 20, nullptr).non_finite_rows, 0);
    std::vector<std::uint16_t> halves(20);
    EXPECT_EQ(round_rows_to_f16(row.data(), 1, 20, halves.data(), nullptr).non_finite_rows, 1);
}

TEST(RowKernels, FindsFiniteRowsWhoseNormOverflows) {
    struct Case {
        float value;
        std::int64_t dim;
        std::int64_t overflowing;
    };
    // Twice the squared norm is compared with 3.4e38.
    for (const auto& [value, dim, overflowing] :
         {Case{1.2e19F, 1, 0}, Case{1.4e19F, 1, 1}, Case{-1.2e19F, 2, 1}, Case{3e38F, 20, 1}, Case{1e18F, 35, 0},
          Case{3e18F, 35, 1}, Case{1e-30F, 20, 0}}) {
        const std::vector<float> rows(static_cast<std::size_t>(2 * dim), value);
        std::vector<std::uint16_t> out(rows.size());
        for (const RowFindings& found :
             {scan_rows(rows.data(), 2, dim, nullptr), round_rows_to_bf16(rows.data(), 2, dim, out.data(), nullptr)}) {
            EXPECT_EQ(found.overflowing_norm_rows, 2 * overflowing) << value << " x " << dim;
            EXPECT_EQ(found.first_overflowing_norm_row, overflowing - 1);
            EXPECT_EQ(found.non_finite_rows, 0);
        }
    }
    const std::vector<float> row = {3e38F, nan};
    EXPECT_EQ(scan_rows(row.data(), 1, 2, nullptr).overflowing_norm_rows, 0);
}

// 2^-21 is the least value that counts as kept; dimensions below 8 take the scalar path, the rest of 35 both.
TEST(RowKernels, CountsTheValuesThatUnderflowInFloat16) {
    const float least = std::ldexp(1.0F, -21);
    const std::vector<float> kinds = {
        0.0F,   -0.0F,  1e-45F, -1e-45F, std::ldexp(1.0F, -22), std::nextafter(least, 0.0F),
        least,  -least, 1e-8F,  -3e-8F,  std::ldexp(1.0F, -20), -1e-6F,
        65504., -0.3F,  6.1e-5F};
    std::mt19937 random(11);
    for (const std::int64_t dim : {1, 7, 8, 15, 16, 35, 384}) {
        std::vector<float> rows(static_cast<std::size_t>(dim * 50));
        std::int64_t expected = 0;
        for (float& value : rows) {
            value = kinds[random() % kinds.size()];
            if (value != 0 && std::abs(value) < least) ++expected;
        }
        std::vector<std::uint16_t> halves(rows.size());
        EXPECT_EQ(round_rows_to_f16(rows.data(), 50, dim, halves.data(), nullptr).underflowed_values, expected) << dim;
        EXPECT_GT(expected, 0);
        EXPECT_EQ(round_rows_to_bf16(rows.data(), 50, dim, halves.data(), nullptr).underflowed_values, 0);
    }
}

TEST(RowKernels, FindsTheRowsThatAreTooSmallForFloat16) {
    for (const std::int64_t dim : {1, 7, 8, 35, 384}) {
        const auto size = static_cast<std::size_t>(dim);
        for (const float value : {0.0F, 1e-45F, 1e-8F, 1e-6F, 5e-6F, 7.5e-6F, 7.8e-6F, 1e-5F, 1e-3F, 1.0F}) {
            std::vector<float> rows(3 * size, 0.25F);
            std::fill_n(rows.begin() + static_cast<std::ptrdiff_t>(size), size, -value);
            std::vector<std::uint16_t> halves(rows.size());
            const RowFindings found = round_rows_to_f16(rows.data(), 3, dim, halves.data(), nullptr);
            const bool is_small = value != 0 && value < 7.6e-6F;
            EXPECT_EQ(found.underflowed_rows, is_small ? 1 : 0) << value << " x " << dim;
            EXPECT_EQ(found.first_underflowed_row, is_small ? 1 : -1) << value << " x " << dim;
        }
    }
}

TEST(RowKernels, RoundsValuesAsShardsHoldThem) {
    const std::vector<float> values = {
        1.0F + std::ldexp(1.0F, -10), 1.0F + std::ldexp(1.0F, -12), 0.1F, 1e-8F, -7.0F, 0.0F, 65504.0F, 1e-3F, 3.0F};
    std::vector<float> rounded(values.size());
    round_values(Precision::f32, values.data(), 9, rounded.data());
    EXPECT_EQ(rounded, values);
    round_values(Precision::f16, values.data(), 9, rounded.data());
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(rounded[i], reference_value(rounded_to_f16(values[i])));
    round_values(Precision::bf16, values.data(), 9, rounded.data());
    EXPECT_EQ(rounded[0], 1.0F);
    EXPECT_EQ(rounded[2], 0.10009765625F);
}

TEST(RowKernels, NormsAreThoseOfTheRowsThatAreKept) {
    std::mt19937 random(5);
    for (const std::int64_t dim : {1, 15, 16, 33, 768}) {
        std::vector<float> rows(static_cast<std::size_t>(dim * 4));
        for (float& value : rows) value = static_cast<float>(random() % 2001) / 1000 - 1;
        std::vector<std::uint16_t> halves(rows.size());
        std::vector<float> wide(rows.size());
        std::array<float, 4> norms{};
        std::array<float, 4> half_norms{};
        scan_rows(rows.data(), 4, dim, norms.data());
        round_rows_to_f16(rows.data(), 4, dim, halves.data(), half_norms.data());
        widen_halves(halves.data(), dim * 4, wide.data());
        for (std::int64_t row = 0; row < 4; ++row) {
            double expected = 0;
            double expected_half = 0;
            for (std::int64_t i = row * dim; i < (row + 1) * dim; ++i) {
                expected += static_cast<double>(rows[i]) * rows[i];
                expected_half += static_cast<double>(wide[i]) * wide[i];
            }
            EXPECT_NEAR(norms[row], expected, 2e-6 * expected) << dim;
            EXPECT_NEAR(half_norms[row], expected_half, 2e-6 * expected_half) << dim;
        }
    }
}

std::uint16_t rounded_to_bf16(float value) {
    std::uint16_t bits = 0;
    round_rows_to_bf16(&value, 1, 1, &bits, nullptr);
    return bits;
}

float value_of_bf16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

TEST(RowKernels, RoundsToTheNearestBfloat16TiesToEven) {
    std::mt19937 random(7);
    for (int i = 0; i < 300000; ++i) {
        const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
        if (!std::isfinite(value)) continue;
        const std::uint16_t bits = rounded_to_bf16(value);
        if (std::isinf(value_of_bf16(bits))) {
            ASSERT_GE(std::abs(value), 3.3961776e38F);
            continue;
        }
        const double error = std::abs(static_cast<double>(value) - value_of_bf16(bits));
        for (const int step : {-1, 1}) {
            const auto neighbor = static_cast<std::uint16_t>(bits + step);
            if ((neighbor & 0x7f80) == 0x7f80 || (bits & 0x7fff) == 0) continue;
            const double other = std::abs(static_cast<double>(value) - value_of_bf16(neighbor));
            ASSERT_LE(error, other) << value;
            if (error == other) {
                ASSERT_EQ(bits & 1, 0) << value;
            }
        }
    }
    EXPECT_EQ(rounded_to_bf16(1.0F), 0x3f80);
    EXPECT_EQ(rounded_to_bf16(-infinity), 0xff80);
    EXPECT_TRUE(std::isnan(value_of_bf16(rounded_to_bf16(std::bit_cast<float>(0x7f800001U)))));
}

TEST(RowKernels, Bfloat16RefusesWhatRoundsToInfinityAndOnlyThat) {
    std::vector<float> row(20, 3e38F);  // finite, with squares that are not
    std::vector<std::uint16_t> out(20);
    std::array<float, 1> norm{};
    EXPECT_EQ(round_rows_to_bf16(row.data(), 1, 20, out.data(), norm.data()).non_finite_rows, 0);
    row[17] = std::numeric_limits<float>::max();
    EXPECT_EQ(round_rows_to_bf16(row.data(), 1, 20, out.data(), nullptr).non_finite_rows, 1);
    row.assign(20, 0.5F);
    round_rows_to_bf16(row.data(), 1, 20, out.data(), norm.data());
    EXPECT_EQ(norm[0], 5.0F);
}

}  // namespace
}  // namespace gpushard
