#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/finding.hpp"
#include "interpreter/global_memory.hpp"
#include "ptx/kernel.hpp"

namespace simcuda::interpreter {

struct Extent {
    std::uint32_t x = 1;
    std::uint32_t y = 1;
    std::uint32_t z = 1;
    std::uint64_t count() const { return std::uint64_t{x} * y * z; }
};

struct LaunchShape {
    Extent grid;
    Extent block;
    std::uint32_t dynamic_shared_bytes = 0;
};

/// A kernel decoded for the interpreter. Immutable, so any number of threads may run it.
class Program {
public:
    /// `module_variables` of its module; both must outlive it. What it does not know becomes an operation that stops
    /// the launch when it is reached.
    Program(const ptx::Kernel& kernel, const std::vector<ptx::Variable>& module_variables);
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    const ptx::Kernel& kernel() const;
    /// Instructions it does not know: "line 12: wmma.load ...".
    std::vector<std::string> unknown_instructions() const;
    /// Of a block, beside what the launch asks for.
    std::uint32_t static_shared_bytes() const;

    /// The device address of a variable of the module (.global or .const) on the card.
    using VariableAddress = std::function<std::uintptr_t(std::string_view name)>;

    /// Runs all blocks in order. `parameters`: kernel().parameter_bytes bytes. False when a finding stopped it.
    bool run(const LaunchShape& shape, const std::byte* parameters, const VariableAddress& variable_address,
             GlobalMemory& memory, FindingSink& findings, Traffic& traffic) const;

    struct Code;  ///< code.hpp

private:
    std::unique_ptr<Code> code_;
};

}  // namespace simcuda::interpreter
