#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "interpreter/operation.hpp"
#include "interpreter/program.hpp"
#include "ptx/kernel.hpp"

namespace simcuda::interpreter {

/// What the scheduler of a warp does with a step.
enum class StepKind : std::uint8_t {
    arithmetic,  ///< Step::operation
    nothing,     ///< fences, prefetches, hints
    branch,      ///< to `target`
    branch_by_index,
    leave,
    access,        ///< a load, a store or an atomic: Code::accesses[index]
    barrier,       ///< of the block
    warp_barrier,  ///< of the lanes that its first source names
    shuffle,
    vote,
    match,
    reduce,
    active_lanes,
    elect,
    trap,
    unknown,
};

enum class ShuffleMode : std::uint8_t { up, down, butterfly, index };
enum class VoteMode : std::uint8_t { all, any, uniform, ballot };
enum class AtomicKind : std::uint8_t {
    none,
    add,
    minimum,
    maximum,
    exchange,
    compare_and_swap,
    bit_and,
    bit_or,
    bit_xor,
    increment,
    decrement,
};

inline constexpr Place no_place = ~Place{0};

/// One instruction, decoded.
struct Step {
    Operation operation;
    StepKind kind = StepKind::unknown;
    bool guarded = false;
    bool guard_negated = false;
    Place guard = 0;
    std::uint32_t target = 0;  ///< of a branch
    std::uint32_t index = 0;   ///< into Code::accesses or Code::branch_tables
    std::uint8_t mode = 0;     ///< ShuffleMode, VoteMode, or AtomicKind of a reduction
};

/// A load, a store or an atomic.
struct Access {
    static constexpr int most_elements = 8;

    ptx::Space space = ptx::Space::generic;
    AtomicKind atomic = AtomicKind::none;
    ptx::Type type = ptx::Type::none;  ///< of an element in memory
    bool stores = false;
    bool loads = false;
    bool synchronises = false;  ///< volatile, relaxed or stronger: meant for others to see without a barrier
    std::uint8_t element_bytes = 0;
    std::uint8_t elements = 1;
    std::uint32_t used_bytes = ~std::uint32_t{0};     ///< of a load: a bit each; the others need not have been written
    std::uint8_t register_bytes[most_elements] = {};  ///< lane_bytes of each value
    Place values[most_elements] = {};                 ///< loaded to, or stored from
    Place operands[2] = {};                           ///< of an atomic
    Place base = no_place;
    std::uint8_t base_bytes = 0;
    std::uint64_t offset = 0;

    std::uint32_t bytes() const { return std::uint32_t{element_bytes} * elements; }
};

/// A constant that a launch fills in: all lanes the same.
struct LaunchConstant {
    enum class Source : std::uint8_t { parameter, variable, grid_x, grid_y, grid_z, block_x, block_y, block_z };
    Source source = Source::parameter;
    Place place = 0;
    ptx::Type type = ptx::Type::none;  ///< of a parameter
    std::uint32_t bytes = 0;           ///< lane_bytes of the constant
    std::uint64_t offset = 0;          ///< of a parameter; added to a variable's address
    std::string name;                  ///< of a variable
};

/// Places of what each block or warp fills in.
struct SpecialPlaces {
    Place thread[3] = {no_place, no_place, no_place};
    Place lane = no_place;
    Place warp = no_place;
    Place lanes_equal = no_place;
    Place lanes_below = no_place;
    Place lanes_up_to = no_place;
    Place lanes_above = no_place;
    Place lanes_from = no_place;
    Place block[3] = {no_place, no_place, no_place};  ///< constants
    Place warps = no_place;                           ///< constants, as are the next
    Place dynamic_shared = no_place;
    Place total_shared = no_place;
    Place clock = no_place;
};

struct Program::Code {
    const ptx::Kernel* kernel = nullptr;
    std::vector<Step> steps;  ///< one for each instruction
    std::vector<Access> accesses;
    std::vector<std::vector<std::uint32_t>> branch_tables;
    std::vector<std::byte> constants;
    std::vector<LaunchConstant> launch_constants;
    SpecialPlaces special;
    std::size_t register_bytes = 0;  ///< of a warp
    std::uint32_t static_shared_bytes = 0;
    std::uint32_t shared_alignment = 16;
    std::uint32_t local_bytes = 0;
    std::vector<std::string> unknown;
};

/// Where generic addresses of shared and local memory lie: address space that holds nothing else.
struct Windows {
    static constexpr std::uint64_t bytes = std::uint64_t{16} << 20;
    std::uintptr_t shared = 0;
    std::uintptr_t local = 0;
    static const Windows& instance();
};

}  // namespace simcuda::interpreter
