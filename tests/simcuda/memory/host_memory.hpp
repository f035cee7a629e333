#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "memory/mapping.hpp"

namespace simcuda {

/// Host memory that the runtime knows of: page-locked, registered and managed. Needs the caller's lock.
class HostMemory {
public:
    enum class Kind { pinned, registered, managed };
    struct Block {
        Kind kind = Kind::pinned;
        std::uintptr_t address = 0;
        std::uint64_t bytes = 0;
        int card = -1;  ///< current at the call; managed memory is charged to it
        unsigned flags = 0;
    };

    /// Empty when the system has no memory.
    std::optional<std::uintptr_t> allocate(Kind kind, std::uint64_t bytes, int card, unsigned flags);
    /// False when part of it is known already.
    bool add_registered(std::uintptr_t address, std::uint64_t bytes, int card, unsigned flags);
    /// Empty when no block of that kind begins there.
    std::optional<Block> release(Kind kind, std::uintptr_t address);
    std::optional<Block> block_at(std::uintptr_t address) const;

    std::uint64_t pinned_bytes() const { return pinned_; }
    std::uint64_t pinned_peak_bytes() const { return pinned_peak_; }
    void reset_peak() { pinned_peak_ = pinned_; }

private:
    struct Held {
        Block block;
        Mapping mapping;
    };
    void add(Held held);

    std::map<std::uintptr_t, Held> blocks_;
    std::uint64_t pinned_ = 0;
    std::uint64_t pinned_peak_ = 0;
};

}  // namespace simcuda
