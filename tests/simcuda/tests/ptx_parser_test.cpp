#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ptx_texts.hpp"

namespace gpushard::test {
namespace {

using simcuda::ptx::Instruction;
using simcuda::ptx::Kernel;
using simcuda::ptx::Module;
using simcuda::ptx::Operand;
using simcuda::ptx::Register;
using simcuda::ptx::Space;
using simcuda::ptx::Type;
using simcuda::ptx::Variable;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char registers[] =
    ".reg .pred %p<4>; .reg .b16 %rs<4>; .reg .b32 %r<8>; .reg .f32 %f<5>; .reg .b64 %rd<4>; .reg .f64 %fd<3>;\n";

TEST(PtxTypes, NamesAndSizes) {
    EXPECT_EQ(simcuda::ptx::parse_type("u32"), Type::u32);
    EXPECT_EQ(simcuda::ptx::parse_type("bf16x2"), Type::bf16x2);
    EXPECT_EQ(simcuda::ptx::parse_type("v4"), Type::none);
    EXPECT_EQ(simcuda::ptx::bytes_of(Type::pred), 0U);
    EXPECT_EQ(simcuda::ptx::bytes_of(Type::s8), 1U);
    EXPECT_EQ(simcuda::ptx::bytes_of(Type::f16x2), 4U);
    EXPECT_EQ(simcuda::ptx::bytes_of(Type::b128), 16U);
}

TEST(PtxKernel, ParametersLieAtTheirAlignments) {
    const OneKernel kernel(
        "ret;", "",
        "k(.param .u32 a, .param .u64 .ptr .global .align 1 b, .param .u8 c, .param .align 8 .b8 d[13], "
        ".param .align 16 .b8 e[16], .param .f32 f)");
    EXPECT_EQ(kernel->name, "k");
    EXPECT_THAT(kernel->parameters,
                ElementsAre(Field(&Variable::name, "a"), Field(&Variable::name, "b"), Field(&Variable::name, "c"),
                            Field(&Variable::name, "d"), Field(&Variable::name, "e"), Field(&Variable::name, "f")));
    EXPECT_THAT(kernel->parameter_offsets, ElementsAre(0, 8, 16, 24, 48, 64));
    EXPECT_EQ(kernel->parameter_bytes, 68U);
    EXPECT_EQ(kernel->parameters[3].bytes, 13U);
    EXPECT_EQ(kernel->parameters[1].alignment, 8U) << "the .align behind .ptr is of what it points to";
    EXPECT_EQ(kernel->parameters[0].space, Space::param);
}

TEST(PtxKernel, Threads) {
    EXPECT_EQ(OneKernel("ret;")->max_threads, 0U);
    EXPECT_EQ(
        OneKernel("ret;", "", "k() .maxntid 16, 8, 2 .minnctapersm 4 .pragma \"nounroll\"; .maxnreg 32")->max_threads,
        256U);
    EXPECT_EQ(OneKernel("ret;", "", "k .reqntid 96")->max_threads, 96U);
    EXPECT_THAT(refusal(".entry k() .maxntid 32, 64 { ret; }"), HasSubstr("1 to 1024 threads"));
    EXPECT_THAT(refusal(".entry k() .maxntid { ret; }"), HasSubstr("found \"{\", expected a number of threads"));
    EXPECT_THAT(refusal(".entry k() .minmaxtid 3 { ret; }"), HasSubstr("found \".minmaxtid\""));
}

TEST(PtxKernel, RegistersAreThoseUsed) {
    const OneKernel kernel(
        ".reg .b32 %r<3>, single; .reg .pred %p<12>; .reg .s64 %r1<9>;\n"
        "add.s32 %r2, single, %r2; setp.eq.s32 %p11, %r0, single; mov.s64 %r18, 1;");
    EXPECT_THAT(kernel->registers, ElementsAre(Field(&Register::name, "%r2"), Field(&Register::name, "single"),
                                               Field(&Register::name, "%p11"), Field(&Register::name, "%r0"),
                                               Field(&Register::name, "%r18")));
    EXPECT_EQ(kernel->registers[0].type, Type::b32);
    EXPECT_EQ(kernel->registers[2].type, Type::pred);
    EXPECT_EQ(kernel->registers[4].type, Type::s64);
    EXPECT_EQ(kernel.operand(0, 0).index, kernel.operand(0, 2).index);
    EXPECT_THAT(body_refusal("add.s32 %r9, %r1, %r1;"),
                HasSubstr("line 2: found \"%r9\", expected a register that is declared"))
        << "%r<9> ends with %r8";
    EXPECT_THAT(body_refusal(".reg .b32 %r<4>;"), HasSubstr("no second register"));
    EXPECT_THAT(body_refusal(".reg .b32 %x<4000000000>;"), HasSubstr("fewer registers"));
}

TEST(PtxInstruction, OpcodeGuardTextAndLine) {
    const OneKernel kernel(
        std::string(registers) +
        "\n@!%p2 ld.global.nc.L2::128B.v2.f32   {%f1,\t%f2}, // both\n  [%rd1+16];\n@%p1 ret;\nbar.sync 0;");
    const Instruction& load = kernel.at(0);
    EXPECT_EQ(load.opcode, "ld");
    EXPECT_THAT(load.modifiers, ElementsAre("global", "nc", "L2::128B", "v2", "f32"));
    EXPECT_TRUE(load.has("nc"));
    EXPECT_FALSE(load.has("L2"));
    EXPECT_EQ(kernel.reg(load.guard).name, "%p2");
    EXPECT_TRUE(load.guard_negated);
    EXPECT_EQ(load.text, "@!%p2 ld.global.nc.L2::128B.v2.f32 {%f1, %f2}, [%rd1+16];");
    EXPECT_EQ(load.line, 7U);
    EXPECT_FALSE(kernel.at(1).guard_negated);
    EXPECT_THAT(kernel.at(1).operands, IsEmpty());
    EXPECT_EQ(kernel.at(2).guard, -1);
    EXPECT_EQ(kernel.at(2).line, 10U);
    EXPECT_EQ(kernel.at(2).text, "bar.sync 0;");
}

TEST(PtxInstruction, RegistersVectorsAndPairs) {
    const OneKernel kernel(std::string(registers) +
                           "mov.b32 %r1, {%rs1, %rs2};\n"
                           "shfl.sync.bfly.b32 %r1|%p1, %r2, %r3, 31, -1;\n"
                           "setp.lt.and.f32 %p1|_, %f1, %f2, !%p3;\n"
                           "mov.u32 %r4, %tid.x; mov.u32 %r5, %laneid; mov.u32 %r6, %envreg3;\n"
                           "mov.b32 {_, %rs3}, %r1;");
    const Operand& halves = kernel.operand(0, 1);
    EXPECT_EQ(halves.kind, Operand::Kind::vector);
    ASSERT_THAT(halves.parts, SizeIs(2));
    EXPECT_EQ(kernel.reg(halves.parts[1].index).name, "%rs2");

    const Operand& pair = kernel.operand(1, 0);
    EXPECT_EQ(pair.kind, Operand::Kind::vector);
    ASSERT_THAT(pair.parts, SizeIs(2));
    EXPECT_EQ(kernel.reg(pair.parts[0].index).name, "%r1");
    EXPECT_EQ(kernel.reg(pair.parts[1].index).name, "%p1");
    EXPECT_EQ(kernel.operand(1, 4).bits, ~std::uint64_t{0});

    EXPECT_EQ(kernel.operand(2, 0).parts.at(1).kind, Operand::Kind::sink);
    EXPECT_TRUE(kernel.operand(2, 3).negated);
    EXPECT_EQ(kernel.reg(kernel.operand(2, 3).index).name, "%p3");
    EXPECT_FALSE(kernel.operand(2, 2).negated);

    EXPECT_EQ(kernel.operand(3, 1).kind, Operand::Kind::special);
    EXPECT_EQ(kernel.operand(3, 1).name, "%tid.x");
    EXPECT_EQ(kernel.operand(4, 1).name, "%laneid");
    EXPECT_EQ(kernel.operand(5, 1).name, "%envreg3");
    EXPECT_EQ(kernel.operand(6, 0).parts.at(0).kind, Operand::Kind::sink);
}

struct Immediate {
    const char* text;
    Operand::Kind kind;
    std::uint64_t bits;
};

void PrintTo(const Immediate& immediate, std::ostream* out) { *out << immediate.text; }

class PtxImmediate : public testing::TestWithParam<Immediate> {};

TEST_P(PtxImmediate, HasItsBits) {
    const OneKernel kernel(".reg .b64 %rd<2>; mov.b64 %rd1, " + std::string(GetParam().text) + ";");
    EXPECT_EQ(kernel.operand(0, 1).kind, GetParam().kind);
    EXPECT_EQ(kernel.operand(0, 1).bits, GetParam().bits);
    EXPECT_EQ(kernel.operand(0, 1).name, "");
}

using Kind = Operand::Kind;
INSTANTIATE_TEST_SUITE_P(
    Each, PtxImmediate,
    testing::Values(Immediate{"0", Kind::integer, 0}, Immediate{"42", Kind::integer, 42},
                    Immediate{"-42", Kind::integer, static_cast<std::uint64_t>(-42)},
                    Immediate{"18446744073709551615", Kind::integer, ~std::uint64_t{0}},
                    Immediate{"-9223372036854775808", Kind::integer, std::uint64_t{1} << 63},
                    Immediate{"0xffffFFFF", Kind::integer, 0xFFFF'FFFF}, Immediate{"0x10U", Kind::integer, 16},
                    Immediate{"7U", Kind::integer, 7}, Immediate{"0xE", Kind::integer, 14},
                    Immediate{"017", Kind::integer, 15}, Immediate{"0b101", Kind::integer, 5},
                    Immediate{"WARP_SZ", Kind::integer, 32}, Immediate{"~0", Kind::integer, ~std::uint64_t{0}},
                    Immediate{"(3+4)*-2", Kind::integer, static_cast<std::uint64_t>(-14)},
                    Immediate{"10-4-3", Kind::integer, 3}, Immediate{"0f3F800000", Kind::f32, 0x3F80'0000},
                    Immediate{"-0f3F800000", Kind::f32, 0xBF80'0000}, Immediate{"0F7f800000", Kind::f32, 0x7F80'0000},
                    Immediate{"0d3FF0000000000000", Kind::f64, 0x3FF0'0000'0000'0000},
                    Immediate{"1.5", Kind::f64, 0x3FF8'0000'0000'0000},
                    Immediate{"-1.5e-1", Kind::f64, 0xBFC3'3333'3333'3333},
                    Immediate{"2e3", Kind::f64, 0x409F'4000'0000'0000}));

TEST(PtxInstruction, Addresses) {
    const OneKernel kernel(
        std::string(registers) +
            "ld.b32 %r1, [%rd1]; ld.b32 %r1, [%rd2+8]; ld.b32 %r1, [%rd1+-8]; ld.b32 %r1, [%rd1-8];\n"
            "ld.b32 %r1, [name]; ld.b32 %r1, [name+8]; ld.b32 %r1, [name+-4]; ld.b32 %r1, [64];\n"
            "mov.u64 %rd3, name; mov.u64 %rd3, name+4; mov.u64 %rd3, (name+12);\n"
            "atom.global.add.u32 %r1, [%rd1], %r2; st.shared.u32 [%r3], %r4;",
        ".global .b32 name[9];\n");
    const auto reg = [&](std::size_t at) { return kernel.reg(kernel.operand(at, 1).index).name; };
    for (std::size_t at = 0; at < 8; ++at) EXPECT_EQ(kernel.operand(at, 1).kind, Kind::address) << at;
    EXPECT_EQ(reg(0), "%rd1");
    EXPECT_EQ(kernel.operand(0, 1).bits, 0U);
    EXPECT_EQ(reg(1), "%rd2");
    EXPECT_EQ(kernel.operand(1, 1).bits, 8U);
    EXPECT_EQ(kernel.operand(2, 1).bits, static_cast<std::uint64_t>(-8));
    EXPECT_EQ(kernel.operand(3, 1).bits, static_cast<std::uint64_t>(-8));
    for (std::size_t at = 4; at < 7; ++at) {
        EXPECT_EQ(kernel.operand(at, 1).index, -1);
        EXPECT_EQ(kernel.operand(at, 1).name, "name");
    }
    EXPECT_EQ(kernel.operand(5, 1).bits, 8U);
    EXPECT_EQ(kernel.operand(6, 1).bits, static_cast<std::uint64_t>(-4));
    EXPECT_EQ(kernel.operand(7, 1).index, -1);
    EXPECT_EQ(kernel.operand(7, 1).name, "");
    EXPECT_EQ(kernel.operand(7, 1).bits, 64U);
    for (std::size_t at = 8; at < 11; ++at) {
        EXPECT_EQ(kernel.operand(at, 1).kind, Kind::variable);
        EXPECT_EQ(kernel.operand(at, 1).name, "name");
    }
    EXPECT_EQ(kernel.operand(9, 1).bits, 4U);
    EXPECT_EQ(kernel.operand(10, 1).bits, 12U);
    EXPECT_EQ(kernel.operand(11, 1).kind, Kind::address);
    EXPECT_EQ(kernel.operand(12, 0).kind, Kind::address);
    EXPECT_EQ(kernel.reg(kernel.operand(12, 0).index).name, "%r3");
}

TEST(PtxInstruction, LabelsForwardsBackwardsAndAtTheEnd) {
    const OneKernel kernel(
        ".reg .pred %p<2>;\n$L__BB0_1: bar.sync 0;\n@%p1 bra $L__BB0_3;\nbra.uni $L__BB0_1;\nname: $L__BB0_2:\nret;\n"
        "bra name; bra $L__BB0_3; $L__BB0_3:");
    ASSERT_THAT(kernel->instructions, SizeIs(6));
    const auto target = [&](std::size_t at) {
        EXPECT_EQ(kernel.operand(at, 0).kind, Kind::label);
        return kernel.operand(at, 0).index;
    };
    EXPECT_EQ(target(1), 6);
    EXPECT_EQ(target(2), 0);
    EXPECT_TRUE(kernel.at(2).has("uni"));
    EXPECT_EQ(target(4), 3);
    EXPECT_EQ(target(5), 6);
    EXPECT_THAT(body_refusal("bra $nowhere;"), HasSubstr("line 2: found \"$nowhere\", expected a label"));
    EXPECT_THAT(body_refusal("a: ret; a: ret;"), HasSubstr("found \"a\" again"));
}

TEST(PtxInstruction, TablesOfLabels) {
    const OneKernel kernel(
        ".reg .b32 %r<2>; .reg .pred %p;\ntable: .branchtargets b, a,\n b;\n@%p brx.idx.uni %r1, table;\na: ret;\n"
        "b: bar.sync 0;");
    ASSERT_THAT(kernel->instructions, SizeIs(3));
    EXPECT_THAT(kernel.at(0).modifiers, ElementsAre("idx", "uni"));
    EXPECT_EQ(kernel.operand(0, 0).kind, Kind::reg);
    const Operand& targets = kernel.operand(0, 1);
    EXPECT_EQ(targets.kind, Kind::vector);
    EXPECT_THAT(targets.parts,
                ElementsAre(Field(&Operand::index, 2), Field(&Operand::index, 1), Field(&Operand::index, 2)));
    EXPECT_EQ(targets.parts[0].kind, Kind::label);
    EXPECT_THAT(body_refusal("a: brx.idx %r1, a;"), HasSubstr("found \"a\", expected a list of .branchtargets"));
    EXPECT_THAT(body_refusal("t: .branchtargets a, b; a: brx.idx %r1, t;"), HasSubstr("found \"b\", expected a label"));
}

TEST(PtxScopes, BracesHoldTheirNames) {
    const OneKernel kernel(
        ".reg .b32 %r<3>; .reg .pred p;\n"
        "{ .reg .pred p; setp.ne.s32 p, %r1, 0; @!p bra done; add.s32 %r2, %r1, 1; done: }\n"
        "{ .reg .b16 p; cvt.u16.u32 p, %r2;\n"
        "  { bra done; bra outside; } done: ret; }\n"
        "@p bra outside; outside: { mov.b32 %r1, 1;mov.b32 %r2, 2;}");
    ASSERT_THAT(kernel->instructions, SizeIs(10));
    EXPECT_EQ(kernel.at(1).guard, kernel.operand(0, 0).index);
    EXPECT_EQ(kernel.operand(1, 0).index, 3) << "done of the first braces";
    EXPECT_EQ(kernel.reg(kernel.operand(3, 0).index).type, Type::b16);
    EXPECT_EQ(kernel.operand(4, 0).index, 6) << "done of the braces around";
    EXPECT_EQ(kernel.operand(5, 0).index, 8);
    EXPECT_NE(kernel.at(7).guard, kernel.at(1).guard);
    EXPECT_EQ(kernel.reg(kernel.at(7).guard).name, "p");
    EXPECT_THAT(body_refusal("{ .reg .pred p; } @p ret;"), HasSubstr("found \"p\", expected a predicate"));
    EXPECT_THAT(body_refusal("{ inner: ret; } bra inner;"), HasSubstr("found \"inner\""));
    EXPECT_EQ(body_refusal(std::string(20000, '{') + "ret;" + std::string(20000, '}')), "accepted");
}

TEST(PtxKernel, ItsOwnVariables) {
    const OneKernel kernel(
        ".local .align 8 .b8 __local_depot0[64]; .reg .b64 %SP;\nmov.u64 %SP, __local_depot0;\n"
        "// further on\n.shared .align 4 .b8 tile[2][16]; .shared .f64 one; .shared .v4 .f32 four[3];\nret;");
    ASSERT_THAT(kernel->variables, SizeIs(4));
    EXPECT_EQ(kernel->variables[0].space, Space::local);
    EXPECT_EQ(kernel->variables[0].alignment, 8U);
    EXPECT_EQ(kernel->variables[0].bytes, 64U);
    EXPECT_EQ(kernel->variables[1].space, Space::shared);
    EXPECT_EQ(kernel->variables[1].name, "tile");
    EXPECT_EQ(kernel->variables[1].bytes, 32U);
    EXPECT_EQ(kernel->variables[2].bytes, 8U);
    EXPECT_EQ(kernel->variables[2].alignment, 8U);
    EXPECT_EQ(kernel->variables[3].bytes, 48U);
    EXPECT_EQ(kernel->variables[3].alignment, 16U);
    EXPECT_EQ(kernel.operand(0, 1).name, "__local_depot0");
    EXPECT_THAT(body_refusal(".shared .b8 a; .shared .b8 a;"), HasSubstr("no second variable \"a\""));
}

TEST(PtxInstruction, CallsAreKeptAsText) {
    const OneKernel kernel(
        ".reg .b64 %rd<3>; .reg .b32 %r<3>;\n"
        "{ // callseq 0, 0\n.param .b64 param0;\nst.param.b64 [param0+0], %rd1;\n.param .b32 retval0;\n"
        "call.uni (retval0), \n_Z6calledi, \n(\nparam0\n);\nld.param.b32 %r1, [retval0+0];\n} // callseq 0\n"
        "{ .param .align 16 .b8 param0[16]; st.param.b64 [param0+8], %rd1;\n"
        "prototype_1 : .callprototype ()_ (.param .align 16 .b8 _[16]);\ncall %rd2, (param0), prototype_1; }",
        ".extern .func (.param .b32 func_retval0) _Z6calledi\n(\n.param .b64 _Z6calledi_param_0\n)\n;\n");
    ASSERT_THAT(kernel->instructions, SizeIs(5));
    EXPECT_EQ(kernel.at(1).opcode, "call");
    EXPECT_THAT(kernel.at(1).modifiers, ElementsAre("uni"));
    EXPECT_THAT(kernel.at(1).operands, IsEmpty());
    EXPECT_EQ(kernel.at(1).text, "call.uni (retval0), _Z6calledi, ( param0 );");
    EXPECT_EQ(kernel.at(4).text, "call %rd2, (param0), prototype_1;");
    ASSERT_THAT(kernel->variables, SizeIs(2)) << "param0 of both calls is one";
    EXPECT_EQ(kernel->variables[0].space, Space::param);
    EXPECT_EQ(kernel->variables[0].bytes, 16U);
    EXPECT_EQ(kernel->variables[0].alignment, 16U);
}

TEST(PtxKernel, CommentsAndDirectivesAreSkipped) {
    const OneKernel kernel(
        "/* { ; \"\n\n } */ .pragma \"nounroll\";\n\t.loc\t1 30 5, function_name $L__info_string0, inlined_at 1 40 3\n"
        "bar /* here */ .sync 0; // } ret;\n.file 2 \"other } .cu\"\nret;",
        "// .entry not_one() {\n.file\t1 \"a { file.cu\"\n.section\t.debug_str\n{\n$info: .b8 95,90\n{ }\n}\n");
    ASSERT_THAT(kernel->instructions, SizeIs(2));
    EXPECT_EQ(kernel.at(0).text, "bar .sync 0;");
    EXPECT_EQ(kernel.at(0).line, 16U);
    EXPECT_EQ(kernel.at(1).line, 18U);
}

TEST(PtxKernel, WidenedLoadsSayWhichBytesTheyUse) {
    const OneKernel kernel(
        std::string(registers) +
        ".pragma \"used_bytes_mask 4095\";\nld.shared.v4.f32 {%f1, %f2, %f3, %f4}, [%r1];\nld.shared.u32 %r1, [%r2];");
    EXPECT_EQ(kernel.at(0).used_bytes, 0xFFFU);
    EXPECT_EQ(kernel.at(1).used_bytes, ~std::uint32_t{0});
    EXPECT_THAT(body_refusal(".pragma \"used_bytes_mask x\"; ret;"), HasSubstr("a mask of bytes"));
}

TEST(PtxInstruction, Refusals) {
    EXPECT_EQ(body_refusal("add.s32 %r1 %r2;"), "line 2: found \"%r2\", expected \",\" or \";\"");
    EXPECT_EQ(body_refusal("add.s32 %r1, ;"), "line 2: found \";\", expected a number or a name");
    EXPECT_EQ(body_refusal("\n\nld.b32 %r1, [%r2;"), "line 4: found \";\", expected \"]\"");
    EXPECT_EQ(body_refusal("ret"), "line 3: found \"}\", expected a number or a name");
    EXPECT_THAT(body_refusal("@%r1 ret;"), HasSubstr("found \"%r1\", expected a predicate"));
    EXPECT_THAT(body_refusal("and.pred %p1, %p2, !%r1;"), HasSubstr("found \"%r1\", expected a predicate"));
    EXPECT_THAT(body_refusal("@%p1 bra 7;"), HasSubstr("found \"7\", expected a label"));
    EXPECT_THAT(body_refusal("mov.b32 %r1, %r2.x;"), HasSubstr("found \".x\""));
    EXPECT_THAT(body_refusal("mov.b32 %r1, 0f3F8;"), HasSubstr("found \"0f3F8\", expected 8 digits"));
    EXPECT_THAT(body_refusal("mov.b32 %r1, 0x;"), HasSubstr("found \"0x\", expected a number"));
    EXPECT_THAT(body_refusal("mov.b32 %r1, 99999999999999999999;"), HasSubstr("expected a number"));
    EXPECT_THAT(body_refusal("mov.b32 %r1, 089;"), HasSubstr("expected a number"));
    EXPECT_THAT(body_refusal("mov.b32 %r1, " + std::string(9999, '(')), HasSubstr("fewer brackets"));
    EXPECT_THAT(body_refusal("mov.b32 %r1, 1 ? 2;"), HasSubstr("the character 0x3F"));
    EXPECT_THAT(body_refusal("mov.b32 %r1, a+b;"), HasSubstr("no sum of two addresses"));
    EXPECT_THAT(body_refusal(".reg .v2 .b32 %v;"), HasSubstr("found \".v2\", expected the type of registers"));
    EXPECT_THAT(body_refusal(".entry a() {}"), HasSubstr("found \".entry\", expected a directive that may stand in a"));
    EXPECT_THAT(refusal(".entry k() { /* ret; }"), HasSubstr("line 1: found a comment without an end"));
    EXPECT_THAT(refusal("\n.entry k() {\n ret;\n"), HasSubstr("expected \"}\" for the \"{\" of line 2"));
    EXPECT_THAT(refusal(".entry k(.param .u32 a, .param .u32 a) {}"), HasSubstr("no second parameter"));
}

}  // namespace
}  // namespace gpushard::test
