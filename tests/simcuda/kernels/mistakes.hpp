#pragma once

#include <string>
#include <vector>

namespace gpushard::test {

/// A kernel that does what it must not, launched on the current card and waited for.
struct Mistake {
    std::string name;  ///< of the kernel
    /// Throws what CUDA says of it.
    void (*make)();
    bool stops;  ///< the card is lost by it
    /// What the report says, besides the kernel.
    std::vector<std::string> words;
};

/// Each of which leaves one report. They use cards 0 and 1.
const std::vector<Mistake>& mistakes();

/// The same shapes done right: a neighbour's memory with access to it, a last byte, a barrier in time.
void launch_correct_kernels();

}  // namespace gpushard::test
