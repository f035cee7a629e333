// Arithmetic of float and half.
#include "simcuda/kernels/arithmetic.cuh"
#include "support/half.hpp"

namespace gpushard::test {
namespace {

std::vector<InstructionCheck>& checks() {
    static std::vector<InstructionCheck> all;
    return all;
}

f32 number(f16 half) { return from_half(half.bits); }
/// Sums and products of halves that were rounded to float round to half as if they had been exact.
f16 half(f32 value) { return {to_half(value)}; }

template <typename Body>
f16x2 each_half(f16x2 a, f16x2 b, Body body) {
    const f16 low = body(f16{static_cast<u16>(a.bits)}, f16{static_cast<u16>(b.bits)});
    const f16 high = body(f16{static_cast<u16>(a.bits >> 16)}, f16{static_cast<u16>(b.bits >> 16)});
    return {low.bits | u32{high.bits} << 16};
}

f32 smaller(f32 a, f32 b) {
    if (std::isnan(a)) return b;
    if (std::isnan(b)) return a;
    return a < b || (a == b && std::signbit(a)) ? a : b;
}

f32 flushed(f32 value) { return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(0.0f, value) : value; }

f32 signless(f32 value) { return std::bit_cast<f32>(std::bit_cast<u32>(value) & 0x7fffffffU); }

ARITHMETIC_2("add.f32", f32, f32, f32, a + b)
ARITHMETIC_2("add.rn.f32", f32, f32, f32, a + b)
ASSEMBLY_1("add.f32", "add.f32 %0, %1, 0f00000000;", f32, f32, a + 0.0f)
ASSEMBLY_1("add.f32", "add.f32 %0, %1, 0fBF800000;", f32, f32, a - 1.0f)
ARITHMETIC_2("sub.f32", f32, f32, f32, a - b)
ARITHMETIC_2("mul.f32", f32, f32, f32, a * b)
ARITHMETIC_2("mul.rn.f32", f32, f32, f32, a * b)
ASSEMBLY_1("mul.f32", "mul.f32 %0, %1, 0f3F000000;", f32, f32, a * 0.5f)
ARITHMETIC_2("div.rn.f32", f32, f32, f32, a / b)
ARITHMETIC_3("fma.rn.f32", f32, f32, f32, f32, std::fma(a, b, c))
ASSEMBLY_2("fma.rn.f32", "fma.rn.f32 %0, %1, %2, 0f00000000;", f32, f32, f32, std::fma(a, b, 0.0f))
ARITHMETIC_1("sqrt.rn.f32", f32, f32, std::sqrt(a))
ARITHMETIC_1("abs.f32", f32, f32, signless(a))
ARITHMETIC_1("neg.f32", f32, f32, -a)
ARITHMETIC_2("min.f32", f32, f32, f32, smaller(a, b))
ARITHMETIC_2("max.f32", f32, f32, f32, -smaller(-a, -b))
ARITHMETIC_1("mov.f32", f32, f32, a)
ASSEMBLY_1("mov.f32", "mov.f32 %0, 0fFF800000;", f32, f32, -HUGE_VALF)
ASSEMBLY_1("mov.b32", "{.reg .b32 bits; mov.b32 bits, %1; mov.b32 %0, bits;}", f32, f32, a)

ARITHMETIC_2("add.f16", f16, f16, f16, half(number(a) + number(b)))
ARITHMETIC_2("mul.f16", f16, f16, f16, half(number(a) * number(b)))
ARITHMETIC_2("add.f16x2", f16x2, f16x2, f16x2,
             each_half(a, b, [](f16 x, f16 y) { return half(number(x) + number(y)); }))
ARITHMETIC_2("mul.f16x2", f16x2, f16x2, f16x2,
             each_half(a, b, [](f16 x, f16 y) { return half(number(x) * number(y)); }))

/// Within one unit of the last place, subnormal arguments and results being zeros of their sign.
struct Reciprocal : Operation<f32, f32> {
    static constexpr const char* instruction = "rcp.approx.ftz.f32";
    static __device__ f32 apply(f32 a) {
        f32 r;
        asm volatile("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(a));
        return r;
    }
    static f32 expect(f32 a) { return flushed(1.0f / flushed(a)); }
    static bool agrees(f32 expected, f32 found) {
        if (same(expected, found)) return true;
        if (std::isnan(expected) || std::isinf(expected) || std::signbit(expected) != std::signbit(found)) return false;
        const s64 distance = s64{std::bit_cast<u32>(expected)} - s64{std::bit_cast<u32>(found)};
        return expected != 0 && distance >= -1 && distance <= 1;
    }
};
[[maybe_unused]] const bool reciprocal_is_checked =
    (checks().push_back({Reciprocal::instruction, &mismatch_of<Reciprocal>}), true);

}  // namespace

const std::vector<InstructionCheck>& float_checks() { return checks(); }

}  // namespace gpushard::test
