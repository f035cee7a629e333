#pragma once

#include "interpreter/arithmetic/numbers.hpp"

namespace simcuda::interpreter::SIMCUDA_ARITHMETIC {

template <typename T>
SIMCUDA_INLINE T order_of(T value) {
    return value;
}
SIMCUDA_INLINE float order_of(Half value) { return widened(value); }
SIMCUDA_INLINE float order_of(Bfloat value) { return widened(value); }

/// The smaller or larger of two: -0 is below +0; of a NaN and a number the number, or the NaN where `nan` says so.
template <bool largest, bool ftz, bool nan, typename T>
T extreme(T left, T right) {
    using Bits = typename Floating<T>::Bits;
    const T a = read<ftz>(left);
    const T b = read<ftz>(right);
    const auto x = order_of(a);
    const auto y = order_of(b);
    const Bits a_bits = to_bits(a);
    const Bits b_bits = to_bits(b);
    const auto equal = static_cast<Bits>(largest ? a_bits & b_bits : a_bits | b_bits);
    Bits result = x < y ? (largest ? b_bits : a_bits) : y < x ? (largest ? a_bits : b_bits) : equal;
    if constexpr (nan) {
        result = is_nan(a) || is_nan(b) ? Floating<T>::canonical_nan : result;
    } else {
        result = is_nan(a) ? b_bits : is_nan(b) ? a_bits : result;
        result = is_nan(a) && is_nan(b) ? Floating<T>::canonical_nan : result;
    }
    return from_bits<T>(result);
}

}  // namespace simcuda::interpreter::SIMCUDA_ARITHMETIC
