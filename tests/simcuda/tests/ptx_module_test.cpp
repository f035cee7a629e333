#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fat_binary_texts.hpp"
#include "ptx_texts.hpp"

namespace gpushard::test {
namespace {

using simcuda::ptx::BadPtx;
using simcuda::ptx::is_text;
using simcuda::ptx::Kernel;
using simcuda::ptx::Module;
using simcuda::ptx::Space;
using simcuda::ptx::Variable;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

template <typename T>
std::vector<T> values(const Variable& variable) {
    std::vector<T> numbers(variable.value.size() / sizeof(T));
    std::memcpy(numbers.data(), variable.value.data(), numbers.size() * sizeof(T));
    return numbers;
}

const Variable& named(const Module& module, const std::string& name) {
    for (const Variable& variable : module.variables()) {
        if (variable.name == name) return variable;
    }
    throw std::runtime_error("no variable " + name);
}

constexpr char small_module[] = R"(//
// Written by hand
.version 9.0
.target sm_80, debug
.address_size 64
.extern .shared .align 16 .b8 smem[];
.visible .const .align 4 .f32 table[3] = {0f3F800000, -2.5, 7};
.weak .global .align 8 .u64 pointers[3] = {generic(table)+8, text, 5};
.global .align 1 .b8 text[4] = {104, 0x69};
.extern .func __assertfail (.param .b64 a) .noreturn ;
.func (.param .b32 result) helper(.param .b32 a) { .reg .b32 %r<2>; ret; }
.visible .entry first(.param .u64 .ptr .align 1 p, .param .align 8 .b8 q[24]) .maxntid 256, 1, 1
{
    .reg .pred %p<3>; .reg .b32 %r<5>; .reg .b64 %rd<3>; .shared .align 4 .b8 own[64];
    ld.param.u64 %rd1, [p]; ld.param.v2.u32 {%r1, %r2}, [q+8];
    setp.lt.s32 %p1|%p2, %r1, %r2;
    @!%p1 bra $L__BB0_2; // "
    { .reg .b32 t; mov.b32 t, %tid.x; add.s32 %r3, t, -0x10U; }
    st.global.u32 [%rd1+-8], %r3;
choices: .branchtargets $L__BB0_2, $L__BB0_3;
    brx.idx %r3, choices;
$L__BB0_2: mov.u64 %rd2, (text+2);
$L__BB0_3:
    ret;
}
.entry second() { ret; }
)";

TEST(PtxModule, VariablesAndKernels) {
    Module module(small_module);
    EXPECT_THAT(module.kernel_names(), ElementsAre("first", "second"));
    EXPECT_EQ(module.kernel("helper"), nullptr);
    EXPECT_EQ(module.kernel("third"), nullptr);
    const Kernel* const first = module.kernel("first");
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(module.kernel("first"), first) << "parsed once";
    EXPECT_EQ(first->max_threads, 256U);
    EXPECT_THAT(first->instructions, SizeIs(10));
    EXPECT_EQ(first->instructions[0].line, 15U);
    EXPECT_THAT(module.kernel("second")->instructions, SizeIs(1));

    ASSERT_THAT(module.variables(), SizeIs(4));
    const Variable& shared = named(module, "smem");
    EXPECT_EQ(shared.space, Space::shared);
    EXPECT_EQ(shared.bytes, 0U);
    EXPECT_EQ(shared.alignment, 16U);
    const Variable& table = named(module, "table");
    EXPECT_EQ(table.space, Space::constant);
    EXPECT_THAT(values<float>(table), ElementsAre(1.0F, -2.5F, 7.0F));
    const Variable& pointers = named(module, "pointers");
    EXPECT_EQ(pointers.space, Space::global);
    EXPECT_THAT(values<std::uint64_t>(pointers), ElementsAre(0, 0, 5));
    ASSERT_THAT(pointers.addresses, SizeIs(2));
    EXPECT_EQ(pointers.addresses[0].offset, 0U);
    EXPECT_EQ(pointers.addresses[0].name, "table");
    EXPECT_EQ(pointers.addresses[0].addend, 8);
    EXPECT_EQ(pointers.addresses[1].offset, 8U);
    EXPECT_EQ(pointers.addresses[1].name, "text");
    EXPECT_EQ(pointers.addresses[1].addend, 0);
    EXPECT_THAT(values<char>(named(module, "text")), ElementsAre('h', 'i', 0, 0)) << "what is not named is 0";
}

TEST(PtxModule, Initializers) {
    const Module module(
        ".global .u32 one = 5, two = -1;\n.global .b8 none[8];\n.global .f64 real[2] = {1.5, 0d4000000000000000};\n"
        ".global .u16 nested[2][3] = {{1}, {2, 3}};\n.global .u16 flat[2][2] = {1, 2, 3};\n"
        ".global .u16 open[] = {7, 8, 9};\n.global .u8 rows[][2] = {{1, 2}, {3}};\n"
        ".global .v4 .f32 vector[2] = {{1.0, 2.0, 3.0, 4.0}, {5.0}};\n"
        ".global .f32 signalling = 0f7FA00000;\n.global .b32 bits = 0f3F800000;\n"
        ".global .align 8 .b8 record[16] = {1, 0, 0, 0, 0, 0, 0, 0, 0xFF(generic(one)+4), 0xFF00(generic(one)+4), "
        "0xFF0000(generic(one)+4), 0xFF000000(generic(one)+4), 0xFF00000000(generic(one)+4), "
        "0xFF0000000000(generic(one)+4), 0xFF000000000000(generic(one)+4), 0xFF00000000000000(generic(one)+4)};\n"
        ".global .u64 address = none - 8;");
    EXPECT_THAT(values<std::uint32_t>(named(module, "one")), ElementsAre(5));
    EXPECT_THAT(values<std::int32_t>(named(module, "two")), ElementsAre(-1));
    EXPECT_EQ(named(module, "none").bytes, 8U);
    EXPECT_THAT(named(module, "none").value, IsEmpty());
    EXPECT_THAT(values<double>(named(module, "real")), ElementsAre(1.5, 2.0));
    EXPECT_THAT(values<std::uint16_t>(named(module, "nested")), ElementsAre(1, 0, 0, 2, 3, 0));
    EXPECT_THAT(values<std::uint16_t>(named(module, "flat")), ElementsAre(1, 2, 3, 0));
    EXPECT_THAT(values<std::uint16_t>(named(module, "open")), ElementsAre(7, 8, 9));
    EXPECT_EQ(named(module, "open").bytes, 6U);
    EXPECT_THAT(values<std::uint8_t>(named(module, "rows")), ElementsAre(1, 2, 3, 0));
    EXPECT_EQ(named(module, "rows").bytes, 4U);
    EXPECT_THAT(values<float>(named(module, "vector")), ElementsAre(1, 2, 3, 4, 5, 0, 0, 0));
    EXPECT_THAT(values<std::uint32_t>(named(module, "signalling")), ElementsAre(0x7FA0'0000));
    EXPECT_THAT(values<float>(named(module, "bits")), ElementsAre(1.0F));
    const Variable& record = named(module, "record");
    ASSERT_THAT(record.addresses, SizeIs(1));
    EXPECT_EQ(record.addresses[0].offset, 8U);
    EXPECT_EQ(record.addresses[0].name, "one");
    EXPECT_EQ(record.addresses[0].addend, 4);
    EXPECT_EQ(named(module, "address").addresses.at(0).addend, -8);
}

TEST(PtxModule, ExternVariablesMayBeDefinedFurtherOn) {
    const Module module(
        ".extern .global .b8 a[];\n.global .b8 a[3];\n.extern .global .b8 a[];\n.extern .global .u64 b;");
    ASSERT_THAT(module.variables(), SizeIs(2));
    EXPECT_EQ(named(module, "a").bytes, 3U);
    EXPECT_EQ(named(module, "b").bytes, 8U);
    EXPECT_THAT(refusal(".extern .global .u32 a; .global .u32 a; .global .u32 a;"), HasSubstr("found \"a\" again"));
}

TEST(PtxModule, Refusals) {
    EXPECT_EQ(refusal(".global .b8 a;\n.global .b8 a;"), "line 2: found \"a\" again, expected another variable");
    EXPECT_EQ(refusal(".entry a() {}\n.entry a() {}"), "line 2: found \"a\" again, expected another kernel");
    EXPECT_EQ(refusal("version"), "line 1: found \"version\", expected a directive");
    EXPECT_EQ(refusal(".address_size 32"), "line 1: found \"32\", expected 64");
    EXPECT_THAT(refusal(".verzion 9.0"), HasSubstr("found \".verzion\""));
    EXPECT_THAT(refusal(".visible"), HasSubstr("found the end of the text"));
    EXPECT_THAT(refusal(".global .b8 a[2] = {1, 2, 3};"), HasSubstr("no more values"));
    EXPECT_THAT(refusal(".global .b8 a[2][1] = {{1, 2}};"), HasSubstr("no more values"));
    EXPECT_THAT(refusal(".global .b8 a[2] = {{1}};"), HasSubstr("fewer braces"));
    EXPECT_THAT(refusal(".global .b8 a[2] = {1.5};"), HasSubstr("no floating-point number"));
    EXPECT_THAT(refusal(".global .b8 a[9] = {name};"), HasSubstr("8 bytes are for it"));
    EXPECT_THAT(refusal(".global .b8 a[9] = {0xFF00(name)};"), HasSubstr("8 bytes are for it"));
    EXPECT_THAT(refusal(".global .b8 a[9] = {0xFF(name), 0, 0xFF00(name)};"), HasSubstr("8 bytes are for it"));
    EXPECT_THAT(refusal(".global .b8 a[4294967296];"), HasSubstr("a smaller variable"));
    EXPECT_THAT(refusal(".global .b8 a[1073741824][1073741824];"), HasSubstr("a smaller variable"));
    EXPECT_THAT(refusal(".global .b8 a[][1073741824][1073741824] = {{{}}};"), HasSubstr("a smaller variable"));
    EXPECT_THAT(refusal(".global .align 3 .b8 a;"), HasSubstr("a power of two"));
    EXPECT_THAT(refusal(".global .texref a;"), HasSubstr("found \".texref\", expected the type of a variable"));
    EXPECT_THAT(refusal(".global .pred a;"), HasSubstr("found \".pred\", expected the type of a variable"));
    std::string dimensions;
    for (int count = 0; count < 100000; ++count) dimensions += "[1]";
    EXPECT_THAT(refusal(".global .b8 a" + dimensions + " = " + std::string(100000, '{')),
                HasSubstr("fewer dimensions"));
}

TEST(PtxModule, OneBadKernelLeavesTheOthers) {
    Module module(".entry good() { ret; }\n.entry bad() {\n what is this;\n}\n");
    EXPECT_THAT(module.kernel_names(), ElementsAre("bad", "good"));
    EXPECT_THAT(module.kernel("good")->instructions, SizeIs(1));
    for (int attempt = 0; attempt < 2; ++attempt) {
        EXPECT_THROW(module.kernel("bad"), BadPtx);
    }
}

TEST(PtxModule, EveryBeginningOfATextIsReadOrRefused) {
    const std::string whole = small_module;
    ASSERT_EQ(refusal(whole), "accepted");
    std::size_t refused = 0;
    for (std::size_t length = 0; length < whole.size(); ++length) {
        // A copy of that length, so that a sanitizer sees a read behind it.
        const std::vector<char> beginning(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        try {
            Module module({beginning.data(), beginning.size()});
            for (const std::string& name : module.kernel_names()) module.kernel(name);
        } catch (const BadPtx& error) {
            EXPECT_THAT(error.what(), testing::StartsWith("line "));
            ++refused;
        }
    }
    EXPECT_GT(refused, whole.size() / 2);
}

TEST(PtxModule, EveryCharacterMayBeMissing) {
    const std::string whole = small_module;
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string without = whole;
        without.erase(at, 1);
        const std::string said = refusal(without);
        EXPECT_TRUE(said == "accepted" || said.starts_with("line ")) << said;
    }
}

TEST(PtxModule, TextIsToldFromWhatIsCompressed) {
    const auto is = [](std::string_view payload) { return is_text(payload.data(), payload.size()); };
    EXPECT_TRUE(is(small_module));
    EXPECT_TRUE(is(std::string_view("\n\n\t.version 9.0\n\0\0\0", 19)));
    EXPECT_FALSE(is(""));
    EXPECT_FALSE(is(std::string_view("\x28\xB5\x2F\xFD.version 9.0", 16)));
    EXPECT_FALSE(is("\n.verzion 9.0"));
    EXPECT_FALSE(is("/* .version 9.0"));
    EXPECT_EQ(refusal(std::string(".version 9.0\n.target sm_75\n") + '\0'), "accepted");
}

/// The kernels that the tests of the GPU backend launch.
TEST(PtxModule, EveryKernelOfFaissIsRead) {
    const std::string file = read_file(GPUSHARD_TEST_FAISS_LIBRARY);
    const std::vector<std::string_view> payloads = ptx_payloads(file);
    if (payloads.empty()) GTEST_SKIP() << GPUSHARD_TEST_FAISS_LIBRARY << " holds no PTX";
    std::size_t kernels = 0;
    std::size_t instructions = 0;
    for (const std::string_view payload : payloads) {
        if (!is_text(payload.data(), payload.size())) GTEST_SKIP() << "the PTX of Faiss is compressed";
        Module module(payload);
        for (const std::string& name : module.kernel_names()) {
            const Kernel* const kernel = module.kernel(name);
            ASSERT_NE(kernel, nullptr);
            EXPECT_EQ(kernel->name, name);
            EXPECT_THAT(kernel->instructions, testing::Not(IsEmpty()));
            instructions += kernel->instructions.size();
            ++kernels;
        }
    }
    RecordProperty("kernels", static_cast<int>(kernels));
    EXPECT_GT(kernels, 100U);
    EXPECT_GT(instructions, 100U * kernels);
}

}  // namespace
}  // namespace gpushard::test
