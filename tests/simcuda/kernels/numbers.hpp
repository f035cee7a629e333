#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

/// The types of PTX registers, and the values that tests put into them.
namespace gpushard::test {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using s8 = std::int8_t;
using s16 = std::int16_t;
using s32 = std::int32_t;
using s64 = std::int64_t;
using f32 = float;
/// A half, and two of them in one register: bits that are compared as numbers.
struct f16 {
    u16 bits;
};
struct f16x2 {
    u32 bits;
};
/// A predicate, in memory one byte that is 0 or 1.
struct pred {
    u8 bits;
};

using Random = std::mt19937_64;

template <typename T>
inline constexpr int bits_of = 8 * sizeof(T);

/// Where arithmetic changes its ways.
template <typename T>
std::vector<T> edge_values() {
    if constexpr (std::is_same_v<T, f32>) {
        const float denormal = std::numeric_limits<float>::denorm_min();
        const float normal = std::numeric_limits<float>::min();
        const float largest = std::numeric_limits<float>::max();
        const float infinity = std::numeric_limits<float>::infinity();
        std::vector<float> values;
        for (const float value : {0.0f,
                                  1.0f,
                                  0.5f,
                                  1.5f,
                                  2.5f,
                                  3.0f,
                                  0.1f,
                                  100.75f,
                                  denormal,
                                  3 * denormal,
                                  normal - denormal,
                                  normal,
                                  1e-38f,
                                  5.9604645e-8f,
                                  2.9802322e-8f,
                                  2.9802326e-8f,
                                  6.1035156e-5f,
                                  2048.0f,
                                  2049.0f,
                                  4097.5f,
                                  65504.0f,
                                  65519.996f,
                                  65520.0f,
                                  8388607.5f,
                                  8388609.0f,
                                  2147483520.0f,
                                  2147483648.0f,
                                  4294967040.0f,
                                  4294967296.0f,
                                  9.2233720e18f,
                                  1.8446744e19f,
                                  1e30f,
                                  8.5070592e37f,
                                  1.7014118e38f,
                                  largest,
                                  infinity}) {
            values.insert(values.end(), {value, -value});
        }
        values.push_back(std::numeric_limits<float>::quiet_NaN());
        return values;
    } else if constexpr (std::is_same_v<T, f16>) {
        std::vector<f16> values;
        for (const u16 value : {0x0000, 0x0001, 0x0003, 0x03ff, 0x0400, 0x0401, 0x1400, 0x3800, 0x3bff, 0x3c00, 0x3c01,
                                0x3e00, 0x4000, 0x4248, 0x5bff, 0x6400, 0x7800, 0x7bff, 0x7c00}) {
            values.push_back({value});
            values.push_back({static_cast<u16>(value | 0x8000)});
        }
        values.push_back({0x7e00});
        return values;
    } else if constexpr (std::is_same_v<T, f16x2>) {
        std::vector<f16x2> values;
        const auto halves = edge_values<f16>();
        for (std::size_t i = 0; i < halves.size(); ++i) {
            values.push_back({halves[i].bits | u32{halves[(i * 7 + 3) % halves.size()].bits} << 16});
        }
        return values;
    } else if constexpr (std::is_same_v<T, pred>) {
        return {{0}, {1}};
    } else {
        using Unsigned = std::make_unsigned_t<T>;
        std::vector<T> values;
        for (const u64 value : {u64{0},
                                u64{1},
                                u64{2},
                                u64{3},
                                u64{4},
                                u64{7},
                                u64{15},
                                u64{16},
                                u64{31},
                                u64{32},
                                u64{33},
                                u64{63},
                                u64{64},
                                u64{100},
                                u64{255},
                                u64{256},
                                u64{4180},
                                u64{32767},
                                u64{65535},
                                u64{65536},
                                u64{0x7fffffff},
                                u64{0x80000000},
                                u64{0xffffffff},
                                u64{0x5555555555555555},
                                u64{0x0123456789abcdef},
                                ~u64{0} >> 1}) {
            for (const u64 signed_value : {value, ~value, u64{0} - value}) {
                values.push_back(static_cast<T>(static_cast<Unsigned>(signed_value)));
            }
        }
        return values;
    }
}

/// Any bits half of the time, else a number of ordinary size.
template <typename T>
T random_value(Random& random) {
    const u64 bits = random();
    const bool ordinary = random() % 2 == 0;
    if constexpr (std::is_same_v<T, f32>) {
        if (!ordinary) return std::bit_cast<f32>(static_cast<u32>(bits));
        return std::ldexp(static_cast<f32>(static_cast<s32>(bits)), -20 - static_cast<int>(bits >> 60));
    } else if constexpr (std::is_same_v<T, f16>) {
        return {static_cast<u16>(ordinary ? (bits & 0x8fff) | 0x3000 : bits)};
    } else if constexpr (std::is_same_v<T, f16x2>) {
        return {static_cast<u32>(ordinary ? (bits & 0x8fff8fff) | 0x30003000 : bits)};
    } else if constexpr (std::is_same_v<T, pred>) {
        return {static_cast<u8>(bits & 1)};
    } else {
        return static_cast<T>(ordinary ? static_cast<s64>(bits) >> (bits % 64) : static_cast<s64>(bits));
    }
}

inline bool is_nan_half(u32 bits) { return (bits & 0x7fffU) > 0x7c00U; }

/// The same bits; a NaN is as good as another, since PTX does not say which one comes out.
template <typename T>
bool same(T left, T right) {
    if constexpr (std::is_same_v<T, f32>) {
        return std::bit_cast<u32>(left) == std::bit_cast<u32>(right) || (std::isnan(left) && std::isnan(right));
    } else if constexpr (std::is_same_v<T, f16>) {
        return left.bits == right.bits || (is_nan_half(left.bits) && is_nan_half(right.bits));
    } else if constexpr (std::is_same_v<T, f16x2>) {
        const auto low = [](f16x2 value) { return f16{static_cast<u16>(value.bits)}; };
        const auto high = [](f16x2 value) { return f16{static_cast<u16>(value.bits >> 16)}; };
        return same(low(left), low(right)) && same(high(left), high(right));
    } else if constexpr (std::is_same_v<T, pred>) {
        return left.bits == right.bits;
    } else {
        return left == right;
    }
}

/// "-1 (0xffffffff)".
template <typename T>
std::string text_of(T value) {
    char text[64];
    if constexpr (std::is_same_v<T, f32>) {
        std::snprintf(text, sizeof text, "%.9g (0x%08x)", static_cast<double>(value), std::bit_cast<u32>(value));
    } else if constexpr (std::is_class_v<T>) {
        std::snprintf(text, sizeof text, "0x%x", unsigned{value.bits});
    } else {
        const auto bits = static_cast<std::make_unsigned_t<T>>(value);
        std::snprintf(text, sizeof text, "%lld (0x%llx)", static_cast<long long>(value),
                      static_cast<unsigned long long>(bits));
    }
    return text;
}

}  // namespace gpushard::test
