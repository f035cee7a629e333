// Conversions and the loop that stands in where there is no BLAS, without a card.
#include <bit>
#include <cmath>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "cublas/half.hpp"
#include "cublas/sgemm.hpp"

namespace gpushard::test {
namespace {

void expect_same(float value, float expected, std::uint32_t of) {
    if (std::isnan(expected)) {
        ASSERT_TRUE(std::isnan(value)) << of;
    } else {
        ASSERT_EQ(std::bit_cast<std::uint32_t>(value), std::bit_cast<std::uint32_t>(expected)) << of;
    }
}

TEST(Halves, WidenExactly) {
    for (std::uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
        const auto half = static_cast<std::uint16_t>(bits);
        expect_same(cublas::widen_f16(half), __half2float(std::bit_cast<__half>(half)), bits);
        expect_same(cublas::widen_bf16(half), __bfloat162float(std::bit_cast<__nv_bfloat16>(half)), bits);
    }
}

void expect_rounded(float value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    ASSERT_EQ(cublas::round_to_f16(value), std::bit_cast<std::uint16_t>(__float2half_rn(value))) << bits;
    ASSERT_EQ(cublas::round_to_bf16(value), std::bit_cast<std::uint16_t>(__float2bfloat16_rn(value))) << bits;
}

TEST(Halves, RoundToNearest) {
    std::mt19937 random(21);
    for (int i = 0; i < 2'000'000; ++i) expect_rounded(std::bit_cast<float>(static_cast<std::uint32_t>(random())));
}

TEST(Halves, RoundTiesToEven) {
    for (std::uint32_t bits = 0; bits < 0x7C00; ++bits) {
        const float below = cublas::widen_f16(static_cast<std::uint16_t>(bits));
        const float above = bits == 0x7BFF ? 65536 : cublas::widen_f16(static_cast<std::uint16_t>(bits + 1));
        const float middle = (below + above) / 2;
        for (const float value : {below, middle, std::nextafter(middle, 0.0F), std::nextafter(middle, above)}) {
            expect_rounded(value);
            expect_rounded(-value);
        }
    }
}

TEST(PlainProducts, AreThoseOfASumInDouble) {
    std::mt19937 random(22);
    std::uniform_real_distribution<float> values(-1, 1);
    std::vector<float> a(50 * 80);
    std::vector<float> b(50 * 80);
    for (auto* matrix : {&a, &b}) {
        for (float& value : *matrix) value = values(random);
    }
    for (const bool a_transposed : {false, true}) {
        for (const bool b_transposed : {false, true}) {
            std::vector<float> c(79 * 41, 1);
            cublas::sgemm(70, 40, 45, -2, {a.data(), a_transposed ? 50 : 80, a_transposed},
                          {b.data(), b_transposed ? 43 : 47, b_transposed}, c.data(), 79);
            for (int column = 0; column < 41; ++column) {
                for (int row = 0; row < 79; ++row) {
                    double expected = 1;
                    for (int i = 0; i < 45 && row < 70 && column < 40; ++i) {
                        expected -= 2.0 * a[static_cast<std::size_t>(a_transposed ? i + row * 50 : row + i * 80)] *
                                    b[static_cast<std::size_t>(b_transposed ? column + i * 43 : i + column * 47)];
                    }
                    ASSERT_NEAR(c[static_cast<std::size_t>(row + column * 79)], expected, 1e-5);
                }
            }
        }
    }
}

}  // namespace
}  // namespace gpushard::test
