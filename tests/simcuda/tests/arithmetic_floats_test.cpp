#include <cmath>

#include "arithmetic_check.hpp"
#include "exact_rounding.hpp"

namespace simcuda::test {
namespace {

using Limits = std::numeric_limits<float>;

template <typename T>
constexpr Format format_of = sizeof(T) == 4 ? float_format : double_format;
template <typename T>
T canonical_nan() {
    return value_of<T>(sizeof(T) == 4 ? 0x7fffffffU : 0x7ff8000000000000U);
}

struct RoundingName {
    Round round;
    const char* name;
};
constexpr RoundingName roundings[] = {
    {Round::nearest, "rn"}, {Round::zero, "rz"}, {Round::down, "rm"}, {Round::up, "rp"}};

/// A sum of two terms that are exact, of which each may be an infinity, or zero.
template <typename T>
T sum(Quad a, Quad b, bool a_negative, bool b_negative, Round round) {
    const auto special = [](Quad value) { return value != value || value - value != 0; };
    if (special(a) || special(b)) {
        const Quad result = a + b;
        return result != result ? canonical_nan<T>() : static_cast<T>(result);
    }
    const Exact exact = exact_sum(a, b);
    if (exact.high == 0) {
        if (a_negative == b_negative && a == 0) return a_negative ? -T{0} : T{0};
        return round == Round::down ? -T{0} : T{0};
    }
    return value_of<T>(rounded(exact, format_of<T>, round));
}

template <typename T>
T product(T a, T b, Round round) {
    const Quad exact = Quad{a} * Quad{b};
    if (exact != exact) return canonical_nan<T>();
    if (exact == 0 || exact - exact != 0) return static_cast<T>(exact);
    return value_of<T>(rounded({exact, 0}, format_of<T>, round));
}

template <typename T>
T quotient(T a, T b, Round round) {
    const T plain = a / b;
    if (std::isnan(plain)) return canonical_nan<T>();
    if (a == 0 || b == 0 || std::isinf(a) || std::isinf(b)) return plain;
    const Quad dividend = Quad{std::fabs(a)};
    const Quad divisor = Quad{std::fabs(b)};
    const auto compare = [&](Quad x) { return x * divisor < dividend ? -1 : x * divisor > dividend ? 1 : 0; };
    return value_of<T>(rounded_by(compare, std::signbit(a) != std::signbit(b), format_of<T>, round));
}

template <typename T>
T root(T a, Round round) {
    if (std::isnan(a) || a < 0) return canonical_nan<T>();
    if (a == 0 || std::isinf(a)) return a;
    const auto compare = [&](Quad x) { return x * x < Quad{a} ? -1 : x * x > Quad{a} ? 1 : 0; };
    return value_of<T>(rounded_by(compare, false, format_of<T>, round));
}

template <typename T>
void check_rounded(const std::string& type) {
    for (const RoundingName& rounding : roundings) {
        const Round round = rounding.round;
        const std::string suffix = std::string(".") + rounding.name + "." + type;
        check<T, T, T>("add" + suffix,
                       [&](T a, T b) { return sum<T>(Quad{a}, Quad{b}, std::signbit(a), std::signbit(b), round); });
        check<T, T, T>("sub" + suffix,
                       [&](T a, T b) { return sum<T>(Quad{a}, -Quad{b}, std::signbit(a), !std::signbit(b), round); });
        check<T, T, T>("mul" + suffix, [&](T a, T b) { return product(a, b, round); });
        check<T, T, T>("div" + suffix, [&](T a, T b) { return quotient(a, b, round); });
        check<T, T>("sqrt" + suffix, [&](T a) { return root(a, round); });
        check<T, T>("rcp" + suffix, [&](T a) { return quotient(T{1}, a, round); });
        const auto fused = [&](T a, T b, T c) {
            return sum<T>(Quad{a} * Quad{b}, Quad{c}, std::signbit(a) != std::signbit(b), std::signbit(c), round);
        };
        check<T, T, T, T>("fma" + suffix, fused);
        check<T, T, T, T>("mad" + suffix, fused);
    }
    const Round nearest = Round::nearest;
    check<T, T, T>("add." + type,
                   [&](T a, T b) { return sum<T>(Quad{a}, Quad{b}, std::signbit(a), std::signbit(b), nearest); });
    check<T, T, T>("sub." + type,
                   [&](T a, T b) { return sum<T>(Quad{a}, -Quad{b}, std::signbit(a), !std::signbit(b), nearest); });
    check<T, T, T>("mul." + type, [&](T a, T b) { return product(a, b, nearest); });
}

TEST(Floats, RoundedF32) { check_rounded<float>("f32"); }
TEST(Floats, RoundedF64) { check_rounded<double>("f64"); }

float flushed(float value) { return std::fabs(value) < Limits::min() ? std::copysign(0.0F, value) : value; }
float clamped(float value) { return value > 0.0F ? std::min(value, 1.0F) : 0.0F; }
float with_nan(float value) { return std::isnan(value) ? canonical_nan<float>() : value; }

TEST(Floats, FlushAndSaturate) {
    check<float, float, float>("add.ftz.f32",
                               [](float a, float b) { return with_nan(flushed(flushed(a) + flushed(b))); });
    check<float, float, float>("add.rn.ftz.f32",
                               [](float a, float b) { return with_nan(flushed(flushed(a) + flushed(b))); });
    check<float, float, float>("sub.ftz.f32",
                               [](float a, float b) { return with_nan(flushed(flushed(a) - flushed(b))); });
    check<float, float, float>("mul.ftz.f32",
                               [](float a, float b) { return with_nan(flushed(flushed(a) * flushed(b))); });
    check<float, float, float>("add.sat.f32", [](float a, float b) { return clamped(a + b); });
    check<float, float, float>("mul.ftz.sat.f32",
                               [](float a, float b) { return clamped(flushed(flushed(a) * flushed(b))); });
    check<float, float, float, float>("fma.rn.ftz.f32", [](float a, float b, float c) {
        return with_nan(flushed(std::fma(flushed(a), flushed(b), flushed(c))));
    });
    check<float, float, float, float>("fma.rn.sat.f32",
                                      [](float a, float b, float c) { return clamped(std::fma(a, b, c)); });
    check<float, float, float>("div.rn.ftz.f32",
                               [](float a, float b) { return with_nan(flushed(flushed(a) / flushed(b))); });
    check<float, float>("sqrt.rn.ftz.f32", [](float a) { return with_nan(flushed(std::sqrt(flushed(a)))); });
}

TEST(Floats, Signs) {
    check<float, float>("neg.f32", [](float a) { return value_of<float>(bits_of(a) ^ 0x80000000U); });
    check<float, float>("abs.f32", [](float a) { return value_of<float>(bits_of(a) & 0x7fffffffU); });
    check<float, float>("neg.ftz.f32", [](float a) { return -flushed(a); });
    check<float, float>("abs.ftz.f32", [](float a) { return std::fabs(flushed(a)); });
    check<double, double>("neg.f64", [](double a) { return -a; });
    check<double, double>("abs.f64", [](double a) { return std::fabs(a); });
    check<float, float, float>("copysign.f32", [](float a, float b) { return std::copysign(b, a); });
    check<double, double, double>("copysign.f64", [](double a, double b) { return std::copysign(b, a); });
}

template <typename T>
T chosen(T a, T b, bool largest) {
    if (std::isnan(a) && std::isnan(b)) return canonical_nan<T>();
    if (std::isnan(a)) return b;
    if (std::isnan(b)) return a;
    if (a == b) return std::signbit(a) == largest ? b : a;
    return (a < b) == largest ? b : a;
}
template <typename T>
T chosen_or_nan(T a, T b, bool largest) {
    return std::isnan(a) || std::isnan(b) ? canonical_nan<T>() : chosen(a, b, largest);
}

TEST(Floats, MinMax) {
    for (const bool largest : {false, true}) {
        const std::string name = largest ? "max" : "min";
        check<float, float, float>(name + ".f32", [&](float a, float b) { return chosen(a, b, largest); });
        check<double, double, double>(name + ".f64", [&](double a, double b) { return chosen(a, b, largest); });
        check<float, float, float>(name + ".ftz.f32",
                                   [&](float a, float b) { return chosen(flushed(a), flushed(b), largest); });
        check<float, float, float>(name + ".NaN.f32", [&](float a, float b) { return chosen_or_nan(a, b, largest); });
        check<float, float, float>(name + ".ftz.NaN.f32",
                                   [&](float a, float b) { return chosen_or_nan(flushed(a), flushed(b), largest); });
    }
}

/// Within `allowed` units in the last place of function(a), which is computed more exactly.
template <typename Function>
void check_close(const std::string& spelling, double allowed, const Function& function,
                 const std::vector<float>& values) {
    const auto results = computed(spelling, ptx::Type::f32, {column(values)});
    ASSERT_EQ(results.size(), values.size());
    for (std::size_t row = 0; row < values.size(); ++row) {
        const float result = value_of<float>(results[row]);
        const long double exact = function(static_cast<long double>(values[row]));
        const float nearest = static_cast<float>(exact);
        if (!std::isfinite(nearest) || nearest == 0.0F) {
            EXPECT_EQ(results[row], bits_of(with_nan(nearest))) << spelling << " " << values[row];
            continue;
        }
        const long double unit = std::nextafter(std::fabs(nearest), INFINITY) - std::fabs(nearest);
        EXPECT_LE(std::fabs(result - exact), allowed * unit) << spelling << " " << values[row];
    }
}

TEST(Floats, Approximations) {
    std::vector<float> values = edges<float>();
    std::mt19937_64 random(5);
    for (int i = 0; i < 2000; ++i) values.push_back(random_value<float>(random));
    check_close(
        "rcp.approx.f32", 1, [](long double a) { return 1 / a; }, values);
    check_close(
        "sqrt.approx.f32", 1, [](long double a) { return std::sqrt(a); }, values);
    check_close(
        "rsqrt.approx.f32", 1, [](long double a) { return 1 / std::sqrt(a); }, values);
    check_close(
        "ex2.approx.f32", 1, [](long double a) { return std::exp2(a); }, values);
    check_close(
        "lg2.approx.f32", 1, [](long double a) { return std::log2(a); }, values);
    check_close(
        "sin.approx.f32", 1, [](long double a) { return std::sin(a); }, values);
    check_close(
        "cos.approx.f32", 1, [](long double a) { return std::cos(a); }, values);
    check_close(
        "tanh.approx.f32", 1, [](long double a) { return std::tanh(a); }, values);
    check<float, float, float>("div.approx.f32", [](float a, float b) { return with_nan(a / b); });
    check<float, float, float>("div.full.f32", [](float a, float b) { return with_nan(a / b); });
    check<float, float>("rcp.approx.ftz.f32", [](float a) { return with_nan(flushed(1.0F / flushed(a))); });
    check<float, float>("sqrt.approx.ftz.f32", [](float a) { return with_nan(flushed(std::sqrt(flushed(a)))); });
    check<float, float>("ex2.approx.ftz.f32", [](float a) {
        return with_nan(flushed(static_cast<float>(std::exp2(static_cast<long double>(flushed(a))))));
    });
}

TEST(Floats, GrossApproximationsOfDoubles) {
    const auto upper = [](double value) { return value_of<double>(bits_of(value) >> 32 << 32); };
    const auto flush = [](double value) {
        return std::fabs(value) < std::numeric_limits<double>::min() ? std::copysign(0.0, value) : value;
    };
    check<double, double>("rcp.approx.ftz.f64", [&](double a) {
        if (std::isnan(a)) return canonical_nan<double>();
        return upper(flush(1.0 / upper(flush(a))));
    });
    check<double, double>("rsqrt.approx.ftz.f64", [&](double a) {
        if (std::isnan(a) || flush(a) < 0) return canonical_nan<double>();
        return upper(flush(1.0 / std::sqrt(upper(flush(a)))));
    });
}

TEST(Floats, Properties) {
    const auto check_property = [](const std::string& property, const auto& of_float, const auto& of_double) {
        const std::vector<float> floats = std::get<0>(rows_of<float>());
        check_rows("testp." + property + ".f32", ptx::Type::pred, {column(floats)},
                   [&](std::size_t row) { return std::uint64_t{of_float(floats[row])}; });
        const std::vector<double> doubles = std::get<0>(rows_of<double>());
        check_rows("testp." + property + ".f64", ptx::Type::pred, {column(doubles)},
                   [&](std::size_t row) { return std::uint64_t{of_double(doubles[row])}; });
    };
    const auto check_class = [&](const std::string& property, const auto& of) { check_property(property, of, of); };
    check_class("finite", [](auto a) { return std::isfinite(a); });
    check_class("infinite", [](auto a) { return std::isinf(a); });
    check_class("number", [](auto a) { return !std::isnan(a); });
    check_class("notanumber", [](auto a) { return std::isnan(a); });
    check_class("normal", [](auto a) { return std::isnormal(a); });
    check_class("subnormal", [](auto a) { return std::fpclassify(a) == FP_SUBNORMAL; });
}

}  // namespace
}  // namespace simcuda::test
