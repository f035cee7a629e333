#pragma once

#include <map>
#include <string>
#include <utility>

#include "interpreter/code.hpp"

namespace simcuda::interpreter {

/// Gives places to what the steps of a kernel read and write: its registers, its constants, and what a launch, a block
/// or a warp fills in. Each constant exists once.
class Layout {
public:
    Layout(const ptx::Kernel& kernel, Program::Code& code);

    Place of_register(std::int32_t index) const { return registers_[static_cast<std::size_t>(index)]; }
    /// A place whose value nobody reads.
    Place scratch() const { return scratch_; }
    /// All lanes hold the low `bytes` (2, 4 or 8) of `bits`.
    Place constant(std::uint64_t bits, std::uint32_t bytes);
    Place predicate_constant(bool value);
    Place parameter(std::uint64_t offset, ptx::Type type, std::uint32_t bytes);
    /// The device address of a variable of the module, `bytes` wide.
    Place variable(const std::string& name, std::uint64_t addend, std::uint32_t bytes);
    /// %tid.x and its like; `no_place` for a name that is not known.
    Place special(const std::string& name);

private:
    void place_registers(const ptx::Kernel& kernel);
    Place add_register(std::uint32_t bytes);
    Place add_constant(std::uint32_t bytes);
    Place launch_constant(LaunchConstant constant);
    /// The place kept in `kept`, made when it is first asked for.
    Place once(Place& kept, bool constant);

    Program::Code& code_;
    std::vector<Place> registers_;
    Place scratch_ = 0;
    std::map<std::pair<std::uint64_t, std::uint32_t>, Place> constants_;
    std::map<std::string, Place> launch_constants_;
};

}  // namespace simcuda::interpreter
