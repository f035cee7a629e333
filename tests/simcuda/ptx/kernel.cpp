#include "ptx/kernel.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace simcuda::ptx {
namespace {

struct NamedType {
    std::string_view name;
    Type type;
    std::uint32_t bytes;
};

constexpr std::array<NamedType, 20> types{{
    {"pred", Type::pred, 0}, {"b8", Type::b8, 1},         {"b16", Type::b16, 2}, {"b32", Type::b32, 4},
    {"b64", Type::b64, 8},   {"b128", Type::b128, 16},    {"u8", Type::u8, 1},   {"u16", Type::u16, 2},
    {"u32", Type::u32, 4},   {"u64", Type::u64, 8},       {"s8", Type::s8, 1},   {"s16", Type::s16, 2},
    {"s32", Type::s32, 4},   {"s64", Type::s64, 8},       {"f16", Type::f16, 2}, {"f16x2", Type::f16x2, 4},
    {"bf16", Type::bf16, 2}, {"bf16x2", Type::bf16x2, 4}, {"f32", Type::f32, 4}, {"f64", Type::f64, 8},
}};

}  // namespace

Type parse_type(std::string_view text) {
    const auto found = std::ranges::find(types, text, &NamedType::name);
    return found == types.end() ? Type::none : found->type;
}

std::uint32_t bytes_of(Type type) {
    const auto found = std::ranges::find(types, type, &NamedType::type);
    return found == types.end() ? 0 : found->bytes;
}

bool Instruction::has(std::string_view modifier) const {
    return std::ranges::find(modifiers, modifier) != modifiers.end();
}

}  // namespace simcuda::ptx
