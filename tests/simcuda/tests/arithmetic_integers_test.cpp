#include "arithmetic_check.hpp"

namespace simcuda::test {
namespace {

using S8 = std::int8_t;
using S16 = std::int16_t;
using S32 = std::int32_t;
using S64 = std::int64_t;
using U8 = std::uint8_t;
using U16 = std::uint16_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;
__extension__ using Big = __int128;

template <typename T>
struct WidenedType;
template <>
struct WidenedType<U16> {
    using Type = U32;
};
template <>
struct WidenedType<S16> {
    using Type = S32;
};
template <>
struct WidenedType<U32> {
    using Type = U64;
};
template <>
struct WidenedType<S32> {
    using Type = S64;
};
template <typename T>
using Widened = typename WidenedType<T>::Type;

/// The upper bits of a product of two, from parts of 32 bits where it is longer than `Big`.
template <typename T>
T high_of_product(T a, T b) {
    if constexpr (std::is_same_v<T, U64>) {
        const U64 low_a = a & 0xffffffffU, high_a = a >> 32, low_b = b & 0xffffffffU, high_b = b >> 32;
        const U64 carry = ((low_a * low_b) >> 32) + ((high_a * low_b) & 0xffffffffU) + ((low_a * high_b) & 0xffffffffU);
        return high_a * high_b + (high_a * low_b >> 32) + (low_a * high_b >> 32) + (carry >> 32);
    } else {
        return static_cast<T>((Big{a} * Big{b}) >> (8 * sizeof(T)));
    }
}

template <typename T>
void check_type(const std::string& type) {
    check<T, T, T>("add." + type, [](T a, T b) { return static_cast<T>(Big{a} + Big{b}); });
    check<T, T, T>("sub." + type, [](T a, T b) { return static_cast<T>(Big{a} - Big{b}); });
    check<T, T, T>("mul.lo." + type, [](T a, T b) { return static_cast<T>(U64(a) * U64(b)); });
    check<T, T, T>("mul.hi." + type, [](T a, T b) { return high_of_product(a, b); });
    check<T, T, T, T>("mad.lo." + type, [](T a, T b, T c) { return static_cast<T>(U64(a) * U64(b) + U64(c)); });
    check<T, T, T, T>("mad.hi." + type,
                      [](T a, T b, T c) { return static_cast<T>(Big{high_of_product(a, b)} + Big{c}); });
    check<T, T, T, T>("sad." + type, [](T a, T b, T c) {
        const Big difference = Big{a} - Big{b};
        return static_cast<T>(Big{c} + (difference < 0 ? -difference : difference));
    });
    check<T, T, T>("min." + type, [](T a, T b) { return std::min(a, b); });
    check<T, T, T>("max." + type, [](T a, T b) { return std::max(a, b); });
    check<T, T, T>("div." + type, [](T a, T b) { return static_cast<T>(b == 0 ? Big{-1} : Big{a} / Big{b}); });
    check<T, T, T>("rem." + type, [](T a, T b) { return static_cast<T>(b == 0 ? Big{a} : Big{a} % Big{b}); });
    if constexpr (std::is_signed_v<T>) {
        check<T, T>("neg." + type, [](T a) { return static_cast<T>(-Big{a}); });
        check<T, T>("abs." + type, [](T a) { return static_cast<T>(a < 0 ? -Big{a} : Big{a}); });
    }
    if constexpr (sizeof(T) < 8) {
        using W = Widened<T>;
        check<W, T, T>("mul.wide." + type, [](T a, T b) { return static_cast<W>(Big{a} * Big{b}); });
        check<W, T, T, W>("mad.wide." + type, [](T a, T b, W c) { return static_cast<W>(Big{a} * Big{b} + Big{c}); });
    }
}

TEST(Integers, U16) { check_type<U16>("u16"); }
TEST(Integers, U32) { check_type<U32>("u32"); }
TEST(Integers, U64) { check_type<U64>("u64"); }
TEST(Integers, S16) { check_type<S16>("s16"); }
TEST(Integers, S32) { check_type<S32>("s32"); }
TEST(Integers, S64) { check_type<S64>("s64"); }

S32 clamped(Big value) {
    return static_cast<S32>(
        std::clamp(value, Big{std::numeric_limits<S32>::min()}, Big{std::numeric_limits<S32>::max()}));
}

TEST(Integers, Saturate) {
    check<S32, S32, S32>("add.sat.s32", [](S32 a, S32 b) { return clamped(Big{a} + b); });
    check<S32, S32, S32>("sub.sat.s32", [](S32 a, S32 b) { return clamped(Big{a} - b); });
    check<S32, S32, S32, S32>("mad.hi.sat.s32", [](S32 a, S32 b, S32 c) { return clamped(((Big{a} * b) >> 32) + c); });
}

template <typename T>
Big low24(T value) {
    const Big low = Big{static_cast<U32>(value)} % (1 << 24);
    return std::is_signed_v<T> && low >= 1 << 23 ? low - (1 << 24) : low;
}

template <typename T>
void check_24(const std::string& type) {
    check<T, T, T>("mul24.lo." + type, [](T a, T b) { return static_cast<T>(low24(a) * low24(b)); });
    check<T, T, T>("mul24.hi." + type, [](T a, T b) { return static_cast<T>((low24(a) * low24(b)) >> 16); });
    check<T, T, T, T>("mad24.lo." + type, [](T a, T b, T c) { return static_cast<T>(low24(a) * low24(b) + c); });
    check<T, T, T, T>("mad24.hi." + type,
                      [](T a, T b, T c) { return static_cast<T>(((low24(a) * low24(b)) >> 16) + c); });
}

TEST(Integers, Of24Bits) {
    check_24<U32>("u32");
    check_24<S32>("s32");
    check<S32, S32, S32, S32>("mad24.hi.sat.s32",
                              [](S32 a, S32 b, S32 c) { return clamped(((low24(a) * low24(b)) >> 16) + c); });
}

template <typename A, typename B>
Big dot(U32 a, U32 b, int from) {
    Big sum = 0;
    for (std::size_t part = 0; part < 4 / sizeof(A); ++part) {
        sum +=
            Big{static_cast<A>(a >> (8 * sizeof(A) * part))} * static_cast<B>(b >> (from + 8 * static_cast<int>(part)));
    }
    return sum;
}

TEST(Integers, DotProducts) {
    check<U32, U32, U32, U32>("dp4a.u32.u32",
                              [](U32 a, U32 b, U32 c) { return static_cast<U32>(dot<U8, U8>(a, b, 0) + c); });
    check<S32, S32, S32, S32>("dp4a.s32.s32",
                              [](U32 a, U32 b, S32 c) { return static_cast<S32>(dot<S8, S8>(a, b, 0) + c); });
    check<S32, S32, U32, S32>("dp4a.s32.u32",
                              [](U32 a, U32 b, S32 c) { return static_cast<S32>(dot<S8, U8>(a, b, 0) + c); });
    check<S32, U32, S32, S32>("dp4a.u32.s32",
                              [](U32 a, U32 b, S32 c) { return static_cast<S32>(dot<U8, S8>(a, b, 0) + c); });
    check<S32, S32, U32, S32>("dp2a.lo.s32.u32",
                              [](U32 a, U32 b, S32 c) { return static_cast<S32>(dot<S16, U8>(a, b, 0) + c); });
    check<U32, U32, U32, U32>("dp2a.hi.u32.u32",
                              [](U32 a, U32 b, U32 c) { return static_cast<U32>(dot<U16, U8>(a, b, 16) + c); });
}

}  // namespace
}  // namespace simcuda::test
