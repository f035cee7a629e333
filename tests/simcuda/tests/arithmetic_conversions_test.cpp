#include <cmath>

#include "arithmetic_check.hpp"
#include "exact_rounding.hpp"

namespace simcuda::test {
namespace {

using ptx::Type;
using U64 = std::uint64_t;
__extension__ using Big = __int128;

template <typename T>
std::string name_of() {
    const std::string bits = std::to_string(8 * sizeof(T));
    if (std::is_floating_point_v<T>) return "f" + bits;
    return (std::is_signed_v<T> ? "s" : "u") + bits;
}

/// The unsigned types of registers that hold a T.
template <typename T>
std::vector<Type> registers_of() {
    std::vector<Type> types{Type::b64};
    if (sizeof(T) <= 4) types.push_back(Type::b32);
    if (sizeof(T) <= 2) types.push_back(Type::b16);
    return types;
}

/// A value as the register has it: extended by its sign.
template <typename T>
U64 in_register(T value, Type type) {
    const U64 bits = static_cast<U64>(static_cast<Big>(value));
    const unsigned width = 8 * interpreter::lane_bytes(type);
    return width == 64 ? bits : bits & ((U64{1} << width) - 1U);
}

template <typename To, typename From>
void check_integers() {
    std::vector<From> values = edges<From>();
    std::mt19937_64 random(9);
    for (int i = 0; i < 40; ++i) values.push_back(static_cast<From>(random()));
    for (const Type from : registers_of<From>()) {
        Column source{from, {}, false};
        for (const From value : values) {
            // What is above the type is not read.
            const U64 above = sizeof(From) == 8 ? 0 : random() << (8 * sizeof(From) % 64);
            source.values.push_back((above | static_cast<U64>(static_cast<std::make_unsigned_t<From>>(value))) &
                                    in_register(Big{-1}, from));
        }
        for (const Type to : registers_of<To>()) {
            const std::string types = name_of<To>() + "." + name_of<From>();
            check_rows("cvt." + types, to, {source},
                       [&](std::size_t row) { return in_register(static_cast<To>(values[row]), to); });
            check_rows("cvt.sat." + types, to, {source}, [&](std::size_t row) {
                using Limits = std::numeric_limits<To>;
                return in_register(
                    static_cast<To>(std::clamp(Big{values[row]}, Big{Limits::min()}, Big{Limits::max()})), to);
            });
        }
    }
}

template <typename To>
void check_integers_to() {
    check_integers<To, std::uint8_t>();
    check_integers<To, std::uint16_t>();
    check_integers<To, std::uint32_t>();
    check_integers<To, std::uint64_t>();
    check_integers<To, std::int8_t>();
    check_integers<To, std::int16_t>();
    check_integers<To, std::int32_t>();
    check_integers<To, std::int64_t>();
}

TEST(Conversions, Integers) {
    check_integers_to<std::uint8_t>();
    check_integers_to<std::uint16_t>();
    check_integers_to<std::uint32_t>();
    check_integers_to<std::uint64_t>();
    check_integers_to<std::int8_t>();
    check_integers_to<std::int16_t>();
    check_integers_to<std::int32_t>();
    check_integers_to<std::int64_t>();
}

struct RoundingName {
    Round round;
    const char* name;
};
constexpr RoundingName roundings[] = {
    {Round::nearest, "rn"}, {Round::zero, "rz"}, {Round::down, "rm"}, {Round::up, "rp"}};

/// The integral number that a finite one is rounded to.
template <typename T>
T integral(T value, Round round) {
    const T below = std::floor(value);
    switch (round) {
        case Round::down:
            return below;
        case Round::up:
            return std::ceil(value);
        case Round::zero:
            return value < 0 ? std::ceil(value) : below;
        default:
            break;
    }
    const T rest = value - below;
    const bool up = rest > T{0.5} || (rest == T{0.5} && std::fmod(below, T{2}) != 0);
    return std::copysign(up ? below + 1 : below, value);
}

template <typename To, typename From>
To to_integer(From value, Round round) {
    using Limits = std::numeric_limits<To>;
    if (std::isnan(value)) {
        return sizeof(To) == 8 || sizeof(From) == 8 ? static_cast<To>(U64{1} << (8 * sizeof(To) - 1)) : To{0};
    }
    if (std::isinf(value)) return value < 0 ? Limits::min() : Limits::max();
    const Quad whole = integral(value, round);
    if (whole < Quad(Limits::min())) return Limits::min();
    return whole > Quad(Limits::max()) ? Limits::max() : static_cast<To>(whole);
}

template <typename From>
std::vector<From> fractions() {
    std::vector<From> values = std::get<0>(rows_of<From>(1000));
    for (const From end : {From{0}, From{127}, From{128}, From{255}, From{256}, From{32768}, From{65535}, From(0x1p31),
                           From(0x1p32), From(0x1p63), From(0x1p64)}) {
        for (const From part : {From{0}, From{0.25}, From{0.5}, From{0.75}, From{1}, From{1.5}, From{2.5}}) {
            for (const From value : {end + part, end - part}) {
                values.push_back(value);
                values.push_back(-value);
            }
        }
    }
    return values;
}

template <typename To, typename From>
void check_to_integer() {
    const std::vector<From> values = fractions<From>();
    for (const RoundingName& rounding : roundings) {
        for (const Type to : registers_of<To>()) {
            const auto reference = [&](std::size_t row) {
                return in_register(to_integer<To>(values[row], rounding.round), to);
            };
            const std::string start = std::string("cvt.") + rounding.name + "i";
            const std::string types = "." + name_of<To>() + "." + name_of<From>();
            check_rows(start + types, to, {column(values)}, reference);
            check_rows(start + ".sat" + types, to, {column(values)}, reference);
        }
    }
}

template <typename From>
void check_to_integers() {
    check_to_integer<std::uint8_t, From>();
    check_to_integer<std::uint16_t, From>();
    check_to_integer<std::uint32_t, From>();
    check_to_integer<std::uint64_t, From>();
    check_to_integer<std::int8_t, From>();
    check_to_integer<std::int16_t, From>();
    check_to_integer<std::int32_t, From>();
    check_to_integer<std::int64_t, From>();
}

TEST(Conversions, FloatsToIntegers) { check_to_integers<float>(); }
TEST(Conversions, DoublesToIntegers) { check_to_integers<double>(); }

TEST(Conversions, HalvesToIntegers) {
    std::vector<U64> all(0x10000);
    for (U64 bits = 0; bits < all.size(); ++bits) all[bits] = bits;
    for (const RoundingName& rounding : roundings) {
        for (const bool is_half : {true, false}) {
            const Format format = is_half ? half_format : bfloat_format;
            const auto number = [&](U64 bits) {
                if (format.is_nan(bits)) return value_of<float>(0x7fffffffU);
                const float magnitude =
                    (bits & 0x7fffU) == format.infinity() ? INFINITY : static_cast<float>(format.value(bits & 0x7fffU));
                return (bits & 0x8000U) != 0 ? -magnitude : magnitude;
            };
            const std::string start = std::string("cvt.") + rounding.name + "i.";
            const std::string end = is_half ? ".f16" : ".bf16";
            const Column source{is_half ? Type::f16 : Type::bf16, all, false};
            check_rows(start + "s32" + end, Type::s32, {source}, [&](std::size_t row) {
                return in_register(to_integer<std::int32_t>(number(row), rounding.round), Type::s32);
            });
            check_rows(start + "u8" + end, Type::u16, {source}, [&](std::size_t row) {
                return in_register(to_integer<std::uint8_t>(number(row), rounding.round), Type::u16);
            });
            check_rows(start + "s64" + end, Type::s64, {source}, [&](std::size_t row) {
                return in_register(to_integer<std::int64_t>(number(row), rounding.round), Type::s64);
            });
        }
    }
}

struct FloatType {
    const char* name;
    Type type;
    Format format;
    U64 one;
};
const FloatType float_types[] = {{"f16", Type::f16, half_format, 0x3c00},
                                 {"bf16", Type::bf16, bfloat_format, 0x3f80},
                                 {"f32", Type::f32, float_format, 0x3f800000},
                                 {"f64", Type::f64, double_format, 0x3ff0000000000000}};

template <typename From>
void check_from_integer() {
    std::vector<From> values = edges<From>();
    std::mt19937_64 random(13);
    for (int i = 0; i < 300; ++i) values.push_back(static_cast<From>(random() >> random() % 64));
    // Halfway between two floats, and one beside it.
    for (const U64 shift : {10U, 20U, 38U}) {
        for (const U64 odd : {0U, 1U}) {
            for (const U64 last : {0U, 1U, 2U}) {
                values.push_back(static_cast<From>((((U64{0x1000000} | odd) * 2 + 1) << shift) - 1 + last));
            }
        }
    }
    // Halfway between two numbers of the 16-bit formats, where a double does not see what is beside it.
    for (const U64 halfway : {0x8080000000000000U, 0x4040000000000000U, 0x40c0000000000000U}) {
        for (const U64 last : {0U, 1U, 2U}) values.push_back(static_cast<From>(halfway - 1 + last));
    }
    for (const FloatType& to : float_types) {
        for (const RoundingName& rounding : roundings) {
            for (const Type from : registers_of<From>()) {
                Column source{from, {}, false};
                for (const From value : values) source.values.push_back(in_register(value, from));
                const std::string types = std::string(to.name) + "." + name_of<From>();
                check_rows(std::string("cvt.") + rounding.name + "." + types, to.type, {source}, [&](std::size_t row) {
                    return values[row] == 0 ? 0 : rounded({Quad(values[row]), 0}, to.format, rounding.round);
                });
                check_rows(std::string("cvt.") + rounding.name + ".sat." + types, to.type, {source},
                           [&](std::size_t row) { return values[row] > 0 ? to.one : 0; });
            }
        }
    }
}

TEST(Conversions, IntegersToFloats) {
    check_from_integer<std::uint8_t>();
    check_from_integer<std::uint16_t>();
    check_from_integer<std::uint32_t>();
    check_from_integer<std::uint64_t>();
    check_from_integer<std::int8_t>();
    check_from_integer<std::int16_t>();
    check_from_integer<std::int32_t>();
    check_from_integer<std::int64_t>();
}

float flushed(float value) { return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(0.0F, value) : value; }
template <typename T>
T clamped(T value) {
    return value > 0 ? std::min(value, T{1}) : T{0};
}
template <typename T>
T with_nan(T value) {
    return std::isnan(value) ? value_of<T>(sizeof(T) == 4 ? 0x7fffffffU : 0x7ff8000000000000U) : value;
}

TEST(Conversions, FloatsAndDoubles) {
    for (const RoundingName& rounding : roundings) {
        const std::string start = std::string("cvt.") + rounding.name;
        const auto narrowed = [&](double value) {
            if (std::isnan(value) || std::isinf(value) || value == 0) return with_nan(static_cast<float>(value));
            return value_of<float>(rounded({Quad{value}, 0}, float_format, rounding.round));
        };
        check<float, double>(start + ".f32.f64", narrowed);
        check<float, double>(start + ".ftz.f32.f64", [&](double value) { return flushed(narrowed(value)); });
        check<float, double>(start + ".sat.f32.f64", [&](double value) { return clamped(narrowed(value)); });
    }
    check<double, float>("cvt.f64.f32", [](float value) { return with_nan(double{value}); });
    check<double, float>("cvt.ftz.f64.f32", [](float value) { return with_nan(double{flushed(value)}); });
    check<double, float>("cvt.sat.f64.f32", [](float value) { return clamped(double{value}); });
    check<float, float>("cvt.f32.f32", [](float value) { return with_nan(value); });
    check<float, float>("cvt.ftz.f32.f32", [](float value) { return with_nan(flushed(value)); });
    check<float, float>("cvt.sat.f32.f32", [](float value) { return clamped(value); });
    check<float, float>("cvt.ftz.sat.f32.f32", [](float value) { return clamped(flushed(value)); });
    check<double, double>("cvt.sat.f64.f64", [](double value) { return clamped(value); });
}

template <typename T>
T whole(T value, Round round) {
    if (std::isnan(value) || std::isinf(value)) return with_nan(value);
    return std::copysign(integral(value, round), value);
}

TEST(Conversions, ToIntegralNumbers) {
    for (const RoundingName& rounding : roundings) {
        const std::string start = std::string("cvt.") + rounding.name + "i";
        check<float, float>(start + ".f32.f32", [&](float value) { return whole(value, rounding.round); });
        check<double, double>(start + ".f64.f64", [&](double value) { return whole(value, rounding.round); });
        check<float, float>(start + ".ftz.f32.f32", [&](float value) { return whole(flushed(value), rounding.round); });
        check<float, float>(start + ".sat.f32.f32", [&](float value) { return clamped(whole(value, rounding.round)); });
        std::vector<U64> all(0x10000);
        for (U64 bits = 0; bits < all.size(); ++bits) all[bits] = bits;
        check_rows(start + ".f16.f16", Type::f16, {{Type::f16, all, false}}, [&](std::size_t row) -> U64 {
            if (half_format.is_nan(row)) return 0x7fff;
            if ((row & 0x7fffU) == half_format.infinity()) return row;
            const float result = integral(static_cast<float>(half_format.value(row)), rounding.round);
            return (row & 0x8000U) | (result == 0 ? 0 : rounded({std::fabs(result), 0}, half_format, Round::nearest));
        });
    }
}

}  // namespace
}  // namespace simcuda::test
