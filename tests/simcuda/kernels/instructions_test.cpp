#include <ostream>
#include <set>

#include <gtest/gtest.h>

#include "simcuda/kernels/instruction_check.hpp"
#include "support/simulated_cards.hpp"

namespace gpushard::test {
namespace {

struct Group {
    const char* name;
    const std::vector<InstructionCheck>& (*checks)();
};
void PrintTo(const Group& group, std::ostream* out) { *out << group.name; }

class Instructions : public testing::TestWithParam<Group> {};

TEST_P(Instructions, ComputeWhatTheCpuDoes) {
    ASSERT_TRUE(cards_compute());
    std::set<std::string> instructions;
    for (const InstructionCheck& check : GetParam().checks()) {
        instructions.insert(check.instruction);
        try {
            EXPECT_EQ(check.mismatch(), "") << check.instruction;
        } catch (const std::exception& error) {
            ADD_FAILURE() << check.instruction << ": " << error.what();
        }
    }
    RecordProperty("instructions", static_cast<int>(instructions.size()));
}

INSTANTIATE_TEST_SUITE_P(, Instructions,
                         testing::Values(Group{"Integers", &integer_checks}, Group{"Floats", &float_checks},
                                         Group{"Predicates", &predicate_checks},
                                         Group{"Conversions", &conversion_checks}, Group{"Loads", &load_checks},
                                         Group{"Stores", &store_checks}, Group{"Warps", &warp_checks},
                                         Group{"Atomics", &atomic_checks}, Group{"ControlFlow", &control_flow_checks},
                                         Group{"LaterCards", &later_card_checks}),
                         [](const auto& group) { return std::string(group.param.name); });

}  // namespace
}  // namespace gpushard::test
