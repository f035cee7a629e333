#pragma once

#include "interpreter/global_memory.hpp"
#include "runtime/simulator.hpp"

namespace simcuda {

/// What a kernel of one card can reach: the card's allocations and variables, those of peers that it was given access
/// to, and host memory that the runtime knows of. Takes the simulator's lock at every call.
class ReachableMemory : public interpreter::GlobalMemory {
public:
    explicit ReachableMemory(int place) : place_(place) {}

    interpreter::Reach find(std::uintptr_t address) override;
    std::string describe(std::uintptr_t address, std::uint64_t bytes) override;

private:
    int place_;
};

}  // namespace simcuda
