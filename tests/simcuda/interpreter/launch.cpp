#include "interpreter/launch.hpp"

namespace simcuda::interpreter {
namespace {

std::string coordinates(std::uint32_t x, std::uint32_t y, std::uint32_t z) {
    return '(' + std::to_string(x) + ", " + std::to_string(y) + ", " + std::to_string(z) + ')';
}

}  // namespace

Launch::Launch(const Program::Code& code_run, const LaunchShape& shape_run, const std::byte* parameters_run,
               GlobalMemory& memory_used, FindingSink& sink, Traffic& traffic_counted)
    : code(code_run),
      shape(shape_run),
      parameters(parameters_run),
      memory(memory_used),
      findings(sink),
      traffic(traffic_counted),
      constants(code_run.constants),
      reaches(code_run.accesses.size()),
      shared(code_run.static_shared_bytes + shape_run.dynamic_shared_bytes),
      block{0, 0, 0},
      reported_(code_run.steps.size() + 1) {}

void Launch::report(FindingKind kind, const ThreadAt& thread, const std::string& what) {
    if (stops_launch(kind)) stopped = true;
    const auto bit = static_cast<std::uint16_t>(1U << static_cast<unsigned>(kind));
    std::uint16_t& reported = reported_[thread.step];
    if ((reported & bit) != 0) return;
    reported |= bit;

    const std::uint32_t number =
        thread.warp * static_cast<std::uint32_t>(warp_size) + static_cast<std::uint32_t>(thread.lane);
    const Extent& size = shape.block;
    std::string text = "block " + coordinates(block.x, block.y, block.z) + ", thread " +
                       coordinates(number % size.x, number / size.x % size.y, number / size.x / size.y);
    if (thread.step < code.steps.size()) {
        const ptx::Instruction& instruction = code.kernel->instructions[thread.step];
        text += ", line " + std::to_string(instruction.line) + " `" + instruction.text + '`';
    }
    findings.report({kind, code.kernel->name, text + ": " + what});
}

}  // namespace simcuda::interpreter
