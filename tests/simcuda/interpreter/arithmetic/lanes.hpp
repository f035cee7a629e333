#pragma once

// Compiled once for every processor and once with AVX2 (SIMCUDA_ARITHMETIC names the namespace). A function that the
// linker could take from the wrong of the two would crash on older processors; so what is used here is either in this
// namespace or has no code of its own: builtins, functions of C, intrinsics, but no templates or inline functions of
// std or of the folders around.

#include <cstddef>
#include <cstdint>

#include "interpreter/arithmetic/form.hpp"

#define SIMCUDA_INLINE [[gnu::always_inline]] inline

namespace simcuda::interpreter::SIMCUDA_ARITHMETIC {

using U8 = std::uint8_t;
using U16 = std::uint16_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;
using S8 = std::int8_t;
using S16 = std::int16_t;
using S32 = std::int32_t;
using S64 = std::int64_t;

template <std::size_t bytes>
struct LaneOf;
template <>
struct LaneOf<2> {
    using Bits = U16;
};
template <>
struct LaneOf<4> {
    using Bits = U32;
};
template <>
struct LaneOf<8> {
    using Bits = U64;
};
/// The unsigned integer that holds a value in the registers.
template <typename Value>
using Lane = typename LaneOf<sizeof(Value)>::Bits;

template <typename Value>
SIMCUDA_INLINE Lane<Value>* lanes_at(const WarpRegisters& registers, Place place) {
    return reinterpret_cast<Lane<Value>*>(registers.bases[place & 1U] + (place & ~Place{1}));
}

SIMCUDA_INLINE LaneMask& mask_at(const WarpRegisters& registers, Place place) {
    return *reinterpret_cast<LaneMask*>(registers.bases[place & 1U] + (place & ~Place{1}));
}

/// Of a predicate that is read, with its `!`.
SIMCUDA_INLINE LaneMask source_mask(const Operation& operation, const WarpRegisters& registers, int source) {
    const LaneMask negation = (operation.negated_sources >> source & 1U) != 0 ? all_lanes : 0;
    return mask_at(registers, operation.sources[source]) ^ negation;
}

SIMCUDA_INLINE void write_mask(const WarpRegisters& registers, Place place, LaneMask active, LaneMask value) {
    LaneMask& to = mask_at(registers, place);
    to = (to & ~active) | (value & active);
}

/// The iterations are independent: a destination is the array of a source or apart from it.
template <typename Body>
SIMCUDA_INLINE void each_lane(LaneMask active, const Body& body) {
    if (active == all_lanes) {
#pragma GCC ivdep
        for (int lane = 0; lane < warp_size; ++lane) body(lane);
        return;
    }
    for (LaneMask left = active; left != 0; left &= left - 1) body(__builtin_ctz(left));
}

/// to[lane] = value(lane).
template <typename Bits, typename Value>
SIMCUDA_INLINE void write_lanes(LaneMask active, Bits* to, const Value& value) {
#ifdef __AVX2__
    // All of them at once and keeping some is faster than more than a few one by one.
    if (active != all_lanes && __builtin_popcount(active) > 6) {
#pragma GCC ivdep
        for (int lane = 0; lane < warp_size; ++lane) {
            const Bits made = value(lane);
            to[lane] = (active >> lane & 1U) != 0 ? made : to[lane];
        }
        return;
    }
#endif
    each_lane(
        active, [=](int lane) __attribute__((always_inline)) { to[lane] = value(lane); });
}

/// Without a loop for whole warps: for instructions that are too rare for its size.
template <typename Bits, typename Value>
SIMCUDA_INLINE void write_lanes_one_by_one(LaneMask active, Bits* to, const Value& value) {
    for (LaneMask left = active; left != 0; left &= left - 1) {
        const int lane = __builtin_ctz(left);
        to[lane] = value(lane);
    }
}

/// Lanes<f>::apply calls a function of values for every active lane.
template <auto function, bool rare = false, typename Signature = decltype(function)>
struct Lanes;

template <auto function, bool rare, typename To, typename A>
struct Lanes<function, rare, To (*)(A)> {
    static void apply(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
        Lane<To>* const to = lanes_at<To>(registers, operation.to);
        const Lane<A>* const a = lanes_at<A>(registers, operation.sources[0]);
        const auto value = [=](int lane) __attribute__((always_inline)) {
            return __builtin_bit_cast(Lane<To>, function(__builtin_bit_cast(A, a[lane])));
        };
        if constexpr (rare) {
            write_lanes_one_by_one(active, to, value);
        } else {
            write_lanes(active, to, value);
        }
    }
};

template <auto function, bool rare, typename To, typename A, typename B>
struct Lanes<function, rare, To (*)(A, B)> {
    static void apply(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
        Lane<To>* const to = lanes_at<To>(registers, operation.to);
        const Lane<A>* const a = lanes_at<A>(registers, operation.sources[0]);
        const Lane<B>* const b = lanes_at<B>(registers, operation.sources[1]);
        const auto value = [=](int lane) __attribute__((always_inline)) {
            return __builtin_bit_cast(Lane<To>,
                                      function(__builtin_bit_cast(A, a[lane]), __builtin_bit_cast(B, b[lane])));
        };
        if constexpr (rare) {
            write_lanes_one_by_one(active, to, value);
        } else {
            write_lanes(active, to, value);
        }
    }
};

template <auto function, bool rare, typename To, typename A, typename B, typename C>
struct Lanes<function, rare, To (*)(A, B, C)> {
    static void apply(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
        Lane<To>* const to = lanes_at<To>(registers, operation.to);
        const Lane<A>* const a = lanes_at<A>(registers, operation.sources[0]);
        const Lane<B>* const b = lanes_at<B>(registers, operation.sources[1]);
        const Lane<C>* const c = lanes_at<C>(registers, operation.sources[2]);
        const auto value = [=](int lane) __attribute__((always_inline)) {
            return __builtin_bit_cast(Lane<To>, function(__builtin_bit_cast(A, a[lane]), __builtin_bit_cast(B, b[lane]),
                                                         __builtin_bit_cast(C, c[lane])));
        };
        if constexpr (rare) {
            write_lanes_one_by_one(active, to, value);
        } else {
            write_lanes(active, to, value);
        }
    }
};

template <auto function, bool rare, typename To, typename A, typename B, typename C, typename D>
struct Lanes<function, rare, To (*)(A, B, C, D)> {
    static void apply(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
        Lane<To>* const to = lanes_at<To>(registers, operation.to);
        const Lane<A>* const a = lanes_at<A>(registers, operation.sources[0]);
        const Lane<B>* const b = lanes_at<B>(registers, operation.sources[1]);
        const Lane<C>* const c = lanes_at<C>(registers, operation.sources[2]);
        const Lane<D>* const d = lanes_at<D>(registers, operation.sources[3]);
        const auto value = [=](int lane) __attribute__((always_inline)) {
            return __builtin_bit_cast(Lane<To>,
                                      function(__builtin_bit_cast(A, a[lane]), __builtin_bit_cast(B, b[lane]),
                                               __builtin_bit_cast(C, c[lane]), __builtin_bit_cast(D, d[lane])));
        };
        if constexpr (rare) {
            write_lanes_one_by_one(active, to, value);
        } else {
            write_lanes(active, to, value);
        }
    }
};

}  // namespace simcuda::interpreter::SIMCUDA_ARITHMETIC
