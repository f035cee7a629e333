#pragma once

#include <string>
#include <vector>

namespace gpushard::test {

/// Runs one instruction on the current card and computes the same on the CPU.
struct InstructionCheck {
    std::string instruction;    ///< as it is spelled
    std::string (*mismatch)();  ///< "" where both agree on all values; throws where it does not run
};

/// Each of a file of kernels.
const std::vector<InstructionCheck>& integer_checks();
const std::vector<InstructionCheck>& float_checks();
const std::vector<InstructionCheck>& predicate_checks();
const std::vector<InstructionCheck>& conversion_checks();
const std::vector<InstructionCheck>& load_checks();
const std::vector<InstructionCheck>& store_checks();
const std::vector<InstructionCheck>& warp_checks();
const std::vector<InstructionCheck>& atomic_checks();
const std::vector<InstructionCheck>& control_flow_checks();
const std::vector<InstructionCheck>& later_card_checks();

}  // namespace gpushard::test
