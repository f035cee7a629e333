#include "cli/element_type.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace gpushard::cli {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are read on little-endian processors");

template <typename Value>
Value read_as(const std::byte* from, bool big_endian) {
    std::byte bytes[sizeof(Value)];
    std::memcpy(bytes, from, sizeof bytes);
    if (big_endian) std::reverse(std::begin(bytes), std::end(bytes));
    return std::bit_cast<Value>(bytes);
}

float float_of_half(std::uint16_t half) {
    const auto sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
    const std::uint32_t exponent = (half >> 10) & 0x1fU;
    const std::uint32_t mantissa = half & 0x3ffU;
    if (exponent == 0) {
        // A multiple of 2^-24: exact in float32.
        const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
        return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
    }
    const std::uint32_t wide_exponent = exponent == 0x1f ? 0xffU : exponent + (127 - 15);
    return std::bit_cast<float>(sign | wide_exponent << 23 | mantissa << 13);
}

template <typename Value, typename Convert>
void convert_each(StoredElement element, const std::byte* from, std::size_t count, float* to, Convert convert) {
    for (std::size_t i = 0; i < count; ++i) {
        to[i] = convert(read_as<Value>(from + i * sizeof(Value), element.big_endian));
    }
}

template <typename Value>
void convert_each(StoredElement element, const std::byte* from, std::size_t count, float* to) {
    convert_each<Value>(element, from, count, to, [](Value value) { return static_cast<float>(value); });
}

template <typename Spelling, std::size_t Count>
std::optional<ElementType> look_up(const std::pair<Spelling, ElementType> (&table)[Count], std::string_view spelling) {
    for (const auto& [name, type] : table) {
        if (name == spelling) return type;
    }
    return std::nullopt;
}

}  // namespace

std::size_t StoredElement::bytes() const {
    switch (type) {
        case ElementType::i8:
        case ElementType::u8:
        case ElementType::boolean:
            return 1;
        case ElementType::f16:
        case ElementType::bf16:
        case ElementType::i16:
        case ElementType::u16:
            return 2;
        case ElementType::f32:
        case ElementType::i32:
        case ElementType::u32:
            return 4;
        case ElementType::f64:
        case ElementType::i64:
        case ElementType::u64:
            return 8;
    }
    return 0;
}

std::optional<StoredElement> element_of_numpy(std::string_view descr) {
    static constexpr std::pair<std::string_view, ElementType> table[] = {
        {"f2", ElementType::f16}, {"f4", ElementType::f32}, {"f8", ElementType::f64}, {"i1", ElementType::i8},
        {"u1", ElementType::u8},  {"i2", ElementType::i16}, {"u2", ElementType::u16}, {"i4", ElementType::i32},
        {"u4", ElementType::u32}, {"i8", ElementType::i64}, {"u8", ElementType::u64}, {"b1", ElementType::boolean}};
    if (descr.size() != 3 || std::string_view("<>|=").find(descr.front()) == std::string_view::npos)
        return std::nullopt;
    const auto type = look_up(table, descr.substr(1));
    if (!type) return std::nullopt;
    return StoredElement{.type = *type, .big_endian = descr.front() == '>'};
}

std::optional<ElementType> element_of_safetensors(std::string_view dtype) {
    static constexpr std::pair<std::string_view, ElementType> table[] = {
        {"F16", ElementType::f16},     {"BF16", ElementType::bf16}, {"F32", ElementType::f32},
        {"F64", ElementType::f64},     {"I8", ElementType::i8},     {"U8", ElementType::u8},
        {"I16", ElementType::i16},     {"U16", ElementType::u16},   {"I32", ElementType::i32},
        {"U32", ElementType::u32},     {"I64", ElementType::i64},   {"U64", ElementType::u64},
        {"BOOL", ElementType::boolean}};
    return look_up(table, dtype);
}

void convert_to_float(StoredElement element, const std::byte* from, std::size_t count, float* to) {
    switch (element.type) {
        case ElementType::f16:
            return convert_each<std::uint16_t>(element, from, count, to, float_of_half);
        case ElementType::bf16:
            return convert_each<std::uint16_t>(element, from, count, to, [](std::uint16_t value) {
                return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
            });
        case ElementType::f32:
            return convert_each<float>(element, from, count, to);
        case ElementType::f64:
            return convert_each<double>(element, from, count, to);
        case ElementType::i8:
            return convert_each<std::int8_t>(element, from, count, to);
        case ElementType::u8:
        case ElementType::boolean:
            return convert_each<std::uint8_t>(element, from, count, to);
        case ElementType::i16:
            return convert_each<std::int16_t>(element, from, count, to);
        case ElementType::u16:
            return convert_each<std::uint16_t>(element, from, count, to);
        case ElementType::i32:
            return convert_each<std::int32_t>(element, from, count, to);
        case ElementType::u32:
            return convert_each<std::uint32_t>(element, from, count, to);
        case ElementType::i64:
            return convert_each<std::int64_t>(element, from, count, to);
        case ElementType::u64:
            return convert_each<std::uint64_t>(element, from, count, to);
    }
}

}  // namespace gpushard::cli
