#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "interpreter/code.hpp"
#include "interpreter/shared_memory.hpp"

namespace simcuda::interpreter {

/// A thread and what it was about to do.
struct ThreadAt {
    std::uint32_t warp = 0;
    int lane = 0;
    std::uint32_t step = 0;
};

/// What the warps of one launch share.
struct Launch {
    Launch(const Program::Code& code_run, const LaunchShape& shape_run, const std::byte* parameters_run,
           GlobalMemory& memory_used, FindingSink& sink, Traffic& traffic_counted);

    const Program::Code& code;
    const LaunchShape& shape;
    const std::byte* const parameters;
    GlobalMemory& memory;
    FindingSink& findings;
    Traffic& traffic;

    std::vector<std::byte> constants;
    std::vector<Reach> reaches;  ///< what each access found last, by its index
    SharedMemory shared;
    Extent block;          ///< the one that runs: its indices, from 0
    bool stopped = false;  ///< by a finding

    /// Reports a finding of the thread, once for each kind and step in a launch, and stops where that kind does.
    void report(FindingKind kind, const ThreadAt& thread, const std::string& what);

    /// Puts a value of all lanes into a constant.
    template <typename Value>
    void set_constant(Place place, Value value) {
        if (place == no_place) return;
        auto* const lanes = reinterpret_cast<Value*>(constants.data() + (place & ~Place{1}));
        for (int lane = 0; lane < warp_size; ++lane) lanes[lane] = value;
    }

private:
    std::vector<std::uint16_t> reported_;  ///< by step: a bit for each kind
};

}  // namespace simcuda::interpreter
