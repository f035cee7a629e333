// Conversions between types, and of numbers to whole ones.
#include "simcuda/kernels/arithmetic.cuh"
#include "support/half.hpp"

namespace gpushard::test {
namespace {

std::vector<InstructionCheck>& checks() {
    static std::vector<InstructionCheck> all;
    return all;
}

/// Towards zero; what does not fit becomes the nearest that does, NaN zero.
template <typename T>
T truncated(f32 value) {
    if (std::isnan(value)) return 0;
    const double whole = std::trunc(static_cast<double>(value));
    if (whole <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
    if (whole >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
    return static_cast<T>(whole);
}

f16 half(f32 value) { return {to_half(value)}; }
f32 bounded(f32 value) { return value > 0 ? std::fmin(value, 1.0f) : 0.0f; }

ARITHMETIC_1("cvt.s64.s32", s64, s32, a)
ARITHMETIC_1("cvt.u64.u32", u64, u32, a)
ARITHMETIC_1("cvt.u32.u64", u32, u64, a)
ARITHMETIC_1("cvt.u16.u32", u16, u32, a)
ARITHMETIC_1("cvt.u32.u16", u32, u16, a)
ARITHMETIC_1("cvt.s32.s16", s32, s16, a)
ASSEMBLY_1("cvt.u32.u8", "cvt.u32.u8 %0, %1;", u32, u32, a & 255U)
ASSEMBLY_1("cvt.s32.s8", "cvt.s32.s8 %0, %1;", s32, s32, static_cast<s8>(a))

ARITHMETIC_1("cvt.rn.f32.s32", f32, s32, static_cast<f32>(a))
ARITHMETIC_1("cvt.rn.f32.u32", f32, u32, static_cast<f32>(a))
ARITHMETIC_1("cvt.rn.f32.u16", f32, u16, static_cast<f32>(a))
ARITHMETIC_1("cvt.rn.f32.s64", f32, s64, static_cast<f32>(a))
ARITHMETIC_1("cvt.rn.f32.u64", f32, u64, static_cast<f32>(a))
ARITHMETIC_1("cvt.rzi.s32.f32", s32, f32, truncated<s32>(a))
ARITHMETIC_1("cvt.rzi.u32.f32", u32, f32, truncated<u32>(a))

ARITHMETIC_1("cvt.rmi.f32.f32", f32, f32, std::floor(a))
ARITHMETIC_1("cvt.rni.f32.f32", f32, f32, std::nearbyint(a))
ARITHMETIC_1("cvt.rpi.f32.f32", f32, f32, std::ceil(a))
ARITHMETIC_1("cvt.rzi.f32.f32", f32, f32, std::trunc(a))

// The sign of a zero that was bounded is not said.
struct Saturated : Operation<f32, f32> {
    static constexpr const char* instruction = "cvt.sat.f32.f32";
    static __device__ f32 apply(f32 a) {
        f32 r;
        asm volatile("cvt.sat.f32.f32 %0, %1;" : "=f"(r) : "f"(a));
        return r;
    }
    static f32 expect(f32 a) { return bounded(a); }
    static bool agrees(f32 expected, f32 found) { return expected == found; }
};
[[maybe_unused]] const bool saturated_is_checked =
    (checks().push_back({Saturated::instruction, &mismatch_of<Saturated>}), true);

ARITHMETIC_1("cvt.rn.f16.f32", f16, f32, half(a))
// Whole numbers that float cannot hold are infinite as halves.
ARITHMETIC_1("cvt.rn.f16.s32", f16, s32, half(static_cast<f32>(a)))
ASSEMBLY_1("cvt.f32.f16", "{.reg .f16 low, high; mov.b32 {low, high}, %1; cvt.f32.f16 %0, low;}", f32, f16x2,
           from_half(static_cast<u16>(a.bits)))
ASSEMBLY_1("cvt.f32.f16", "{.reg .f16 low, high; mov.b32 {low, high}, %1; cvt.f32.f16 %0, high;}", f32, f16x2,
           from_half(static_cast<u16>(a.bits >> 16)))

/// All halves there are.
struct Widened : Operation<f32, f16> {
    static constexpr const char* instruction = "cvt.f32.f16";
    static __device__ f32 apply(f16 a) {
        f32 r;
        asm volatile("{cvt.f32.f16 %0, %1;}" : "=f"(r) : "h"(a.bits));
        return r;
    }
};
std::string mismatch_of_all_halves() {
    std::vector<f16> halves(65536);
    for (u32 i = 0; i < halves.size(); ++i) halves[i].bits = static_cast<u16>(i);
    const OnCard<f16> from(halves);
    const OnCard<f32> to(halves.size());
    apply_to_all<Widened, f16><<<64, 1024>>>(65536, to.data(), from.data());
    const std::vector<f32> found = to.values();
    for (u32 i = 0; i < halves.size(); ++i) {
        if (!same(from_half(halves[i].bits), found[i])) return text_of(halves[i]) + " is " + text_of(found[i]);
    }
    return "";
}
[[maybe_unused]] const bool halves_are_checked =
    (checks().push_back({Widened::instruction, &mismatch_of_all_halves}), true);

}  // namespace

const std::vector<InstructionCheck>& conversion_checks() { return checks(); }

}  // namespace gpushard::test
