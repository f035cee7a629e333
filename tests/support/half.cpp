#include "support/half.hpp"

#include <cmath>

namespace gpushard::test {

std::uint16_t to_half(float value) {
    const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000 : 0);
    const float magnitude = std::fabs(value);
    if (std::isnan(value)) return sign | 0x7e00;
    if (magnitude >= 65520.0f) return sign | 0x7c00;  // half way from the largest half to the next power of two
    // Below 2^-14 halves lie 2^-24 apart, above it 2^-10 of their power of two.
    int exponent = 0;
    std::frexp(magnitude, &exponent);
    const int spacing = magnitude < std::ldexp(1.0f, -14) ? -24 : exponent - 11;
    const auto steps = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(magnitude, -spacing)));
    // The bits of a half are the number of halves between zero and it.
    const std::uint32_t steps_below = spacing == -24 ? 0 : static_cast<std::uint32_t>(spacing + 24) << 10;
    return static_cast<std::uint16_t>(sign | (steps_below + steps));
}

float from_half(std::uint16_t half) {
    const float sign = (half & 0x8000) != 0 ? -1.0f : 1.0f;
    const int exponent = (half >> 10) & 0x1f;
    const int mantissa = half & 0x3ff;
    if (exponent == 31) return mantissa != 0 ? std::nanf("") : sign * HUGE_VALF;
    if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), -24);
    return sign * std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
}

}  // namespace gpushard::test
