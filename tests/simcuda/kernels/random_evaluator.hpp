#pragma once

#include <cstdint>
#include <vector>

#include "simcuda/kernels/random_program.hpp"

namespace gpushard::test {

/// What the kernel stores, by a statement for one thread after the other: it knows of no warp but to say who exchanges
/// values with whom.
std::vector<std::uint32_t> evaluated(const RandomProgram& program, const std::vector<std::uint32_t>& input);

}  // namespace gpushard::test
