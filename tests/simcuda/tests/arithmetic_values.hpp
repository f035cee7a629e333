#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <tuple>
#include <vector>

#include "arithmetic_warp.hpp"

namespace simcuda::test {

/// Of an integer type: around 0, the ends, and every power of two.
template <typename T>
std::vector<T> integer_edges() {
    std::vector<T> values;
    for (unsigned bit = 0; bit<8 * sizeof(T); bit += sizeof(T)> 2 ? 5 : 3) {
        const std::uint64_t power = std::uint64_t{1} << bit;
        for (const std::uint64_t value : {power - 1U, power, std::uint64_t{0} - power}) {
            values.push_back(static_cast<T>(value));
        }
    }
    for (const T end : {std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max()}) values.push_back(end);
    values.push_back(static_cast<T>(std::numeric_limits<T>::max() / 3));
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return values;
}

/// Of a floating-point type: zeros, subnormal numbers, neighbours of 1 and of the ends, infinities, NaNs, numbers that
/// end halfway between integers.
template <typename T>
std::vector<T> float_edges() {
    using Limits = std::numeric_limits<T>;
    std::vector<T> values;
    for (const T value : {T{0},
                          Limits::denorm_min(),
                          Limits::min() - Limits::denorm_min(),
                          Limits::min(),
                          T{1},
                          1 + Limits::epsilon(),
                          1 - Limits::epsilon() / 2,
                          T{0.5},
                          T{1.5},
                          T{2.5},
                          T{3},
                          T(1e-3),
                          T{255.5},
                          T{32767.5},
                          T{65504},
                          T{65520},
                          T(0x1p24 + 1),
                          T(0x1p31 - 1),
                          T(0x1p31),
                          T(0x1p31 + 0.5),
                          T(0x1p32 - 1),
                          T(0x1p32),
                          T(0x1p63),
                          T(0x1p64),
                          1 / Limits::epsilon(),
                          Limits::max(),
                          Limits::max() / 2,
                          Limits::infinity(),
                          Limits::quiet_NaN()}) {
        values.push_back(value);
        values.push_back(-value);
    }
    return values;
}

template <typename T>
std::vector<T> edges() {
    if constexpr (std::is_floating_point_v<T>) {
        return float_edges<T>();
    } else {
        return integer_edges<T>();
    }
}

template <typename T>
T random_value(std::mt19937_64& random) {
    const std::uint64_t bits = random();
    // Uniform bits hardly ever meet in a sum of floats: keep exponents close half of the time.
    if constexpr (std::is_same_v<T, float>) {
        if ((bits >> 63) != 0)
            return value_of<T>((bits & 0x807fffffU) | (0x3a000000U + (bits >> 32 & 0xfU) * 0x800000U));
    }
    if constexpr (std::is_same_v<T, double>) {
        if ((bits & 1U) != 0) return value_of<T>((bits & 0x801fffffffffffffU) | 0x3fc0000000000000U);
    }
    return value_of<T>(bits);
}

/// Every combination of edges (fewer of them where there are three operands), and random rows.
template <typename... T>
std::tuple<std::vector<T>...> rows_of(std::size_t random_rows = 3000) {
    std::tuple<std::vector<T>...> rows;
    const std::tuple<std::vector<T>...> all{edges<T>()...};
    constexpr std::size_t operands = sizeof...(T);
    const std::size_t step = operands >= 3 ? 5 : 1;
    std::size_t combinations = 1;
    std::apply([&](const auto&... edge) { ((combinations *= (edge.size() + step - 1) / step), ...); }, all);
    for (std::size_t row = 0; row < combinations; ++row) {
        std::size_t rest = row;
        std::size_t shift = 0;
        const auto next = [&](const auto& edge) {
            const std::size_t choices = (edge.size() + step - 1) / step;
            const std::size_t index = rest % choices * step + shift++ % step;
            rest /= choices;
            return edge[index < edge.size() ? index : edge.size() - 1];
        };
        std::apply(
            [&](const auto&... edge) {
                std::apply([&](auto&... column) { (column.push_back(next(edge)), ...); }, rows);
            },
            all);
    }
    std::mt19937_64 random(7);
    for (std::size_t row = 0; row < random_rows; ++row) {
        std::apply([&](auto&... column) { (column.push_back(random_value<T>(random)), ...); }, rows);
    }
    return rows;
}

}  // namespace simcuda::test
