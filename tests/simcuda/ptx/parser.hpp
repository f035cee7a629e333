#pragma once

#include <cstdint>
#include <string_view>

#include "ptx/kernel.hpp"

namespace simcuda::ptx {

/// `text` goes from `.entry` to the closing brace; its first line is `line` of the module. Throws BadPtx.
Kernel parse_kernel(std::string_view text, std::uint32_t line);

}  // namespace simcuda::ptx
