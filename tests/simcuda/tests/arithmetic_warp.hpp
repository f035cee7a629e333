#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "interpreter/operation.hpp"
#include "ptx/kernel.hpp"

namespace simcuda::test {

/// The values of an operand, one a row, as bits. Of a predicate 0 or 1.
struct Column {
    ptx::Type type = ptx::Type::b32;
    std::vector<std::uint64_t> values;
    bool negated = false;
};

/// "add.f32" with that many operands, the first `destinations` of which are on the left of the others: more than one
/// are a vector.
ptx::Instruction instruction_of(const std::string& spelling, std::size_t sources, std::size_t destinations = 1);

/// What an instruction makes of every row, a row a lane, computed by every target that this processor can run. Fails
/// where the targets differ, where a lane that takes no part is written, or where the instruction is not known.
std::vector<std::uint64_t> computed(const std::string& spelling, ptx::Type to, const std::vector<Column>& sources);
/// The values of each destination.
std::vector<std::vector<std::uint64_t>> computed(const ptx::Instruction& instruction, ptx::Type to,
                                                 std::size_t destinations, const std::vector<Column>& sources);

template <typename T>
constexpr ptx::Type type_of() {
    using ptx::Type;
    if constexpr (std::is_same_v<T, float>) return Type::f32;
    if constexpr (std::is_same_v<T, double>) return Type::f64;
    if constexpr (sizeof(T) == 1) return std::is_signed_v<T> ? Type::s8 : Type::u8;
    if constexpr (sizeof(T) == 2) return std::is_signed_v<T> ? Type::s16 : Type::u16;
    if constexpr (sizeof(T) == 4) return std::is_signed_v<T> ? Type::s32 : Type::u32;
    return std::is_signed_v<T> ? Type::s64 : Type::u64;
}

template <typename T>
std::uint64_t bits_of(T value) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
}
template <typename T>
T value_of(std::uint64_t bits) {
    T value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

template <typename T>
Column column(const std::vector<T>& values) {
    Column result{type_of<T>(), {}, false};
    for (const T value : values) result.values.push_back(bits_of(value));
    return result;
}

}  // namespace simcuda::test
