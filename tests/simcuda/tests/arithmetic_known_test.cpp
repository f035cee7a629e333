#include <gtest/gtest.h>

#include "arithmetic_warp.hpp"

namespace simcuda::test {
namespace {

using interpreter::immediate_type;
using interpreter::select_arithmetic;
using ptx::Type;

bool is_known(const std::string& spelling, Type to, const std::vector<Type>& sources) {
    return select_arithmetic(instruction_of(spelling, sources.size()), to, sources.data(),
                             static_cast<int>(sources.size())) != nullptr;
}

TEST(KnownInstructions, UnknownOnesAreNotTakenForOthers) {
    EXPECT_TRUE(is_known("add.s32", Type::s32, {Type::s32, Type::s32}));
    for (const char* spelling : {"add.cc.s32", "addc.s32", "add.s32.s32", "add.ftz.s32", "add.rn.s32", "add.pred",
                                 "add", "ld.s32", "add.sat.u32", "add.lo.s32", "add.s32x2", "min.sat.s32", "min.rn.f32",
                                 "setp.s32", "setp.lt.lt.s32", "setp.ltu.s32", "setp.lt.b32", "setp.eq.ftz.s32"}) {
        EXPECT_FALSE(is_known(spelling, Type::s32, {Type::s32, Type::s32})) << spelling;
        EXPECT_FALSE(is_known(spelling, Type::pred, {Type::s32, Type::s32})) << spelling;
    }
    EXPECT_FALSE(is_known("fma.f32", Type::f32, {Type::f32, Type::f32, Type::f32}));
    EXPECT_FALSE(is_known("mad.f32", Type::f32, {Type::f32, Type::f32, Type::f32}));
    EXPECT_FALSE(is_known("mul.s32", Type::s32, {Type::s32, Type::s32}));
    EXPECT_FALSE(is_known("div.f32", Type::f32, {Type::f32, Type::f32}));
    EXPECT_FALSE(is_known("cvt.s32.f32", Type::s32, {Type::f32}));
    EXPECT_FALSE(is_known("cvt.rn.s32.f32", Type::s32, {Type::f32}));
    EXPECT_FALSE(is_known("cvt.rni.f32.s32", Type::f32, {Type::s32}));
    EXPECT_FALSE(is_known("cvt.rna.tf32.f32", Type::b32, {Type::f32}));
}

TEST(KnownInstructions, OperandsAreAsManyAndAsWideAsTheInstructionSays) {
    EXPECT_TRUE(is_known("setp.eq.and.s32", Type::pred, {Type::b32, Type::b32, Type::pred}));
    EXPECT_FALSE(is_known("setp.eq.and.s32", Type::pred, {Type::b32, Type::b32}));
    EXPECT_FALSE(is_known("setp.eq.s32", Type::pred, {Type::b32, Type::b32, Type::pred}));
    EXPECT_FALSE(is_known("add.s32", Type::s32, {Type::s32}));
    EXPECT_FALSE(is_known("add.s32", Type::s32, {Type::s32, Type::s32, Type::s32}));
    EXPECT_FALSE(is_known("add.s32", Type::s64, {Type::s32, Type::s32}));
    EXPECT_FALSE(is_known("add.s32", Type::s32, {Type::s32, Type::s16}));
    EXPECT_FALSE(is_known("selp.b32", Type::b32, {Type::b32, Type::b32, Type::b32}));
    EXPECT_TRUE(is_known("cvt.u8.u16", Type::b64, {Type::b32}));
    EXPECT_FALSE(is_known("cvt.u32.u16", Type::b16, {Type::b16}));
    EXPECT_FALSE(is_known("mul.wide.s32", Type::s32, {Type::s32, Type::s32}));
    EXPECT_TRUE(is_known("mul.wide.s32", Type::b64, {Type::s32, Type::s32}));
}

TEST(KnownInstructions, TypesOfImmediates) {
    const auto type = [](const std::string& spelling, std::size_t sources, int source) {
        return immediate_type(instruction_of(spelling, sources), source);
    };
    EXPECT_EQ(type("add.f32", 2, 1), Type::f32);
    EXPECT_EQ(type("shl.b64", 2, 0), Type::b64);
    EXPECT_EQ(type("shl.b64", 2, 1), Type::u32);
    EXPECT_EQ(type("mad.wide.u16", 3, 1), Type::u16);
    EXPECT_EQ(type("mad.wide.u16", 3, 2), Type::u32);
    EXPECT_EQ(type("bfe.s64", 3, 1), Type::u32);
    EXPECT_EQ(type("bfi.b64", 4, 1), Type::b64);
    EXPECT_EQ(type("bfi.b64", 4, 3), Type::u32);
    EXPECT_EQ(type("selp.u16", 3, 1), Type::u16);
    EXPECT_EQ(type("selp.u16", 3, 2), Type::pred);
    EXPECT_EQ(type("setp.lt.and.f32", 3, 1), Type::f32);
    EXPECT_EQ(type("setp.lt.and.f32", 3, 2), Type::pred);
    EXPECT_EQ(type("set.lt.u32.f64", 2, 1), Type::f64);
    EXPECT_EQ(type("slct.b64.f32", 3, 1), Type::b64);
    EXPECT_EQ(type("slct.b64.f32", 3, 2), Type::f32);
    EXPECT_EQ(type("cvt.rn.f32.s16", 1, 0), Type::s16);
    EXPECT_EQ(type("ld.global.f32", 1, 0), Type::none);
}

}  // namespace
}  // namespace simcuda::test
