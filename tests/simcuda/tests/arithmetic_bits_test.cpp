#include "arithmetic_check.hpp"

namespace simcuda::test {
namespace {

using ptx::Type;
using U16 = std::uint16_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;
using S16 = std::int16_t;
using S32 = std::int32_t;
using S64 = std::int64_t;

template <typename T>
constexpr int width = 8 * sizeof(T);
template <typename T>
bool bit(T value, int index) {
    return (static_cast<U64>(value) >> index & 1U) != 0;
}

template <typename T>
void check_logic(const std::string& type) {
    check<T, T, T>("and." + type, [](T a, T b) { return static_cast<T>(a & b); });
    check<T, T, T>("or." + type, [](T a, T b) { return static_cast<T>(a | b); });
    check<T, T, T>("xor." + type, [](T a, T b) { return static_cast<T>((a | b) - (a & b)); });
    check<T, T>("not." + type, [](T a) { return static_cast<T>(-1 - a); });
    check<T, T>("cnot." + type, [](T a) { return static_cast<T>(a == 0); });
}

TEST(Bits, Logic) {
    check_logic<U16>("b16");
    check_logic<U32>("b32");
    check_logic<U64>("b64");
}

TEST(Bits, LogicOfThreeByATable) {
    check<U32, U32, U32, U32, U32>("lop3.b32", [](U32 a, U32 b, U32 c, U32 table) {
        U32 result = 0;
        for (int i = 0; i < 32; ++i) {
            const int row = 4 * bit(a, i) + 2 * bit(b, i) + bit(c, i);
            result |= U32{bit(table, row)} << i;
        }
        return result;
    });
}

/// Shifts by as many as the row says, one by one.
template <typename T>
T shifted(T value, U32 by, bool left) {
    for (U32 i = 0; i < std::min<U32>(by, 64); ++i) value = static_cast<T>(left ? U64(value) * 2 : value >> 1);
    return value;
}

template <typename T>
void check_shifts(const std::string& type) {
    std::vector<T> values;
    std::vector<U32> amounts;
    for (const T value : edges<T>()) {
        for (const U32 by : {0U, 1U, 7U, 15U, 16U, 17U, 31U, 32U, 33U, 63U, 64U, 65U, 255U, 256U, 0x80000000U, ~0U}) {
            values.push_back(value);
            amounts.push_back(by);
        }
    }
    if (type[0] == 'b') {
        check_rows("shl." + type, type_of<T>(), {column(values), column(amounts)},
                   [&](std::size_t row) { return bits_of(shifted(values[row], amounts[row], true)); });
    }
    check_rows("shr." + type, type_of<T>(), {column(values), column(amounts)},
               [&](std::size_t row) { return bits_of(shifted(values[row], amounts[row], false)); });
}

TEST(Bits, ShiftsEndAtTheWidth) {
    check_shifts<U16>("b16");
    check_shifts<U32>("b32");
    check_shifts<U64>("b64");
    check_shifts<U16>("u16");
    check_shifts<U32>("u32");
    check_shifts<U64>("u64");
    check_shifts<S16>("s16");
    check_shifts<S32>("s32");
    check_shifts<S64>("s64");
}

TEST(Bits, FunnelShifts) {
    const auto both = [](U32 low, U32 high) { return U64{high} << 32 | low; };
    const auto left = [&](U32 low, U32 high, U32 by) {
        return static_cast<U32>(shifted(both(low, high), by, true) >> 32);
    };
    const auto right = [&](U32 low, U32 high, U32 by) { return static_cast<U32>(shifted(both(low, high), by, false)); };
    check<U32, U32, U32, U32>("shf.l.wrap.b32", [&](U32 a, U32 b, U32 c) { return left(a, b, c % 32); });
    check<U32, U32, U32, U32>("shf.r.wrap.b32", [&](U32 a, U32 b, U32 c) { return right(a, b, c % 32); });
    check<U32, U32, U32, U32>("shf.l.clamp.b32", [&](U32 a, U32 b, U32 c) { return left(a, b, std::min(c, 32U)); });
    check<U32, U32, U32, U32>("shf.r.clamp.b32", [&](U32 a, U32 b, U32 c) { return right(a, b, std::min(c, 32U)); });
}

/// As the PTX ISA writes it down.
template <typename T>
T field(T a, U32 b, U32 c) {
    const int msb = width<T> - 1;
    const int position = b & 0xff;
    const int length = c & 0xff;
    const bool sign = std::is_signed_v<T> && length != 0 && bit(a, std::min(position + length - 1, msb));
    U64 result = 0;
    for (int i = 0; i <= msb; ++i) {
        result |= U64{i < length && position + i <= msb ? bit(a, position + i) : sign} << i;
    }
    return static_cast<T>(result);
}

template <typename T>
T with_field(T a, T b, U32 c, U32 d) {
    const int position = c & 0xff;
    const int length = d & 0xff;
    U64 result = static_cast<U64>(b);
    for (int i = 0; i < length && position + i < width<T>; ++i) {
        result = (result & ~(U64{1} << (position + i))) | U64{bit(a, i)} << (position + i);
    }
    return static_cast<T>(result);
}

template <typename T>
struct Fields {
    std::vector<T> a, b;
    std::vector<U32> position, length;

    Fields() {
        std::mt19937_64 random(3);
        for (const U32 p : {0U, 1U, 8U, 30U, 31U, 32U, 33U, 62U, 63U, 64U, 255U, 256U, 0xffffff05U}) {
            for (const U32 l : {0U, 1U, 4U, 31U, 32U, 33U, 63U, 64U, 65U, 255U, 256U, 0xffffff05U}) {
                for (int i = 0; i < 8; ++i) {
                    a.push_back(random_value<T>(random));
                    b.push_back(random_value<T>(random));
                    position.push_back(p);
                    length.push_back(l);
                }
            }
        }
    }
};

template <typename T>
void check_extraction(const std::string& type) {
    const Fields<T> rows;
    check_rows("bfe." + type, type_of<T>(), {column(rows.a), column(rows.position), column(rows.length)},
               [&](std::size_t row) { return bits_of(field(rows.a[row], rows.position[row], rows.length[row])); });
}
template <typename T>
void check_insertion(const std::string& type) {
    const Fields<T> rows;
    check_rows("bfi." + type, type_of<T>(),
               {column(rows.a), column(rows.b), column(rows.position), column(rows.length)}, [&](std::size_t row) {
                   return bits_of(with_field(rows.a[row], rows.b[row], rows.position[row], rows.length[row]));
               });
}

TEST(Bits, Fields) {
    check_extraction<U32>("u32");
    check_extraction<S32>("s32");
    check_extraction<U64>("u64");
    check_extraction<S64>("s64");
    check_insertion<U32>("b32");
    check_insertion<U64>("b64");
}

/// The highest bit that differs from the sign, -1 for none.
template <typename T>
int highest(T value) {
    for (int i = width<T> - 1; i >= 0; --i) {
        if (bit(value, i) != (value < 0)) return i;
    }
    return -1;
}

template <typename T>
void check_counts(const std::string& type) {
    check<U32, T>("bfind." + type, [](T a) { return static_cast<U32>(highest(a)); });
    check<U32, T>("bfind.shiftamt." + type,
                  [](T a) { return static_cast<U32>(highest(a) < 0 ? -1 : width<T> - 1 - highest(a)); });
    if constexpr (std::is_unsigned_v<T>) {
        const std::string bits = "b" + std::to_string(width<T>);
        check<U32, T>("clz." + bits, [](T a) { return static_cast<U32>(width<T> - 1 - highest(a)); });
        check<U32, T>("popc." + bits, [](T a) {
            U32 count = 0;
            for (int i = 0; i < width<T>; ++i) count += bit(a, i);
            return count;
        });
        check<T, T>("brev." + bits, [](T a) {
            T result = 0;
            for (int i = 0; i < width<T>; ++i) result |= T{bit(a, i)} << (width<T> - 1 - i);
            return result;
        });
    }
}

TEST(Bits, Counts) {
    check_counts<U32>("u32");
    check_counts<U64>("u64");
    check_counts<S32>("s32");
    check_counts<S64>("s64");
}

TEST(Bits, Permutations) {
    const auto byte = [](U32 a, U32 b, U32 index) { return (U64{b} << 32 | a) >> (8 * index) & 0xffU; };
    check<U32, U32, U32, U32>("prmt.b32", [&](U32 a, U32 b, U32 c) {
        U32 result = 0;
        for (U32 part = 0; part < 4; ++part) {
            const U32 nibble = c >> (4 * part) & 0xfU;
            const U64 chosen = byte(a, b, nibble % 8);
            result |= static_cast<U32>(nibble < 8 ? chosen : chosen >= 0x80 ? 0xff : 0) << (8 * part);
        }
        return result;
    });
    // The table of the PTX ISA: for selectors 0 to 3 the bytes from the highest to the lowest.
    struct Row {
        const char* mode;
        const char* bytes[4];
    };
    for (const Row& row :
         {Row{"f4e", {"3210", "4321", "5432", "6543"}}, Row{"b4e", {"5670", "6701", "7012", "0123"}},
          Row{"rc8", {"0000", "1111", "2222", "3333"}}, Row{"ecl", {"3210", "3211", "3222", "3333"}},
          Row{"ecr", {"0000", "1110", "2210", "3210"}}, Row{"rc16", {"1010", "3232", "1010", "3232"}}}) {
        check<U32, U32, U32, U32>(std::string("prmt.b32.") + row.mode, [&](U32 a, U32 b, U32 c) {
            U32 result = 0;
            for (U32 part = 0; part < 4; ++part) {
                const U32 index = static_cast<U32>(row.bytes[c % 4][3 - part] - '0');
                result |= static_cast<U32>(byte(a, b, index)) << (8 * part);
            }
            return result;
        });
    }
}

TEST(Bits, LogicOfPredicates) {
    for (const bool not_a : {false, true}) {
        for (const bool not_b : {false, true}) {
            const Column a{Type::pred, {0, 0, 1, 1}, not_a};
            const Column b{Type::pred, {0, 1, 0, 1}, not_b};
            const auto first = [&](std::size_t row) { return (a.values[row] != 0) != not_a; };
            const auto second = [&](std::size_t row) { return (b.values[row] != 0) != not_b; };
            check_rows("and.pred", Type::pred, {a, b}, [&](std::size_t row) { return U64{first(row) && second(row)}; });
            check_rows("or.pred", Type::pred, {a, b}, [&](std::size_t row) { return U64{first(row) || second(row)}; });
            check_rows("xor.pred", Type::pred, {a, b}, [&](std::size_t row) { return U64{first(row) != second(row)}; });
            check_rows("not.pred", Type::pred, {a}, [&](std::size_t row) { return U64{!first(row)}; });
            check_rows("mov.pred", Type::pred, {a}, [&](std::size_t row) { return U64{first(row)}; });
        }
    }
}

}  // namespace
}  // namespace simcuda::test
