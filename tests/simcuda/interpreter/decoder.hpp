#pragma once

#include <memory>
#include <vector>

#include "interpreter/code.hpp"

namespace simcuda::interpreter {

/// Decodes a kernel. What is not known becomes a step of kind `unknown`.
std::unique_ptr<Program::Code> decode(const ptx::Kernel& kernel, const std::vector<ptx::Variable>& module_variables);

}  // namespace simcuda::interpreter
