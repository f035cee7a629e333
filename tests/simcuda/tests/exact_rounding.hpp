#pragma once

#include <cstdint>

namespace simcuda::test {

/// Of 113 bits.
#ifdef __SIZEOF_FLOAT128__
__extension__ using Quad = __float128;
#else
using Quad = long double;
#endif

/// A number that is the sum of two, the second too small to change the first: the exact result of a sum or a product of
/// two doubles.
struct Exact {
    Quad high = 0;
    Quad low = 0;
};
Exact exact_sum(Quad a, Quad b);

/// A format of IEEE 754.
struct Format {
    int exponent_bits;
    int fraction_bits;

    std::uint64_t infinity() const { return ((std::uint64_t{1} << exponent_bits) - 1U) << fraction_bits; }
    std::uint64_t sign() const { return std::uint64_t{1} << (exponent_bits + fraction_bits); }
    bool is_nan(std::uint64_t bits) const { return (bits & ~sign()) > infinity(); }
    /// Of bits that are no NaN; of infinity the power of two that follows the last number.
    Quad value(std::uint64_t bits) const;
};
inline constexpr Format half_format{5, 10};
inline constexpr Format bfloat_format{8, 7};
inline constexpr Format float_format{8, 23};
inline constexpr Format double_format{11, 52};

enum class Round { nearest, zero, down, up };

/// The bits of the number of a format that a value not 0 is rounded to, found by trying: `compare(x)` is below, equal
/// to or above 0 as x is below, equal to or above the magnitude of the value.
template <typename Compare>
std::uint64_t rounded_by(const Compare& compare, bool negative, const Format& format, Round round) {
    std::uint64_t below = 0;
    std::uint64_t above = format.infinity() + 1U;
    while (above - below > 1) {
        const std::uint64_t middle = below + (above - below) / 2;
        (compare(format.value(middle)) <= 0 ? below : above) = middle;
    }
    const std::uint64_t sign = negative ? format.sign() : 0;
    const bool away = (round == Round::up && !negative) || (round == Round::down && negative);
    if (below == format.infinity()) return sign | (away || round == Round::nearest ? below : below - 1U);
    if (compare(format.value(below)) == 0) return sign | below;
    if (round != Round::nearest) return sign | (away ? below + 1U : below);
    const int middle = compare((format.value(below) + format.value(below + 1U)) / 2);
    const bool up = middle < 0 || (middle == 0 && (below & 1U) != 0);
    return sign | (up ? below + 1U : below);
}

std::uint64_t rounded(const Exact& value, const Format& format, Round round);

}  // namespace simcuda::test
