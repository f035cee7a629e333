#include "runtime/kernel_launch.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "runtime/call.hpp"
#include "runtime/findings.hpp"
#include "runtime/module_variables.hpp"
#include "runtime/reachable_memory.hpp"
#include "runtime/work.hpp"

namespace simcuda {
namespace {

/// Findings of a launch, told with the module that has the kernel.
class FindingsIn final : public interpreter::FindingSink {
public:
    explicit FindingsIn(std::string module) : module_(std::move(module)) {}
    void report(interpreter::Finding finding) override {
        finding.text += " [" + module_ + ']';
        Findings::instance().report(std::move(finding));
    }

private:
    std::string module_;
};

/// One launch that waits for its turn.
struct Launch {
    int place = 0;
    std::uint64_t module_number = 0;
    std::string module_name;
    std::shared_ptr<PtxCode> code;
    const interpreter::Program* program = nullptr;
    interpreter::LaunchShape shape;
    std::vector<std::byte> parameters;
};

void run(const Launch& launch) {
    Simulator& simulator = Simulator::instance();
    Card& card = simulator.card(launch.place);
    ReachableMemory memory(launch.place);
    FindingsIn findings(launch.module_name);
    interpreter::Traffic traffic;
    const auto variable_address = [&](std::string_view name) {
        const std::lock_guard lock(simulator.mutex);
        return address_of_variable(card, launch.module_number, *launch.code, name).value_or(0);
    };
    bool finished = false;
    try {
        finished =
            launch.program->run(launch.shape, launch.parameters.data(), variable_address, memory, findings, traffic);
    } catch (const std::exception& error) {
        Findings::instance().report({interpreter::FindingKind::unknown_instruction, launch.program->kernel().name,
                                     std::string("the launch could not be run: ") + error.what()});
    }
    card.count_traffic(traffic);
    if (!finished) card.lose();
}

interpreter::Extent extent_of(dim3 size) { return {size.x, size.y, size.z}; }

std::vector<std::byte> copied_arguments(const ptx::Kernel& kernel, void** arguments) {
    std::vector<std::byte> copied(kernel.parameter_bytes);
    for (std::size_t i = 0; i < kernel.parameters.size(); ++i) {
        std::memcpy(copied.data() + kernel.parameter_offsets[i], arguments[i], kernel.parameters[i].bytes);
    }
    return copied;
}

/// As CUDA does: more threads than the kernel was compiled for, or more shared memory than it may have, is an argument
/// that is not valid.
bool fits(const Kernel& kernel, const interpreter::Program& program, int place, const LaunchRequest& request) {
    const std::uint64_t threads = extent_of(request.block).count();
    const std::uint32_t most = program.kernel().max_threads;
    if (most != 0 && threads > most) return false;
    const std::uint64_t fixed = program.static_shared_bytes();
    const std::uint64_t dynamic = request.dynamic_shared_bytes;
    if (const auto limit = dynamic_shared_limit(kernel, place)) return dynamic <= static_cast<std::uint64_t>(*limit);
    return fixed + dynamic <= shared_bytes_per_block;
}

}  // namespace

const CodeImage* image_for(const Kernel& kernel, int place) {
    Simulator& simulator = Simulator::instance();
    const auto preferred = simulator.computes() ? CodeImage::Kind::ptx : CodeImage::Kind::machine_code;
    return kernel.module->image_for(simulator.card(place).spec().compute_capability, preferred);
}

std::shared_ptr<PtxCode> code_for(const Kernel& kernel, int place) {
    return kernel.module->code_of(*image_for(kernel, place));
}

const interpreter::Program& program_of(const Kernel& kernel, PtxCode& code) {
    try {
        const interpreter::Program* const program = code.program(kernel.name);
        if (program == nullptr) throw UnreadableCode("its module has PTX without it");
        return *program;
    } catch (const ptx::BadPtx& error) {
        throw UnreadableCode(error.what());
    }
}

std::uint64_t local_bytes(const ptx::Kernel& kernel) {
    std::uint64_t bytes = 0;
    for (const ptx::Variable& variable : kernel.variables) {
        if (variable.space != ptx::Space::local) continue;
        const std::uint64_t alignment = std::max<std::uint32_t>(variable.alignment, 1);
        bytes = (bytes + alignment - 1) / alignment * alignment + variable.bytes;
    }
    return bytes;
}

std::optional<int> dynamic_shared_limit(const Kernel& kernel, int place) {
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    const auto& limits = simulator.card(place).dynamic_shared_limits;
    const auto found = limits.find(&kernel);
    if (found == limits.end()) return std::nullopt;
    return found->second;
}

bool limit_dynamic_shared_bytes(const Kernel& kernel, int place, int bytes) {
    std::uint64_t fixed = 0;
    try {
        const auto code = code_for(kernel, place);
        fixed = program_of(kernel, *code).static_shared_bytes();
    } catch (const UnreadableCode&) {
    }
    if (bytes < 0 || fixed + static_cast<std::uint64_t>(bytes) > shared_bytes_optin) return false;
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    simulator.card(place).dynamic_shared_limits[&kernel] = bytes;
    return true;
}

cudaError_t launch_program(const Kernel& kernel, int place, const LaunchRequest& request) {
    auto launch = std::make_shared<Launch>();
    try {
        launch->code = code_for(kernel, place);
        launch->program = &program_of(kernel, *launch->code);
    } catch (const UnreadableCode& error) {
        Findings::instance().report({interpreter::FindingKind::unreadable_code, kernel.name, error.what()});
        Simulator::instance().card(place).lose();
        return lost_card_error;
    }
    if (!fits(kernel, *launch->program, place, request)) return cudaErrorInvalidValue;
    launch->place = place;
    launch->module_number = kernel.module->number;
    launch->module_name = kernel.module->name();
    launch->shape = {.grid = extent_of(request.grid),
                     .block = extent_of(request.block),
                     .dynamic_shared_bytes = static_cast<std::uint32_t>(request.dynamic_shared_bytes)};
    launch->parameters = copied_arguments(launch->program->kernel(), request.arguments);
    submit(place, request.stream, [launch](bool runs) {
        if (runs) run(*launch);
    });
    return cudaSuccess;
}

}  // namespace simcuda
