#pragma once

#include <cstdint>
#include <string>

namespace simcuda::interpreter {

enum class FindingKind : std::uint8_t {
    invalid_access,       ///< outside every live allocation of the card, of shared or of local memory
    misaligned_access,    ///
    unwritten_read,       ///< of bytes that were never written
    race,                 ///< two warps use the same shared byte, one of them writes, and no barrier stands between
    divergent_barrier,    ///< a barrier or a *.sync that not all its threads reach
    bad_shuffle,          ///< from a lane that takes no part
    unknown_instruction,  ///
    unreadable_code,      ///< no PTX text for this card
};

/// Whether a launch goes on after it.
inline bool stops_launch(FindingKind kind) {
    return kind != FindingKind::unwritten_read && kind != FindingKind::race && kind != FindingKind::bad_shuffle;
}

/// Something that a kernel must not do.
struct Finding {
    FindingKind kind = FindingKind::invalid_access;
    std::string kernel;  ///< as in the PTX
    std::string text;    ///< thread, line, instruction, address and allocation
};

/// Where findings go; thread-safe.
class FindingSink {
public:
    virtual ~FindingSink() = default;
    virtual void report(Finding finding) = 0;
};

}  // namespace simcuda::interpreter
