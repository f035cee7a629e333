#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace simcuda::interpreter {

/// An allocation that a kernel may use, as the host sees it.
struct Reach {
    std::uintptr_t begin = 1;         ///< device address
    std::uint64_t bytes = 0;          ///< 0: nothing there
    std::byte* data = nullptr;        ///< host address of the byte at `begin`
    std::uint8_t* written = nullptr;  ///< a byte for each: 0 where nothing was ever written; null: not kept
};

/// What the kernels of one card can reach by address. Used by one launch at a time.
class GlobalMemory {
public:
    virtual ~GlobalMemory() = default;
    /// The live allocation that holds `address`, for a kernel of this card: its own, a peer's that it has access to, or
    /// host memory that is mapped. Empty where there is none. Valid until the launch ends.
    virtual Reach find(std::uintptr_t address) = 0;
    /// Where an address that may not be used lies, for a report: "8 bytes behind 64 bytes at 0x7f... of card 1".
    virtual std::string describe(std::uintptr_t address, std::uint64_t bytes) = 0;
};

/// Bytes that kernels asked of global memory. A lane that reads the address of the lane before it in the same
/// instruction is not counted again.
struct Traffic {
    std::uint64_t loaded = 0;
    std::uint64_t stored = 0;
};

}  // namespace simcuda::interpreter
