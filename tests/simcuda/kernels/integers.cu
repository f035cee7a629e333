// Integer arithmetic, logic and moves.
#include <algorithm>

#include "simcuda/kernels/arithmetic.cuh"

namespace gpushard::test {
namespace {

std::vector<InstructionCheck>& checks() {
    static std::vector<InstructionCheck> all;
    return all;
}

/// Arithmetic that wraps around.
template <typename T>
T wrapped(u64 value) {
    return static_cast<T>(static_cast<std::make_unsigned_t<T>>(value));
}

template <typename T>
T shifted_left(T value, u32 distance) {
    return distance < static_cast<u32>(bits_of<T>) ? static_cast<T>(value << distance) : T{0};
}

template <typename T>
T shifted_right(T value, u32 distance) {
    // Beyond the last bit only the sign is left.
    return static_cast<T>(value >> std::min(distance, static_cast<u32>(bits_of<T>) - 1U) >>
                          (distance >= static_cast<u32>(bits_of<T>) ? 1 : 0));
}

template <typename T>
bool divides(T dividend, T divisor) {
    if (divisor == 0) return false;
    return !std::is_signed_v<T> || divisor != static_cast<T>(-1) || dividend != std::numeric_limits<T>::min();
}

u32 reversed(u32 value) {
    u32 result = 0;
    for (int i = 0; i < 32; ++i) result |= (value >> i & 1U) << (31 - i);
    return result;
}

/// `length` bits of a value from `position` on; zeros beyond its end.
u32 extracted(u32 value, u32 position, u32 length) {
    u32 result = 0;
    for (u32 i = 0; i < (length & 255U) && i < 32; ++i) {
        const u32 from = (position & 255U) + i;
        if (from < 32) result |= (value >> from & 1U) << i;
    }
    return result;
}

u32 inserted(u32 value, u32 into, u32 position, u32 length) {
    u32 result = into;
    for (u32 i = 0; i < (length & 255U) && i < 32; ++i) {
        const u32 to = (position & 255U) + i;
        if (to < 32) result = (result & ~(1U << to)) | (value >> i & 1U) << to;
    }
    return result;
}

u32 permuted(u32 low, u32 high, u32 selector) {
    const u64 bytes = low | u64{high} << 32;
    u32 result = 0;
    for (int i = 0; i < 4; ++i) {
        const u32 nibble = selector >> (4 * i) & 15U;
        u32 byte = static_cast<u32>(bytes >> (8 * (nibble & 7U))) & 255U;
        if ((nibble & 8U) != 0) byte = (byte & 128U) != 0 ? 255U : 0U;
        result |= byte << (8 * i);
    }
    return result;
}

ARITHMETIC_2("add.s32", s32, s32, s32, wrapped<s32>(u64(a) + u64(b)))
ARITHMETIC_2("add.u32", u32, u32, u32, a + b)
ARITHMETIC_2("add.s64", s64, s64, s64, wrapped<s64>(u64(a) + u64(b)))
ARITHMETIC_2("add.u64", u64, u64, u64, a + b)
ASSEMBLY_1("add.u64", "add.u64 %0, %1, 0;", u64, u64, a)
ARITHMETIC_2("add.s16", s16, s16, s16, a + b)
ASSEMBLY_1("add.s32", "add.s32 %0, %1, -17;", s32, s32, wrapped<s32>(u64(a) - 17))
ASSEMBLY_1("add.s64", "add.s64 %0, %1, -4294967297;", s64, s64, wrapped<s64>(u64(a) - 4294967297))
ARITHMETIC_2("sub.s16", s16, s16, s16, a - b)
ARITHMETIC_2("sub.s32", s32, s32, s32, wrapped<s32>(u64(a) - u64(b)))
ARITHMETIC_2("sub.s64", s64, s64, s64, wrapped<s64>(u64(a) - u64(b)))
ARITHMETIC_2("mul.lo.s16", s16, s16, s16, a * b)
ARITHMETIC_2("mul.lo.s32", s32, s32, s32, wrapped<s32>(u64(a) * u64(b)))
ARITHMETIC_2("mul.lo.s64", s64, s64, s64, wrapped<s64>(u64(a) * u64(b)))
ARITHMETIC_2("mul.hi.s32", s32, s32, s32, s64{a} * b >> 32)
ARITHMETIC_2("mul.hi.u32", u32, u32, u32, u64{a} * b >> 32)
ARITHMETIC_2("mul.wide.s32", s64, s32, s32, s64{a} * b)
ARITHMETIC_2("mul.wide.u32", u64, u32, u32, u64{a} * b)
ARITHMETIC_2("mul.wide.u16", u32, u16, u16, u32{a} * u32{b})
ASSEMBLY_1("mul.wide.u16", "mul.wide.u16 %0, %1, -21845;", u32, u16, u32{a} * 43691U)
ASSEMBLY_1("mul.wide.u32", "mul.wide.u32 %0, %1, 512;", u64, u32, u64{a} * 512)
ASSEMBLY_1("mul.wide.s32", "mul.wide.s32 %0, %1, -4;", s64, s32, s64{a} * -4)
ARITHMETIC_3("mad.lo.s32", s32, s32, s32, s32, wrapped<s32>(u64(a) * u64(b) + u64(c)))
ASSEMBLY_2("mad.lo.s32", "mad.lo.s32 %0, %1, 132, %2;", s32, s32, s32, wrapped<s32>(u64(a) * 132 + u64(b)))
ARITHMETIC_2("min.s32", s32, s32, s32, std::min(a, b))
ARITHMETIC_2("min.s64", s64, s64, s64, std::min(a, b))
ARITHMETIC_2("min.u32", u32, u32, u32, std::min(a, b))
ARITHMETIC_2("max.s32", s32, s32, s32, std::max(a, b))
ARITHMETIC_2("max.u32", u32, u32, u32, std::max(a, b))

#define DIVISION(SPELLED, T, ...) ASSEMBLY_2_WHERE(divides(a, b), SPELLED, SPELLED " %0, %1, %2;", T, T, T, __VA_ARGS__)
DIVISION("div.s32", s32, a / b)
DIVISION("div.u32", u32, a / b)
DIVISION("div.u64", u64, a / b)
DIVISION("rem.s32", s32, a % b)
DIVISION("rem.u32", u32, a % b)
DIVISION("rem.u64", u64, a % b)

ARITHMETIC_1("neg.s32", s32, s32, wrapped<s32>(0 - u64(a)))
ARITHMETIC_1("neg.s64", s64, s64, wrapped<s64>(0 - u64(a)))
ARITHMETIC_1("abs.s32", s32, s32, a < 0 ? wrapped<s32>(0 - u64(a)) : a)

ARITHMETIC_2("and.b16", u16, u16, u16, a & b)
ARITHMETIC_2("and.b32", u32, u32, u32, a & b)
ARITHMETIC_2("and.b64", u64, u64, u64, a & b)
ASSEMBLY_1("and.b16", "and.b16 %0, %1, 248;", u16, u16, a & 248)
ASSEMBLY_1("and.b32", "and.b32 %0, %1, -32;", u32, u32, a & ~31U)
ASSEMBLY_1("and.b64", "and.b64 %0, %1, -4294967296;", u64, u64, a & 0xffffffff00000000)
ARITHMETIC_2("or.b16", u16, u16, u16, a | b)
ARITHMETIC_2("or.b32", u32, u32, u32, a | b)
ARITHMETIC_2("or.b64", u64, u64, u64, a | b)
ARITHMETIC_2("xor.b16", u16, u16, u16, a ^ b)
ARITHMETIC_2("xor.b32", u32, u32, u32, a ^ b)
ARITHMETIC_2("xor.b64", u64, u64, u64, a ^ b)
ASSEMBLY_1("xor.b32", "xor.b32 %0, %1, 2139095040;", u32, u32, a ^ 2139095040U)
ARITHMETIC_1("not.b16", u16, u16, ~a)
ARITHMETIC_1("not.b32", u32, u32, ~a)
ARITHMETIC_1("not.b64", u64, u64, ~a)

ARITHMETIC_2("shl.b16", u16, u16, u32, shifted_left(a, b))
ARITHMETIC_2("shl.b32", u32, u32, u32, shifted_left(a, b))
ARITHMETIC_2("shl.b64", u64, u64, u32, shifted_left(a, b))
ARITHMETIC_2("shr.s16", s16, s16, u32, shifted_right(a, b))
ARITHMETIC_2("shr.s32", s32, s32, u32, shifted_right(a, b))
ARITHMETIC_2("shr.s64", s64, s64, u32, shifted_right(a, b))
ARITHMETIC_2("shr.u16", u16, u16, u32, shifted_right(a, b))
ARITHMETIC_2("shr.u32", u32, u32, u32, shifted_right(a, b))
ARITHMETIC_2("shr.u64", u64, u64, u32, shifted_right(a, b))
ASSEMBLY_1("shl.b64", "shl.b64 %0, %1, 2;", u64, u64, a << 2)
ASSEMBLY_1("shr.s32", "shr.s32 %0, %1, 31;", s32, s32, a < 0 ? -1 : 0)
ASSEMBLY_1("shr.u16", "shr.u16 %0, %1, 4;", u16, u16, a >> 4)

ARITHMETIC_1("brev.b32", u32, u32, reversed(a))
ARITHMETIC_1("clz.b32", u32, u32, std::countl_zero(a))
ARITHMETIC_1("popc.b32", u32, u32, std::popcount(a))
ARITHMETIC_1("clz.b64", u32, u64, std::countl_zero(a))
ARITHMETIC_1("popc.b64", u32, u64, std::popcount(a))
ARITHMETIC_3("bfe.u32", u32, u32, u32, u32, extracted(a, b, c))
ASSEMBLY_2("bfe.u32", "bfe.u32 %0, %1, %2, 8;", u32, u32, u32, extracted(a, b, 8))
ASSEMBLY_2("bfi.b32", "bfi.b32 %0, %1, %2, 4, 4;", u32, u32, u32, inserted(a, b, 4, 4))
ARITHMETIC_4("bfi.b32", u32, u32, u32, u32, u32, inserted(a, b, c, d))
ARITHMETIC_3("prmt.b32", u32, u32, u32, u32, permuted(a, b, c))
ASSEMBLY_2("prmt.b32", "prmt.b32 %0, %1, %2, 4180;", u32, u32, u32, permuted(a, b, 4180))

ARITHMETIC_1("mov.u16", u16, u16, a)
ARITHMETIC_1("mov.u32", u32, u32, a)
ARITHMETIC_1("mov.s32", s32, s32, a)
ARITHMETIC_1("mov.u64", u64, u64, a)
ARITHMETIC_1("mov.b32", u32, u32, a)
ARITHMETIC_1("mov.b64", u64, u64, a)
ASSEMBLY_1("mov.b32", "{.reg .b16 low, high; mov.b32 {low, high}, %1; mov.b32 %0, {high, low};}", u32, u32,
           a << 16 | a >> 16)
ASSEMBLY_1("mov.b64", "{.reg .b32 low, high; mov.b64 {low, high}, %1; mov.b64 %0, {high, low};}", u64, u64,
           a << 32 | a >> 32)
ASSEMBLY_2("mov.b64", "mov.b64 %0, {%1, %2};", u64, u32, u32, a | u64{b} << 32)
ASSEMBLY_1("mov.u16", "mov.u16 %0, -2;", u16, u16, 65534)
ASSEMBLY_1("mov.b32", "mov.b32 %0, -2147483648;", u32, u32, 0x80000000U)
ASSEMBLY_1("mov.u64", "mov.u64 %0, -81985529216486896;", u64, u64, u64(-81985529216486896))

}  // namespace

const std::vector<InstructionCheck>& integer_checks() { return checks(); }

}  // namespace gpushard::test
