#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "interpreter/global_memory.hpp"
#include "runtime/simulator.hpp"

namespace simcuda {

/// What a kernel of one card can reach: the card's allocations and variables, those of peers that it was given access
/// to, and host memory that the runtime knows of. Remembers what it found. Takes the simulator's lock.
class ReachableMemory : public interpreter::GlobalMemory {
public:
    explicit ReachableMemory(int place) : place_(place) {}

    interpreter::Reach find(std::uintptr_t address) override;
    std::string describe(std::uintptr_t address, std::uint64_t bytes) override;

private:
    interpreter::Reach look_up(std::uintptr_t address) const;

    int place_;
    std::map<std::uintptr_t, interpreter::Reach> found_;  ///< by begin
};

}  // namespace simcuda
