#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "ptx/kernel.hpp"

namespace simcuda::interpreter {

inline constexpr int warp_size = 32;
/// A bit a lane.
using LaneMask = std::uint32_t;
inline constexpr LaneMask all_lanes = ~LaneMask{0};

/// Where the values of an operand lie: an offset into the registers of the warp, or into the constants of the launch
/// (bit 0 set). Registers and constants are the same: an array of 32 lanes, each 2, 4 or 8 bytes by the declared type
/// (8-bit types take 2); a predicate is one LaneMask.
using Place = std::uint32_t;

/// The registers of 32 threads.
struct WarpRegisters {
    std::byte* bases[2] = {nullptr, nullptr};  ///< of the warp, of the launch

    template <typename T>
    T* at(Place place) const {
        return reinterpret_cast<T*>(bases[place & 1U] + (place & ~Place{1}));
    }
    LaneMask& predicate(Place place) const { return *at<LaneMask>(place); }
};

struct Operation;
/// Does one instruction for the lanes of `active`, of which there is at least one.
using Apply = void (*)(const Operation& operation, const WarpRegisters& registers, LaneMask active);

/// What one instruction does, decoded for speed. `to` and the sources hold the operands in the order they are written:
/// the first is `to` (and, for `%a|%b`, `also_to`), the others `sources`.
struct Operation {
    Apply apply = nullptr;
    Place to = 0;
    Place also_to = 0;
    Place sources[4] = {};
    /// Bit i: source i is a predicate that is read negated (`!%p1`).
    std::uint8_t negated_sources = 0;
    /// What operation_variant says of the instruction.
    std::uint8_t variant = 0;
};

template <typename Body>
inline void for_lanes(LaneMask active, Body&& body) {
    if (active == all_lanes) {
        for (int lane = 0; lane < warp_size; ++lane) body(lane);
        return;
    }
    for (LaneMask left = active; left != 0; left &= left - 1) body(std::countr_zero(left));
}

/// The bytes that a lane's value of this type takes in the registers: 2, 4 or 8; 0 for a predicate.
inline std::uint32_t lane_bytes(ptx::Type type) {
    const std::uint32_t bytes = ptx::bytes_of(type);
    return bytes == 1 ? 2 : bytes;
}

/// What to do for an instruction that computes from registers alone: arithmetic, logic, comparisons, conversions,
/// moves. `to_type` and `source_types` are the declared types of the registers (an immediate has the type the
/// instruction gives it, see `immediate_type`), since ld, st, cvt and mov take registers wider than their type. Null
/// when it is not one of these, or not known.
Apply select_arithmetic(const ptx::Instruction& instruction, ptx::Type to_type, const ptx::Type* source_types,
                        int source_count);

/// What `apply` of an arithmetic instruction finds in Operation::variant: what would double its number for little.
std::uint8_t operation_variant(const ptx::Instruction& instruction);

/// The type in which source `source` (0: the first after the destination) of an arithmetic instruction is read.
ptx::Type immediate_type(const ptx::Instruction& instruction, int source);

}  // namespace simcuda::interpreter
