#include "arithmetic_check.hpp"

namespace simcuda::test {
namespace {

using ptx::Type;
using U64 = std::uint64_t;

ptx::Instruction packing(const std::string& spelling, std::size_t parts) {
    ptx::Instruction instruction = instruction_of(spelling, 1);
    ptx::Operand& from = instruction.operands[1];
    from.parts.assign(parts, from);
    from.kind = ptx::Operand::Kind::vector;
    return instruction;
}

std::vector<U64> random_bits(unsigned width, unsigned seed) {
    std::mt19937_64 random(seed);
    std::vector<U64> values;
    for (int i = 0; i < 100; ++i) values.push_back(random() >> (64 - width));
    return values;
}

TEST(Moves, Copies) {
    for (const auto& [spelling, type] : {std::pair{"mov.b16", Type::b16},
                                         {"mov.u16", Type::u16},
                                         {"mov.f32", Type::f32},
                                         {"mov.u32", Type::u32},
                                         {"mov.s32", Type::s32},
                                         {"mov.b64", Type::b64},
                                         {"mov.f64", Type::f64},
                                         {"mov.u64", Type::u64}}) {
        const std::vector<U64> values = random_bits(8 * ptx::bytes_of(type), 1);
        check_rows(spelling, type, {{type, values, false}}, [&](std::size_t row) { return values[row]; });
    }
}

/// Packs the parts and takes them apart again.
void check_parts(const std::string& spelling, Type whole, Type part, std::size_t parts, unsigned bits) {
    std::vector<Column> columns;
    for (unsigned i = 0; i < parts; ++i) columns.push_back({part, random_bits(bits, i), false});
    const auto packed = computed(packing(spelling, parts), whole, 1, columns);
    ASSERT_EQ(packed.size(), 1U) << spelling;
    for (std::size_t row = 0; row < packed[0].size(); ++row) {
        U64 expected = 0;
        for (unsigned i = 0; i < parts; ++i) expected |= columns[i].values[row] << (bits * i);
        EXPECT_EQ(packed[0][row], expected) << spelling;
    }
    const auto unpacked = computed(instruction_of(spelling, 1, parts), part, parts, {{whole, packed[0], false}});
    ASSERT_EQ(unpacked.size(), parts) << spelling;
    for (std::size_t i = 0; i < parts; ++i) EXPECT_EQ(unpacked[i], columns[i].values) << spelling;
}

TEST(Moves, PartsInBraces) {
    check_parts("mov.b32", Type::b32, Type::b16, 2, 16);
    check_parts("mov.b64", Type::b64, Type::b32, 2, 32);
    check_parts("mov.b64", Type::u64, Type::f32, 2, 32);
    check_parts("mov.b64", Type::b64, Type::b16, 4, 16);
    check_parts("mov.b32", Type::b32, Type::b8, 4, 8);
}

}  // namespace
}  // namespace simcuda::test
