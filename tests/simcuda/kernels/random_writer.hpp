#pragma once

#include <string>

#include "simcuda/kernels/random_program.hpp"

namespace gpushard::test {

/// A module of one kernel, `random_kernel(input, output)`.
std::string ptx_of(const RandomProgram& program);

}  // namespace gpushard::test
