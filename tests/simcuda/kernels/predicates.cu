// Comparisons, selections and the logic of predicates.
#include "simcuda/kernels/arithmetic.cuh"
#include "support/half.hpp"

namespace gpushard::test {
namespace {

std::vector<InstructionCheck>& checks() {
    static std::vector<InstructionCheck> all;
    return all;
}

#define COMPARISON(SPELLED, T, ...) \
    ASSEMBLY_2(SPELLED, "{.reg .pred p; " SPELLED " p, %1, %2; selp.u32 %0, 1, 0, p;}", pred, T, T, __VA_ARGS__)

COMPARISON("setp.eq.b32", u32, a == b)
COMPARISON("setp.eq.s16", s16, a == b)
COMPARISON("setp.eq.s32", s32, a == b)
COMPARISON("setp.eq.s64", s64, a == b)
COMPARISON("setp.ne.b32", u32, a != b)
COMPARISON("setp.ne.s16", s16, a != b)
COMPARISON("setp.ne.s32", s32, a != b)
COMPARISON("setp.ne.s64", s64, a != b)
COMPARISON("setp.lt.s16", s16, a < b)
COMPARISON("setp.lt.s32", s32, a < b)
COMPARISON("setp.lt.s64", s64, a < b)
COMPARISON("setp.lt.u16", u16, a < b)
COMPARISON("setp.lt.u32", u32, a < b)
COMPARISON("setp.lt.u64", u64, a < b)
COMPARISON("setp.le.s32", s32, a <= b)
COMPARISON("setp.le.s64", s64, a <= b)
COMPARISON("setp.le.u32", u32, a <= b)
COMPARISON("setp.le.u64", u64, a <= b)
COMPARISON("setp.gt.s16", s16, a > b)
COMPARISON("setp.gt.s32", s32, a > b)
COMPARISON("setp.gt.s64", s64, a > b)
COMPARISON("setp.gt.u16", u16, a > b)
COMPARISON("setp.gt.u32", u32, a > b)
COMPARISON("setp.gt.u64", u64, a > b)
COMPARISON("setp.ge.s32", s32, a >= b)
COMPARISON("setp.ge.s64", s64, a >= b)
COMPARISON("setp.ge.u32", u32, a >= b)
COMPARISON("setp.ge.u64", u64, a >= b)
COMPARISON("setp.eq.f32", f32, a == b)
COMPARISON("setp.ne.f32", f32, a<b || a> b)
COMPARISON("setp.lt.f32", f32, a < b)
COMPARISON("setp.le.f32", f32, a <= b)
COMPARISON("setp.gt.f32", f32, a > b)
COMPARISON("setp.ge.f32", f32, a >= b)
COMPARISON("setp.equ.f32", f32, !(a < b || a > b))
COMPARISON("setp.neu.f32", f32, !(a == b))
COMPARISON("setp.ltu.f32", f32, !(a >= b))
COMPARISON("setp.leu.f32", f32, !(a > b))
COMPARISON("setp.gtu.f32", f32, !(a <= b))
COMPARISON("setp.geu.f32", f32, !(a < b))
COMPARISON("setp.lt.f16", f16, from_half(a.bits) < from_half(b.bits))
COMPARISON("setp.gt.f16", f16, from_half(a.bits) > from_half(b.bits))

ASSEMBLY_1("setp.gtu.f32", "{.reg .pred p; setp.gtu.f32 p, %1, 0f7F800000; selp.u32 %0, 1, 0, p;}", pred, f32,
           std::isnan(a))
ASSEMBLY_1("setp.gt.u64", "{.reg .pred p; setp.gt.u64 p, %1, 1920; selp.u32 %0, 1, 0, p;}", pred, u64, a > 1920)
ASSEMBLY_1("setp.eq.s64", "{.reg .pred p; setp.eq.s64 p, %1, -1; selp.u32 %0, 1, 0, p;}", pred, s64, a == -1)
ASSEMBLY_1("setp.ne.s16", "{.reg .pred p; setp.ne.s16 p, %1, -2; selp.u32 %0, 1, 0, p;}", pred, s16, a != -2)

#define SELECTION(SPELLED, T)                                                                              \
    ASSEMBLY_3(SPELLED, "{.reg .pred p; setp.ne.s32 p, %3, 0; " SPELLED " %0, %1, %2, p;}", T, T, T, pred, \
               c.bits != 0 ? a : b)
SELECTION("selp.b16", u16)
SELECTION("selp.b32", u32)
SELECTION("selp.b64", u64)
SELECTION("selp.f32", f32)
SELECTION("selp.u16", u16)
SELECTION("selp.u32", u32)
SELECTION("selp.s32", s32)
ASSEMBLY_1("selp.u16", "{.reg .pred p; setp.ne.s32 p, %1, 0; selp.u16 %0, 1, 0, p;}", u16, pred, a.bits)
ASSEMBLY_1("selp.f32", "{.reg .pred p; setp.ne.s32 p, %1, 0; selp.f32 %0, 0f40490FDB, 0fBF800000, p;}", f32, pred,
           a.bits != 0 ? 3.14159274f : -1.0f)

#define LOGIC(SPELLED, ...)                                                                \
    ASSEMBLY_2(SPELLED,                                                                    \
               "{.reg .pred p, q, r; setp.ne.s32 p, %1, 0; setp.ne.s32 q, %2, 0; " SPELLED \
               " r, p, q; selp.u32 %0, 1, 0, r;}",                                         \
               pred, pred, pred, __VA_ARGS__)
template <typename T>
pred truth(T value) {
    return {static_cast<u8>(value != 0)};
}
LOGIC("and.pred", truth(a.bits& b.bits))
LOGIC("or.pred", truth(a.bits | b.bits))
LOGIC("xor.pred", truth(a.bits ^ b.bits))
ASSEMBLY_1("not.pred", "{.reg .pred p, q; setp.ne.s32 p, %1, 0; not.pred q, p; selp.u32 %0, 1, 0, q;}", pred, pred,
           truth(a.bits == 0))
ASSEMBLY_1("mov.pred", "{.reg .pred p, q; setp.ne.s32 p, %1, 0; mov.pred q, p; selp.u32 %0, 1, 0, q;}", pred, pred, a)
ASSEMBLY_1("mov.pred",
           "{.reg .pred p, q; setp.ne.s32 p, %1, 0; mov.pred q, 0; xor.pred q, p, q; selp.u32 %0, 1, 0, q;}", pred,
           pred, a)

// What a guard lets through.
ASSEMBLY_2("mov.u32", "{.reg .pred p; setp.ne.s32 p, %2, 0; mov.u32 %0, %1; @p mov.u32 %0, 7;}", u32, u32, pred,
           b.bits != 0 ? 7U : a)
ASSEMBLY_2("mov.u32", "{.reg .pred p; setp.ne.s32 p, %2, 0; mov.u32 %0, %1; @!p add.s32 %0, %0, 1;}", u32, u32, pred,
           b.bits != 0 ? a : a + 1)

}  // namespace

const std::vector<InstructionCheck>& predicate_checks() { return checks(); }

}  // namespace gpushard::test
