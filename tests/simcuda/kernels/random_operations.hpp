#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gpushard::test {

/// The registers of random kernels: 32 and 64 bits, float, predicate.
enum class RegisterKind : std::uint8_t { word, wide, number, truth };
inline constexpr int register_kinds = 4;
/// How many of each kind.
inline constexpr int registers_of_kind = 6;

/// One instruction that computes from registers, and the same for one thread on the CPU. Values are bits.
struct RandomOperation {
    const char* spelled;
    RegisterKind to;
    std::vector<RegisterKind> from;
    std::uint64_t (*compute)(const std::uint64_t* sources);
    /// What stands in front, for sources that the instruction may not have as they come: "%1" is the second one.
    const char* before = "";
};

const std::vector<RandomOperation>& random_operations();

/// NaN is zero wherever its bits could be seen: PTX does not say which NaN it is.
std::uint64_t without_nan(std::uint64_t bits);

}  // namespace gpushard::test
