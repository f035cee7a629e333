#pragma once

// Floating-point values as PTX has them: a NaN that is computed is canonical, .ftz flushes subnormal numbers to zeros
// of their sign, .sat clamps to 0..1 and makes a NaN +0.

#include "interpreter/arithmetic/lanes.hpp"

namespace simcuda::interpreter::SIMCUDA_ARITHMETIC {

struct Half {
    U16 bits;
};
struct Bfloat {
    U16 bits;
};
/// Two in one register, the first in the low bits.
template <typename Small>
struct Pair {
    Small low, high;
};

template <typename T>
struct Floating;
template <>
struct Floating<float> {
    using Bits = U32;
    static constexpr Bits sign = 0x80000000U, exponent = 0x7f800000U, canonical_nan = 0x7fffffffU, one = 0x3f800000U;
};
template <>
struct Floating<double> {
    using Bits = U64;
    static constexpr Bits sign = 0x8000000000000000U, exponent = 0x7ff0000000000000U,
                          canonical_nan = 0x7ff8000000000000U, one = 0x3ff0000000000000U;
};
template <>
struct Floating<Half> {
    using Bits = U16;
    static constexpr Bits sign = 0x8000U, exponent = 0x7c00U, canonical_nan = 0x7fffU, one = 0x3c00U;
    static constexpr int precision = 11, lowest_exponent = -14;
};
template <>
struct Floating<Bfloat> {
    using Bits = U16;
    static constexpr Bits sign = 0x8000U, exponent = 0x7f80U, canonical_nan = 0x7fffU, one = 0x3f80U;
    static constexpr int precision = 8, lowest_exponent = -126;
};

template <typename T>
SIMCUDA_INLINE typename Floating<T>::Bits to_bits(T value) {
    return __builtin_bit_cast(typename Floating<T>::Bits, value);
}
template <typename T>
SIMCUDA_INLINE T from_bits(typename Floating<T>::Bits bits) {
    return __builtin_bit_cast(T, bits);
}
template <typename T>
SIMCUDA_INLINE T canonical_nan() {
    return from_bits<T>(Floating<T>::canonical_nan);
}

SIMCUDA_INLINE bool is_nan(float value) { return value != value; }
SIMCUDA_INLINE bool is_nan(double value) { return value != value; }
template <typename Small>
SIMCUDA_INLINE bool is_nan(Small value) {
    return (value.bits & ~Floating<Small>::sign & 0xffffU) > Floating<Small>::exponent;
}

template <typename T>
SIMCUDA_INLINE T flushed(T value) {
    using F = Floating<T>;
    const auto bits = to_bits(value);
    return from_bits<T>((bits & F::exponent) == 0 ? static_cast<typename F::Bits>(bits & F::sign) : bits);
}

/// An operand of an instruction that may have .ftz.
template <bool ftz, typename T>
SIMCUDA_INLINE T read(T value) {
    if constexpr (ftz) return flushed(value);
    return value;
}

/// The result of one that may have .ftz and .sat, for float and double.
template <bool ftz, bool sat, typename T>
SIMCUDA_INLINE T finished(T value) {
    if constexpr (sat) {
        value = value > T{0} ? value : T{0};
        return read<ftz>(value < T{1} ? value : T{1});
    } else {
        return is_nan(value) ? canonical_nan<T>() : read<ftz>(value);
    }
}

SIMCUDA_INLINE float widened(Half half) {
    // A half's bits in the place of a float's are its value times 2^-112, subnormal ones included. Infinities and NaNs
    // are the ones that come out too large.
    const U32 bits = static_cast<U32>(half.bits & 0x7fffU) << 13;
    const float magnitude = from_bits<float>(bits) * 0x1p112F;
    const U32 special = (half.bits & 0x7c00U) == 0x7c00U ? 0x7f800000U : 0U;
    const U32 sign = static_cast<U32>(half.bits & 0x8000U) << 16;
    return from_bits<float>(to_bits(magnitude) | special | sign);
}
SIMCUDA_INLINE float widened(Bfloat value) { return from_bits<float>(static_cast<U32>(value.bits) << 16); }

/// Rounds to a 16-bit format once.
template <typename Small>
SIMCUDA_INLINE Small narrowed(double value, Rounding rounding) {
    using F = Floating<Small>;
    constexpr U64 fraction = 0xfffffffffffffU;
    const U64 bits = to_bits(value);
    const auto sign = static_cast<U16>(bits >> 63 << 15);
    const U64 magnitude = bits & ~Floating<double>::sign;
    if (magnitude > Floating<double>::exponent) return {F::canonical_nan};
    if (magnitude == Floating<double>::exponent) return {static_cast<U16>(sign | F::exponent)};
    const int exponent = static_cast<int>(magnitude >> 52) - 1023;
    // A subnormal double is far below either format: any odd bit stands for it.
    const U64 mantissa = exponent == -1023 ? (magnitude != 0 ? 1U : 0U) : (magnitude & fraction) | (fraction + 1U);
    const int below = exponent < F::lowest_exponent ? F::lowest_exponent - exponent : 0;
    const int drop = 53 - F::precision + below < 63 ? 53 - F::precision + below : 63;
    const U64 rest = mantissa & ((U64{1} << drop) - 1U);
    const U64 half = U64{1} << (drop - 1);
    U64 result = mantissa >> drop;
    // The leading bit of a normal number counts one exponent up.
    if (below == 0) result += static_cast<U64>(exponent - F::lowest_exponent) << (F::precision - 1);
    bool up = false;
    switch (rounding) {
        case Rounding::zero:
            break;
        case Rounding::down:
            up = sign != 0 && rest != 0;
            break;
        case Rounding::up:
            up = sign == 0 && rest != 0;
            break;
        default:
            up = rest > half || (rest == half && (result & 1U) != 0);
            break;
    }
    if (up) ++result;
    if (result >= F::exponent) {
        const bool to_infinity = rounding == Rounding::nearest || rounding == Rounding::none ||
                                 (rounding == Rounding::down && sign != 0) || (rounding == Rounding::up && sign == 0);
        result = to_infinity ? F::exponent : F::exponent - 1U;
    }
    return {static_cast<U16>(sign | result)};
}

/// narrowed to the nearest, in steps that the compiler does for several lanes at once.
template <typename Small>
SIMCUDA_INLINE Small nearest(float value);
template <>
SIMCUDA_INLINE Half nearest<Half>(float value) {
    const U32 bits = to_bits(value);
    const U32 magnitude = bits & 0x7fffffffU;
    // Added to a number below 2^-14, 0.5 leaves the bits of a subnormal half at the end.
    const U32 subnormal = to_bits(from_bits<float>(magnitude) + 0.5F) - to_bits(0.5F);
    // The exponent is biased by 112 less; half of what is dropped, and one more where the rest is odd.
    const U32 normal = (magnitude - 0x38000000U + 0xfffU + (magnitude >> 13 & 1U)) >> 13;
    U32 result = magnitude < 0x38800000U ? subnormal : normal;
    result = magnitude >= 0x47800000U ? 0x7c00U : result;
    result |= bits >> 16 & 0x8000U;
    return {static_cast<U16>(magnitude > 0x7f800000U ? 0x7fffU : result)};
}
template <>
SIMCUDA_INLINE Bfloat nearest<Bfloat>(float value) {
    const U32 bits = to_bits(value);
    const U32 rounded = (bits + 0x7fffU + (bits >> 16 & 1U)) >> 16;
    return {static_cast<U16>((bits & 0x7fffffffU) > 0x7f800000U ? 0x7fffU : rounded)};
}

template <bool ftz, bool sat, bool relu, typename Small>
SIMCUDA_INLINE Small finished_small(Small value) {
    using F = Floating<Small>;
    if (is_nan(value)) return {sat ? U16{0} : F::canonical_nan};
    if constexpr (sat) {
        if ((value.bits & F::sign) != 0) return {0};
        if (value.bits > F::one) return {F::one};
    }
    if constexpr (relu) {
        if ((value.bits & F::sign) != 0) return {0};
    }
    return read<ftz>(value);
}

/// The sum, with its last bit set where it is not exact: rounding that to a shorter format is rounding once.
SIMCUDA_INLINE double sum_to_odd(double a, double b) {
    const double sum = a + b;
    const double part = sum - a;
    const double error = (a - (sum - part)) + (b - part);
    const U64 bits = to_bits(sum);
    if (!(error != 0.0) || (bits & Floating<double>::exponent) == Floating<double>::exponent || (bits & 1U) != 0) {
        return sum;
    }
    return from_bits<double>((error > 0.0) == (sum > 0.0) ? bits + 1U : bits - 1U);
}

}  // namespace simcuda::interpreter::SIMCUDA_ARITHMETIC
