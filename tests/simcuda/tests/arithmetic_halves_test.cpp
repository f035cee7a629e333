#include <cmath>

#include "arithmetic_check.hpp"
#include "exact_rounding.hpp"

namespace simcuda::test {
namespace {

using ptx::Type;
using U16 = std::uint16_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;

constexpr U64 nan_bits = 0x7fff;

/// One of the two 16-bit formats.
struct Small {
    const char* name;
    Format format;
    Type type;
    Type pair;

    bool is_infinite(U64 bits) const { return (bits & 0x7fffU) == format.infinity(); }
    bool negative(U64 bits) const { return (bits & 0x8000U) != 0; }
    Quad value(U64 bits) const { return format.value(bits); }
    /// a * b + c, where a product or a sum alone is one with b 1 or c a zero of the product's sign.
    U64 fused(U64 a, U64 b, U64 c) const {
        if (format.is_nan(a) || format.is_nan(b) || format.is_nan(c)) return nan_bits;
        const bool product_negative = negative(a) != negative(b);
        if (is_infinite(a) || is_infinite(b)) {
            if (value(a) == 0 || value(b) == 0) return nan_bits;
            if (is_infinite(c) && negative(c) != product_negative) return nan_bits;
            return (product_negative ? 0x8000U : 0U) | format.infinity();
        }
        if (is_infinite(c)) return c;
        const Exact exact = exact_sum(value(a) * value(b), value(c));
        if (exact.high == 0) return product_negative && negative(c) ? 0x8000U : 0U;
        return rounded(exact, format, Round::nearest);
    }
    U64 one() const { return format.exponent_bits == 5 ? 0x3c00 : 0x3f80; }
    U64 sum(U64 a, U64 b) const { return fused(a, one(), b); }
    U64 product(U64 a, U64 b) const { return fused(a, b, negative(a) != negative(b) ? 0x8000U : 0U); }
    U64 flushed(U64 bits) const { return (bits & format.infinity()) == 0 ? bits & 0x8000U : bits; }
};
const Small half{"f16", half_format, Type::f16, Type::f16x2};
const Small bfloat{"bf16", bfloat_format, Type::bf16, Type::bf16x2};

std::vector<U64> small_values(const Small& small) {
    const U64 infinity = small.format.infinity();
    const U64 least_normal = U64{1} << small.format.fraction_bits;
    std::vector<U64> values;
    for (const U64 bits : {U64{0}, U64{1}, least_normal - 1, least_normal, least_normal + 1, small.one() - 1,
                           small.one(), small.one() + 1, small.one() + least_normal, infinity - 1, infinity,
                           infinity + 1, nan_bits, infinity / 2, infinity / 4 * 3}) {
        values.push_back(bits);
        values.push_back(bits | 0x8000U);
    }
    return values;
}

struct Triples {
    std::vector<U64> a, b, c;
    explicit Triples(const Small& small) {
        const std::vector<U64> values = small_values(small);
        for (const U64 x : values) {
            for (const U64 y : values) {
                for (const U64 z : values) add(x, y, z);
            }
        }
        std::mt19937 random(11);
        for (int i = 0; i < 20000; ++i) {
            // Every other one with exponents so close that the sum has bits of both.
            const U64 first = random() & 0xffffU;
            const U64 second = random() & 0xffffU;
            const U64 near = first ^ (random() & 0x83ffU);
            add(first, i % 2 == 0 ? second : small.one() ^ (random() & 0x87U), i % 2 == 0 ? random() & 0xffffU : near);
        }
    }
    void add(U64 x, U64 y, U64 z) {
        a.push_back(x);
        b.push_back(y);
        c.push_back(z);
    }
};

/// Of a column of 16-bit values: pairs with the value of the row behind it in the upper half.
Column paired(const std::vector<U64>& values, Type type) {
    Column result{type, {}, false};
    for (std::size_t row = 0; row < values.size(); ++row) {
        result.values.push_back(values[row] | values[(row + 1) % values.size()] << 16);
    }
    return result;
}

/// The scalar and the packed instruction; reference(row) is the result of the scalar one.
template <typename Reference>
void check_both(const std::string& spelling, const Small& small, const std::vector<const std::vector<U64>*>& columns,
                const Reference& reference) {
    std::vector<Column> scalars;
    std::vector<Column> pairs;
    for (const auto* values : columns) {
        scalars.push_back({small.type, *values, false});
        pairs.push_back(paired(*values, small.pair));
    }
    const std::size_t rows = columns[0]->size();
    std::vector<U64> expected;
    for (std::size_t row = 0; row < rows; ++row) expected.push_back(reference(row));
    check_rows(spelling + "." + small.name, small.type, scalars, [&](std::size_t row) { return expected[row]; });
    check_rows(spelling + "." + small.name + "x2", small.pair, pairs,
               [&](std::size_t row) { return expected[row] | expected[(row + 1) % rows] << 16; });
}

void check_arithmetic(const Small& small) {
    const Triples rows(small);
    const auto& [a, b, c] = rows;
    check_both("add", small, {&a, &b}, [&](std::size_t i) { return small.sum(a[i], b[i]); });
    check_both("add.rn", small, {&a, &c}, [&](std::size_t i) { return small.sum(a[i], c[i]); });
    check_both("sub", small, {&a, &c}, [&](std::size_t i) { return small.sum(a[i], c[i] ^ 0x8000U); });
    check_both("mul", small, {&a, &b}, [&](std::size_t i) { return small.product(a[i], b[i]); });
    check_both("fma.rn", small, {&a, &b, &c}, [&](std::size_t i) { return small.fused(a[i], b[i], c[i]); });
    check_both("fma.rn.relu", small, {&a, &b, &c}, [&](std::size_t i) {
        const U64 result = small.fused(a[i], b[i], c[i]);
        return result == nan_bits || !small.negative(result) ? result : 0;
    });
    check_both("neg", small, {&a}, [&](std::size_t i) { return a[i] ^ 0x8000U; });
    check_both("abs", small, {&a}, [&](std::size_t i) { return a[i] & 0x7fffU; });
    for (const bool largest : {false, true}) {
        const auto chosen = [&](U64 x, U64 y, bool with_nan) {
            const bool x_nan = small.format.is_nan(x);
            const bool y_nan = small.format.is_nan(y);
            if ((x_nan && y_nan) || (with_nan && (x_nan || y_nan))) return nan_bits;
            if (x_nan || y_nan) return x_nan ? y : x;
            const auto order = [&](U64 bits) {
                return small.negative(bits) ? 0x7fff - static_cast<int>(bits) : static_cast<int>(bits);
            };
            return (order(x) < order(y)) == largest ? y : x;
        };
        const std::string name = largest ? "max" : "min";
        check_both(name, small, {&a, &c}, [&](std::size_t i) { return chosen(a[i], c[i], false); });
        check_both(name + ".NaN", small, {&a, &c}, [&](std::size_t i) { return chosen(a[i], c[i], true); });
    }
}

TEST(Halves, F16) { check_arithmetic(half); }
TEST(Halves, Bf16) { check_arithmetic(bfloat); }

TEST(Halves, FlushAndSaturate) {
    const Triples rows(half);
    const auto& [a, b, c] = rows;
    const auto flush = [](U64 bits) { return half.flushed(bits); };
    check_both("add.ftz", half, {&a, &c}, [&](std::size_t i) { return flush(half.sum(flush(a[i]), flush(c[i]))); });
    check_both("mul.ftz", half, {&a, &b}, [&](std::size_t i) { return flush(half.product(flush(a[i]), flush(b[i]))); });
    check_both("fma.rn.ftz", half, {&a, &b, &c},
               [&](std::size_t i) { return flush(half.fused(flush(a[i]), flush(b[i]), flush(c[i]))); });
    check_both("mul.sat", half, {&a, &b}, [&](std::size_t i) {
        const U64 result = half.product(a[i], b[i]);
        return result == nan_bits || half.negative(result) ? 0 : std::min(result, half.one());
    });
}

std::vector<U64> all_of_16_bits() {
    std::vector<U64> values(0x10000);
    for (U64 bits = 0; bits < values.size(); ++bits) values[bits] = bits;
    return values;
}

TEST(Halves, Approximations) {
    const std::vector<U64> all = all_of_16_bits();
    const auto expected = [](U64 bits, long double (*function)(long double)) -> U64 {
        if (half.format.is_nan(bits)) return nan_bits;
        const long double argument = half.is_infinite(bits)
                                         ? std::copysign(INFINITY, half.negative(bits) ? -1.0F : 1.0F)
                                         : static_cast<long double>(half.value(bits));
        const long double result = function(argument);
        if (result == 0 || std::isinf(result))
            return (std::signbit(result) ? 0x8000U : 0U) | (result == 0 ? 0 : half.format.infinity());
        return rounded({Quad{result}, 0}, half.format, Round::nearest);
    };
    check_both("ex2.approx", half, {&all},
               [&](std::size_t i) { return expected(i, [](long double x) { return std::exp2(x); }); });
    check_both("tanh.approx", half, {&all},
               [&](std::size_t i) { return expected(i, [](long double x) { return std::tanh(x); }); });
}

TEST(Halves, EveryOneIsWidened) {
    const std::vector<U64> all = all_of_16_bits();
    for (const Small& small : {half, bfloat}) {
        const auto widened = [&](U64 bits) {
            if (small.format.is_nan(bits)) return value_of<float>(0x7fffffffU);
            const float magnitude =
                small.is_infinite(bits) ? INFINITY : static_cast<float>(small.value(bits & 0x7fffU));
            return small.negative(bits) ? -magnitude : magnitude;
        };
        const std::string name = small.name;
        check_rows("cvt.f32." + name, Type::f32, {{small.type, all, false}},
                   [&](std::size_t row) { return bits_of(widened(row)); });
        check_rows("cvt.sat.f32." + name, Type::f32, {{small.type, all, false}},
                   [&](std::size_t row) { return bits_of(widened(row) > 0 ? std::min(widened(row), 1.0F) : 0.0F); });
        check_rows("cvt.f64." + name, Type::f64, {{small.type, all, false}}, [&](std::size_t row) {
            return small.format.is_nan(row) ? 0x7ff8000000000000U : bits_of(static_cast<double>(widened(row)));
        });
    }
}

/// Floats around every half and around every point halfway between two; for the other format every 23rd.
std::vector<float> floats_around(const Small& small) {
    std::vector<float> values;
    const U64 step = small.type == Type::f16 ? 1 : 23;
    for (U64 bits = 0; bits <= small.format.infinity(); bits += step) {
        const Quad number = small.value(bits);
        const Quad halfway = bits == small.format.infinity() ? number : (number + small.value(bits + 1U)) / 2;
        for (const Quad middle : {number, halfway}) {
            const float value = static_cast<float>(middle);
            for (const float x : {std::nextafter(value, 0.0F), value, std::nextafter(value, INFINITY)}) {
                values.push_back(x);
                values.push_back(-x);
            }
        }
    }
    for (const float x : edges<float>()) values.push_back(x);
    return values;
}

struct RoundingName {
    Round round;
    const char* name;
};
constexpr RoundingName roundings[] = {
    {Round::nearest, "rn"}, {Round::zero, "rz"}, {Round::down, "rm"}, {Round::up, "rp"}};

template <typename From>
U64 narrowed(From value, const Small& small, Round round) {
    if (std::isnan(value)) return nan_bits;
    if (value == 0) return std::signbit(value) ? 0x8000U : 0U;
    if (std::isinf(value)) return (value < 0 ? 0x8000U : 0U) | small.format.infinity();
    return rounded({Quad{value}, 0}, small.format, round);
}

TEST(Halves, FloatsAreNarrowed) {
    for (const Small& small : {half, bfloat}) {
        const std::vector<float> values = floats_around(small);
        std::vector<double> doubles = edges<double>();
        for (std::size_t row = 0; row < values.size(); row += 7) {
            doubles.push_back(std::nextafter(double{values[row]}, 0.0));
            doubles.push_back(std::nextafter(double{values[row]}, HUGE_VAL));
        }
        for (const RoundingName& rounding : roundings) {
            const std::string spelling = std::string("cvt.") + rounding.name + "." + small.name;
            check_rows(spelling + ".f32", small.type, {column(values)},
                       [&](std::size_t row) { return narrowed(values[row], small, rounding.round); });
            check_rows(spelling + ".f64", small.type, {column(doubles)},
                       [&](std::size_t row) { return narrowed(doubles[row], small, rounding.round); });
        }
        const std::string name = small.name;
        check_rows("cvt.rn.sat." + name + ".f32", small.type, {column(values)}, [&](std::size_t row) -> U64 {
            return values[row] > 0 ? narrowed(std::min(values[row], 1.0F), small, Round::nearest) : 0;
        });
        check_rows("cvt.rn.relu." + name + ".f32", small.type, {column(values)}, [&](std::size_t row) -> U64 {
            const U64 result = narrowed(values[row], small, Round::nearest);
            return small.negative(result) ? 0 : result;
        });
        const std::vector<float> others(values.rbegin(), values.rend());
        check_rows("cvt.rn." + name + "x2.f32", small.pair, {column(values), column(others)}, [&](std::size_t row) {
            return narrowed(values[row], small, Round::nearest) << 16 | narrowed(others[row], small, Round::nearest);
        });
        check_rows("cvt.rz." + name + "x2.f32", small.pair, {column(values), column(others)}, [&](std::size_t row) {
            return narrowed(values[row], small, Round::zero) << 16 | narrowed(others[row], small, Round::zero);
        });
    }
}

}  // namespace
}  // namespace simcuda::test
