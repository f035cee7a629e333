// What code for compute capability 8.0 has in addition: bfloat16, pairs of conversions, sums of a warp.
#include "simcuda/kernels/arithmetic.cuh"
#include "support/half.hpp"

namespace gpushard::test {
namespace {

std::vector<InstructionCheck>& checks() {
    static std::vector<InstructionCheck> all;
    return all;
}

/// The nearest number of `digits` binary digits, even where two are as near, that lie no closer than 2^`closest`.
double rounded(double value, int digits, int closest, double largest) {
    if (!std::isfinite(value) || value == 0) return value;
    int exponent = 0;
    std::frexp(value, &exponent);
    const int spacing = std::max(exponent - digits, closest);
    const double nearest = std::copysign(std::ldexp(std::nearbyint(std::ldexp(value, -spacing)), spacing), value);
    return std::fabs(nearest) > largest ? std::copysign(HUGE_VAL, value) : nearest;
}
f32 as_bfloat(double value) { return static_cast<f32>(rounded(value, 8, -133, std::ldexp(255.0, 120))); }
f32 as_half(double value) { return static_cast<f32>(rounded(value, 11, -24, 65504.0)); }

/// A sum that was inexact ends in a one, so that rounding it again is right.
double sum_to_odd(double a, double b) {
    const double sum = a + b;
    if (!std::isfinite(sum)) return sum;
    const double from_b = sum - a;
    const double error = (a - (sum - from_b)) + (b - from_b);
    if (error == 0 || (std::bit_cast<u64>(sum) & 1U) != 0) return sum;
    return std::nextafter(sum, error > 0 ? HUGE_VAL : -HUGE_VAL);
}
f32 bfloat_fma(f32 a, f32 b, f32 c) { return as_bfloat(sum_to_odd(double{as_bfloat(a)} * as_bfloat(b), as_bfloat(c))); }
f32 half_fma(f32 a, f32 b, f32 c) { return as_half(sum_to_odd(double{as_half(a)} * as_half(b), as_half(c))); }

// A bfloat16 is the upper half of a float.
ASSEMBLY_1("cvt.rn.bf16.f32",
           "{.reg .b16 low, high; mov.u16 low, 0; cvt.rn.bf16.f32 high, %1; mov.b32 %0, {low, high};}", f32, f32,
           as_bfloat(a))
ASSEMBLY_2("cvt.rn.bf16x2.f32",
           "{.reg .b16 low, high; .reg .b32 both; cvt.rn.bf16x2.f32 both, %1, %2; mov.b32 {low, high}, both; "
           "mov.u16 low, 0; mov.b32 %0, {low, high};}",
           f32, f32, f32, as_bfloat(a))
ASSEMBLY_2("cvt.rn.bf16x2.f32",
           "{.reg .b16 low, high; .reg .b32 both; cvt.rn.bf16x2.f32 both, %1, %2; mov.b32 {low, high}, both; "
           "mov.u16 high, 0; mov.b32 %0, {high, low};}",
           f32, f32, f32, as_bfloat(b))
ASSEMBLY_3("fma.rn.bf16",
           "{.reg .b16 a, b, c, low; cvt.rn.bf16.f32 a, %1; cvt.rn.bf16.f32 b, %2; cvt.rn.bf16.f32 c, %3; "
           "fma.rn.bf16 a, a, b, c; mov.u16 low, 0; mov.b32 %0, {low, a};}",
           f32, f32, f32, f32, bfloat_fma(a, b, c))
ASSEMBLY_3("fma.rn.bf16x2",
           "{.reg .b16 low, high; .reg .b32 a, b, c; cvt.rn.bf16x2.f32 a, %1, %2; cvt.rn.bf16x2.f32 b, %2, %3; "
           "cvt.rn.bf16x2.f32 c, %3, %1; fma.rn.bf16x2 a, a, b, c; mov.b32 {low, high}, a; mov.u16 low, 0; "
           "mov.b32 %0, {low, high};}",
           f32, f32, f32, f32, bfloat_fma(a, b, c))
ASSEMBLY_3("fma.rn.f16",
           "{.reg .b16 a, b, c; cvt.rn.f16.f32 a, %1; cvt.rn.f16.f32 b, %2; cvt.rn.f16.f32 c, %3; "
           "fma.rn.f16 a, a, b, c; cvt.f32.f16 %0, a;}",
           f32, f32, f32, f32, half_fma(a, b, c))
ASSEMBLY_2("cvt.rn.f16x2.f32", "cvt.rn.f16x2.f32 %0, %1, %2;", f16x2, f32, f32,
           f16x2{to_half(b) | u32{to_half(a)} << 16})

__global__ void add_up_lanes(const s32* from, s32* to) {
    const s32 value = from[threadIdx.x];
    s32 sum = 0;
    s32 largest = 0;
    if (threadIdx.x >= 8) {
        asm volatile("redux.sync.add.s32 %0, %1, 0xffffff00;" : "=r"(sum) : "r"(value) : "memory");
        asm volatile("redux.sync.max.s32 %0, %1, 0xffffff00;" : "=r"(largest) : "r"(value) : "memory");
    }
    to[2 * threadIdx.x] = sum;
    to[2 * threadIdx.x + 1] = largest;
}
std::string mismatch_of_lane_sums() {
    std::vector<s32> values(32);
    s32 sum = 0;
    for (s32 lane = 0; lane < 32; ++lane) values[static_cast<std::size_t>(lane)] = lane * lane - 2000;
    for (std::size_t lane = 8; lane < 32; ++lane) sum += values[lane];
    const OnCard<s32> from(values);
    const OnCard<s32> to(64);
    add_up_lanes<<<1, 32>>>(from.data(), to.data());
    const std::vector<s32> found = to.values();
    for (std::size_t lane = 0; lane < 32; ++lane) {
        if (found[2 * lane] != (lane < 8 ? 0 : sum)) return "the sum is " + text_of(found[2 * lane]);
        if (found[2 * lane + 1] != (lane < 8 ? 0 : 31 * 31 - 2000))
            return "the largest is " + text_of(found[2 * lane + 1]);
    }
    return "";
}
[[maybe_unused]] const bool lane_sums_are_checked =
    (checks().push_back({"redux.sync.add.s32", &mismatch_of_lane_sums}),
     checks().push_back({"redux.sync.max.s32", &mismatch_of_lane_sums}), true);

}  // namespace

const std::vector<InstructionCheck>& later_card_checks() { return checks(); }

}  // namespace gpushard::test
