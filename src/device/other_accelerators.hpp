#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <gpushard/bytes.hpp>

namespace gpushard {

/// A kind of processor that is no CUDA card with memory of its own, as people name it.
struct OtherAccelerator {
    std::string what;            ///< "a card of AMD, not a CUDA card"
    Bytes memory = 0;            ///< of one; 0 where the name does not tell
    bool worth_planning = true;  ///< a plan by its memory alone would say something
};

/// What `name` means where it is none of the cards that gpushard can use: of another vendor ("MI300X", "mps"), too old
/// for CUDA 12 ("K80"), a part of a card ("1g.10gb"), or one that shares the memory of the host ("Jetson Orin").
std::optional<OtherAccelerator> find_other_accelerator(std::string_view name);

}  // namespace gpushard
