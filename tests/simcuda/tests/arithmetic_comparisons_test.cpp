#include <cmath>

#include "arithmetic_check.hpp"

namespace simcuda::test {
namespace {

using ptx::Type;
using S32 = std::int32_t;
using U16 = std::uint16_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;

struct Ordered {
    const char* name;
    bool less, equal, greater;
};
constexpr Ordered ordered[] = {{"eq", false, true, false}, {"ne", true, false, true},  {"lt", true, false, false},
                               {"le", true, true, false},  {"gt", false, false, true}, {"ge", false, true, true}};
constexpr Ordered unsigned_names[] = {
    {"lo", true, false, false}, {"ls", true, true, false}, {"hi", false, false, true}, {"hs", false, true, true}};

template <typename T>
bool holds(const Ordered& comparison, T a, T b) {
    return a < b ? comparison.less : a > b ? comparison.greater : a == b && comparison.equal;
}

template <typename T, typename Reference>
void check_comparison(const std::string& spelling, const Reference& reference) {
    const auto rows = rows_of<T, T>();
    const auto& [a, b] = rows;
    check_rows(spelling, Type::pred, {column(a), column(b)},
               [&, &first = a, &second = b](std::size_t row) { return U64{reference(first[row], second[row])}; });
}

template <typename T>
void check_integers(const std::string& type) {
    for (const Ordered& comparison : ordered) {
        check_comparison<T>(std::string("setp.") + comparison.name + "." + type,
                            [&](T a, T b) { return holds(comparison, a, b); });
    }
    if constexpr (std::is_unsigned_v<T>) {
        for (const Ordered& comparison : unsigned_names) {
            check_comparison<T>(std::string("setp.") + comparison.name + "." + type,
                                [&](T a, T b) { return holds(comparison, a, b); });
        }
    }
}

TEST(Comparisons, Integers) {
    check_integers<U16>("u16");
    check_integers<U32>("u32");
    check_integers<U64>("u64");
    check_integers<std::int16_t>("s16");
    check_integers<S32>("s32");
    check_integers<std::int64_t>("s64");
    for (const bool equal : {true, false}) {
        const std::string name = equal ? "setp.eq.b" : "setp.ne.b";
        check_comparison<U16>(name + "16", [&](U16 a, U16 b) { return (a == b) == equal; });
        check_comparison<U32>(name + "32", [&](U32 a, U32 b) { return (a == b) == equal; });
        check_comparison<U64>(name + "64", [&](U64 a, U64 b) { return (a == b) == equal; });
    }
}

template <typename T>
void check_floats(const std::string& type, T (*seen)(T)) {
    for (const Ordered& comparison : ordered) {
        const std::string spelling = std::string("setp.") + comparison.name;
        check_comparison<T>(spelling + type, [&](T a, T b) {
            return !std::isnan(a) && !std::isnan(b) && holds(comparison, seen(a), seen(b));
        });
        check_comparison<T>(spelling + "u" + type, [&](T a, T b) {
            return std::isnan(a) || std::isnan(b) || holds(comparison, seen(a), seen(b));
        });
    }
    check_comparison<T>("setp.num" + type, [&](T a, T b) { return !std::isnan(a) && !std::isnan(b); });
    check_comparison<T>("setp.nan" + type, [&](T a, T b) { return std::isnan(a) || std::isnan(b); });
}

TEST(Comparisons, Floats) {
    check_floats<float>(".f32", [](float a) { return a; });
    check_floats<double>(".f64", [](double a) { return a; });
    check_floats<float>(".ftz.f32", [](float a) { return std::fpclassify(a) == FP_SUBNORMAL ? 0.0F : a; });
}

TEST(Comparisons, Halves) {
    // Of positive numbers of either format the order is that of their bits.
    const std::vector<U64> a{0, 0x8000, 1, 0x3c00, 0x3c00, 0x7bff, 0x7c00, 0x7fff, 0x3c00, 0x0400};
    const std::vector<U64> b{0x8000, 0, 2, 0x3c00, 0x3bff, 0x7c00, 0x7c00, 0x3c00, 0x7fff, 0x0001};
    const std::vector<U64> half_less{0, 0, 1, 0, 0, 1, 0, 0, 0, 0};
    check_rows("setp.lt.f16", Type::pred, {{Type::f16, a}, {Type::f16, b}},
               [&](std::size_t row) { return half_less[row]; });
    const std::vector<U64> flushed_equal{1, 1, 1, 1, 0, 0, 1, 0, 0, 0};
    check_rows("setp.eq.ftz.f16", Type::pred, {{Type::f16, a}, {Type::b16, b}},
               [&](std::size_t row) { return flushed_equal[row]; });
    const std::vector<U64> bfloat_not_less{1, 1, 0, 1, 1, 0, 1, 1, 0, 1};  // 0x7c00 is a number there
    check_rows("setp.geu.bf16", Type::pred, {{Type::bf16, a}, {Type::bf16, b}},
               [&](std::size_t row) { return row == 8 ? U64{1} : bfloat_not_less[row]; });
}

bool combined(const std::string& name, bool a, bool b) {
    if (name == "and") return a && b;
    return name == "or" ? a || b : a != b;
}

TEST(Comparisons, CombineWithAPredicateAndWriteTwo) {
    const std::vector<S32> a{1, 1, 2, 2, 1, 1, 2, 2};
    const std::vector<S32> b(8, 2);
    for (const bool negated : {false, true}) {
        const Column c{Type::pred, {0, 1, 0, 1, 1, 0, 1, 0}, negated};
        for (const std::string name : {"and", "or", "xor"}) {
            const std::string spelling = "setp.lt." + name + ".s32";
            const auto first = [&](std::size_t row) {
                return U64{combined(name, a[row] < b[row], (c.values[row] != 0) != negated)};
            };
            const auto second = [&](std::size_t row) {
                return U64{combined(name, a[row] >= b[row], (c.values[row] != 0) != negated)};
            };
            check_rows(spelling, Type::pred, {column(a), column(b), c}, first);
            const auto both = computed(instruction_of(spelling, 3, 2), Type::pred, 2, {column(a), column(b), c});
            ASSERT_EQ(both.size(), 2U);
            for (std::size_t row = 0; row < a.size(); ++row) {
                EXPECT_EQ(both[0][row], first(row)) << spelling << " row " << row;
                EXPECT_EQ(both[1][row], second(row)) << spelling << " row " << row;
            }
        }
    }
    const auto both = computed(instruction_of("setp.ltu.f32", 2, 2), Type::pred, 2,
                               {column(std::vector<float>{1, 2, NAN}), column(std::vector<float>{2, 1, 0})});
    ASSERT_EQ(both.size(), 2U);
    EXPECT_EQ(both[0], (std::vector<U64>{1, 0, 1}));
    EXPECT_EQ(both[1], (std::vector<U64>{0, 1, 0}));
}

TEST(Comparisons, SetWritesNumbers) {
    const std::vector<float> a{1, 2, NAN, -0.0F};
    const std::vector<float> b{2, 1, 1, 0.0F};
    const Column c{Type::pred, {1, 1, 0, 0}, false};
    const auto check_set = [&](const std::string& spelling, Type to, const std::vector<Column>& sources,
                               const std::vector<U64>& expected) {
        check_rows(spelling, to, sources, [&](std::size_t row) { return expected[row]; });
    };
    check_set("set.lt.u32.f32", Type::u32, {column(a), column(b)}, {0xffffffffU, 0, 0, 0});
    check_set("set.geu.s32.f32", Type::s32, {column(a), column(b)}, {0, 0xffffffffU, 0xffffffffU, 0xffffffffU});
    check_set("set.eq.f32.f32", Type::f32, {column(a), column(b)}, {0, 0, 0, bits_of(1.0F)});
    check_set("set.gt.or.f32.f32", Type::f32, {column(a), column(b), c}, {bits_of(1.0F), bits_of(1.0F), 0, 0});
    check_set("set.ne.and.u32.s32", Type::u32,
              {column(std::vector<S32>{1, 2, 3, 4}), column(std::vector<S32>{1, 3, 4, 5}), c}, {0, 0xffffffffU, 0, 0});
}

template <typename T>
void check_selection(const std::string& type) {
    const auto rows = rows_of<T, T>();
    const auto& [a, b] = rows;
    for (const bool negated : {false, true}) {
        Column c{Type::pred, {}, negated};
        std::mt19937 random(2);
        for (std::size_t row = 0; row < a.size(); ++row) c.values.push_back(random() & 1U);
        check_rows("selp." + type, type_of<T>(), {column(a), column(b), c},
                   [&, &first = a, &second = b](std::size_t row) {
                       return bits_of((c.values[row] != 0) != negated ? first[row] : second[row]);
                   });
    }
}

TEST(Comparisons, Selections) {
    check_selection<U16>("u16");
    check_selection<std::int16_t>("b16");
    check_selection<U32>("b32");
    check_selection<S32>("s32");
    check_selection<float>("f32");
    check_selection<U64>("b64");
    check_selection<double>("f64");
    check<U32, U32, U32, S32>("slct.u32.s32", [](U32 a, U32 b, S32 c) { return c >= 0 ? a : b; });
    check<U64, U64, U64, S32>("slct.b64.s32", [](U64 a, U64 b, S32 c) { return c >= 0 ? a : b; });
    check<U16, U16, U16, float>("slct.b16.f32", [](U16 a, U16 b, float c) { return c >= 0 ? a : b; });
    check<float, float, float, float>("slct.ftz.f32.f32", [](float a, float b, float c) {
        return c >= 0 || std::fpclassify(c) == FP_SUBNORMAL ? a : b;
    });
}

}  // namespace
}  // namespace simcuda::test
