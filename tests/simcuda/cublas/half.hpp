#pragma once

#include <bit>
#include <cstdint>

namespace cublas {

/// A float16 as the same float32, a NaN as a NaN.
inline float widen_f16(std::uint16_t half) {
    const std::uint32_t sign = (half & 0x8000U) << 16;
    const std::uint32_t magnitude = half & 0x7FFFU;
    const float subnormal = static_cast<float>(magnitude) * 0x1p-24F;
    std::uint32_t bits = (magnitude << 13) + (112U << 23);
    if (magnitude >= 0x7C00U) bits += 112U << 23;  // infinity and NaN
    if (magnitude < 0x0400U) bits = std::bit_cast<std::uint32_t>(subnormal);
    return std::bit_cast<float>(sign | bits);
}

/// To the nearest float16, ties to even.
inline std::uint16_t round_to_f16(float value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = (bits >> 16) & 0x8000U;
    std::uint32_t magnitude = bits & 0x7FFFFFFFU;
    if (magnitude > 0x7F800000U) return 0x7FFF;
    if (magnitude >= 0x477FF000U) return static_cast<std::uint16_t>(sign | 0x7C00U);
    if (magnitude < 0x38800000U) {
        // The float32s around 0.5 are as far from each other as subnormal float16s: the addition rounds.
        const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
        return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3F000000U));
    }
    magnitude += 0x0FFFU + ((magnitude >> 13) & 1U);
    return static_cast<std::uint16_t>(sign | ((magnitude - (112U << 23)) >> 13));
}

/// A bfloat16 as the same float32.
inline float widen_bf16(std::uint16_t brain) { return std::bit_cast<float>(std::uint32_t{brain} << 16); }

/// To the nearest bfloat16, ties to even.
inline std::uint16_t round_to_bf16(float value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return 0x7FFF;
    return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

}  // namespace cublas
