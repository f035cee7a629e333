#pragma once

#include "interpreter/arithmetic/lanes.hpp"

namespace simcuda::interpreter::SIMCUDA_ARITHMETIC {

template <typename T>
struct Integer;

// Compute: unsigned, never promoted to int. Wide: of twice the bits.
template <>
struct Integer<U8> {
    static constexpr bool is_signed = false;
    static constexpr U8 lowest = 0, highest = 0xff;
    using Unsigned = U8;
};
template <>
struct Integer<S8> {
    static constexpr bool is_signed = true;
    static constexpr S8 lowest = -0x80, highest = 0x7f;
    using Unsigned = U8;
};
template <>
struct Integer<U16> {
    static constexpr bool is_signed = false;
    static constexpr U16 lowest = 0, highest = 0xffff;
    using Unsigned = U16;
    using Compute = U32;
    using Wide = U32;
};
template <>
struct Integer<S16> {
    static constexpr bool is_signed = true;
    static constexpr S16 lowest = -0x8000, highest = 0x7fff;
    using Unsigned = U16;
    using Compute = U32;
    using Wide = S32;
};
template <>
struct Integer<U32> {
    static constexpr bool is_signed = false;
    static constexpr U32 lowest = 0, highest = 0xffffffff;
    using Unsigned = U32;
    using Compute = U32;
    using Wide = U64;
};
template <>
struct Integer<S32> {
    static constexpr bool is_signed = true;
    static constexpr S32 lowest = -0x7fffffff - 1, highest = 0x7fffffff;
    using Unsigned = U32;
    using Compute = U32;
    using Wide = S64;
};
template <>
struct Integer<U64> {
    static constexpr bool is_signed = false;
    static constexpr U64 lowest = 0, highest = 0xffffffffffffffff;
    using Unsigned = U64;
    using Compute = U64;
    __extension__ using Wide = unsigned __int128;
};
template <>
struct Integer<S64> {
    static constexpr bool is_signed = true;
    static constexpr S64 lowest = -0x7fffffffffffffff - 1, highest = 0x7fffffffffffffff;
    using Unsigned = U64;
    using Compute = U64;
    __extension__ using Wide = __int128;
};

template <typename T>
using Unsigned = typename Integer<T>::Unsigned;
template <typename T>
using Compute = typename Integer<T>::Compute;
template <typename T>
using Wide = typename Integer<T>::Wide;
template <typename T>
inline constexpr int bits_of = static_cast<int>(8 * sizeof(T));

/// Operation<T>::of for a type that computes.
template <template <typename> class Function>
Apply for_integer(ptx::Type type) {
    switch (type) {
        case ptx::Type::u16:
            return Lanes<&Function<U16>::of>::apply;
        case ptx::Type::u32:
            return Lanes<&Function<U32>::of>::apply;
        case ptx::Type::u64:
            return Lanes<&Function<U64>::of>::apply;
        case ptx::Type::s16:
            return Lanes<&Function<S16>::of>::apply;
        case ptx::Type::s32:
            return Lanes<&Function<S32>::of>::apply;
        case ptx::Type::s64:
            return Lanes<&Function<S64>::of>::apply;
        default:
            return nullptr;
    }
}

/// For those of 32 and 64 bits.
template <template <typename> class Function>
Apply for_wide_integer(ptx::Type type) {
    switch (type) {
        case ptx::Type::u32:
            return Lanes<&Function<U32>::of>::apply;
        case ptx::Type::u64:
            return Lanes<&Function<U64>::of>::apply;
        case ptx::Type::s32:
            return Lanes<&Function<S32>::of>::apply;
        case ptx::Type::s64:
            return Lanes<&Function<S64>::of>::apply;
        default:
            return nullptr;
    }
}

template <template <typename> class Function>
Apply for_signed(ptx::Type type) {
    switch (type) {
        case ptx::Type::s16:
            return Lanes<&Function<S16>::of>::apply;
        case ptx::Type::s32:
            return Lanes<&Function<S32>::of>::apply;
        case ptx::Type::s64:
            return Lanes<&Function<S64>::of>::apply;
        default:
            return nullptr;
    }
}

template <template <typename> class Function>
Apply for_bits(ptx::Type type) {
    switch (type) {
        case ptx::Type::b16:
            return Lanes<&Function<U16>::of>::apply;
        case ptx::Type::b32:
            return Lanes<&Function<U32>::of>::apply;
        case ptx::Type::b64:
            return Lanes<&Function<U64>::of>::apply;
        default:
            return nullptr;
    }
}

template <template <typename> class Function>
Apply for_wide_bits(ptx::Type type) {
    switch (type) {
        case ptx::Type::b32:
            return Lanes<&Function<U32>::of>::apply;
        case ptx::Type::b64:
            return Lanes<&Function<U64>::of>::apply;
        default:
            return nullptr;
    }
}

}  // namespace simcuda::interpreter::SIMCUDA_ARITHMETIC
