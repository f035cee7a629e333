#pragma once

#include <cstdint>
#include <vector>

#include "ptx/kernel.hpp"

namespace simcuda::interpreter {

/// From the first to the last instruction between which a register holds a value that is still read, ends included.
/// Registers with lives that do not meet can share a place: what is kept small stays in the processor's caches.
struct Life {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    bool is_used = false;
};

/// One for each register of the kernel, by the usual analysis of live variables over its control flow.
std::vector<Life> register_lives(const ptx::Kernel& kernel);

}  // namespace simcuda::interpreter
