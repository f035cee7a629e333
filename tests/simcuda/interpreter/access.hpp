#pragma once

#include <cstdint>

#include "interpreter/launch.hpp"

namespace simcuda::interpreter {

/// The warp that accesses memory.
struct Accessor {
    const WarpRegisters& registers;
    std::byte* local = nullptr;             ///< of lane 0; Code::local_bytes a lane
    std::uint8_t* local_written = nullptr;  ///< the same, 0 where nothing was written in this block
    std::uint32_t warp = 0;
    std::uint32_t step = 0;
};

/// Loads, stores or changes memory for the lanes of `active`, each address checked. Stops the launch where one may not
/// be used.
void perform_access(Launch& launch, const Access& access, const Accessor& accessor, LaneMask active);

}  // namespace simcuda::interpreter
