#include "interpreter/program.hpp"

#include <bit>
#include <cstring>

#include "interpreter/code.hpp"
#include "interpreter/decoder.hpp"
#include "interpreter/launch.hpp"
#include "interpreter/warp.hpp"

namespace simcuda::interpreter {
namespace {

/// Fills in what is the same for all threads of the launch.
void set_launch_constants(Launch& launch, const Program::VariableAddress& variable_address) {
    using Source = LaunchConstant::Source;
    const auto value_of = [&](const LaunchConstant& constant) -> std::uint64_t {
        switch (constant.source) {
            case Source::parameter: {
                std::uint64_t bits = 0;
                const std::uint32_t bytes = ptx::bytes_of(constant.type);
                std::memcpy(&bits, launch.parameters + constant.offset, bytes);
                const unsigned unused = 64 - 8 * bytes;
                switch (constant.type) {
                    case ptx::Type::s8:
                    case ptx::Type::s16:
                    case ptx::Type::s32:
                        return static_cast<std::uint64_t>(static_cast<std::int64_t>(bits << unused) >> unused);
                    default:
                        return bits;
                }
            }
            case Source::variable:
                return variable_address(constant.name) + constant.offset;
            case Source::grid_x:
                return launch.shape.grid.x;
            case Source::grid_y:
                return launch.shape.grid.y;
            case Source::grid_z:
                return launch.shape.grid.z;
            case Source::block_x:
                return launch.shape.block.x;
            case Source::block_y:
                return launch.shape.block.y;
            case Source::block_z:
                return launch.shape.block.z;
        }
        return 0;
    };
    for (const LaunchConstant& constant : launch.code.launch_constants) {
        const std::uint64_t value = value_of(constant);
        if (constant.bytes == 8) {
            launch.set_constant(constant.place, value);
        } else if (constant.bytes == 4) {
            launch.set_constant(constant.place, static_cast<std::uint32_t>(value));
        } else {
            launch.set_constant(constant.place, static_cast<std::uint16_t>(value));
        }
    }
    const SpecialPlaces& special = launch.code.special;
    launch.set_constant(special.warps, static_cast<std::uint32_t>((launch.shape.block.count() + 31) / 32));
    launch.set_constant(special.dynamic_shared, launch.shape.dynamic_shared_bytes);
    launch.set_constant(special.total_shared, launch.shared.size());
}

/// The warps of one block after the other.
class Blocks {
public:
    explicit Blocks(Launch& launch) : launch_(launch) {
        constexpr auto lanes = static_cast<std::uint32_t>(warp_size);
        const auto threads = static_cast<std::uint32_t>(launch.shape.block.count());
        for (std::uint32_t first = 0; first < threads; first += lanes) {
            warps_.emplace_back(launch, first / lanes, std::min(lanes, threads - first));
        }
    }

    void run() {
        const Extent& grid = launch_.shape.grid;
        std::uint32_t number = 0;
        for (launch_.block.z = 0; launch_.block.z < grid.z; ++launch_.block.z) {
            for (launch_.block.y = 0; launch_.block.y < grid.y; ++launch_.block.y) {
                for (launch_.block.x = 0; launch_.block.x < grid.x; ++launch_.block.x) {
                    run_block(number++);
                    if (launch_.stopped) return;
                }
            }
        }
    }

private:
    void run_block(std::uint32_t number) {
        const SpecialPlaces& special = launch_.code.special;
        launch_.set_constant(special.block[0], launch_.block.x);
        launch_.set_constant(special.block[1], launch_.block.y);
        launch_.set_constant(special.block[2], launch_.block.z);
        launch_.set_constant(special.clock, number);
        launch_.shared.begin_block();
        for (Warp& warp : warps_) warp.begin_block();
        while (!launch_.stopped) {
            bool ran = false;
            for (Warp& warp : warps_) {
                if (!warp.can_run()) continue;
                warp.run();
                ran = true;
                if (launch_.stopped) return;
            }
            if (!ran && !release_barriers()) break;
        }
        report_waiting();
    }

    /// Lets go whom a barrier has held until all came. False when there was none.
    bool release_barriers() {
        std::uint32_t alive = 0;
        for (const Warp& warp : warps_) alive += static_cast<std::uint32_t>(std::popcount(warp.alive()));
        bool released = false;
        for (std::uint32_t barrier = 0; barrier < barrier_count; ++barrier) {
            std::uint32_t waiting = 0;
            std::uint32_t expected = 0;
            for (const Warp& warp : warps_) {
                if (warp.waiting_at(barrier) == 0) continue;
                waiting += static_cast<std::uint32_t>(std::popcount(warp.waiting_at(barrier)));
                expected = std::max(expected, warp.expected_at(barrier));
            }
            if (waiting == 0 || waiting < (expected == 0 ? alive : expected)) continue;
            for (Warp& warp : warps_) {
                if (warp.is_split_at(barrier)) {
                    launch_.report(FindingKind::divergent_barrier, warp.first_waiting(),
                                   "threads of one warp wait at one barrier in different places");
                }
                warp.release(barrier);
            }
            launch_.shared.pass_barrier();
            released = true;
        }
        return released;
    }

    void report_waiting() {
        for (const Warp& warp : warps_) {
            if (launch_.stopped || warp.alive() == 0) continue;
            launch_.report(FindingKind::divergent_barrier, warp.first_waiting(),
                           "waits for threads that never come here");
        }
    }

    Launch& launch_;
    std::vector<Warp> warps_;
};

}  // namespace

Program::Program(const ptx::Kernel& kernel, const std::vector<ptx::Variable>& module_variables)
    : code_(decode(kernel, module_variables)) {}

Program::~Program() = default;

const ptx::Kernel& Program::kernel() const { return *code_->kernel; }

std::vector<std::string> Program::unknown_instructions() const { return code_->unknown; }

std::uint32_t Program::static_shared_bytes() const { return code_->static_shared_bytes; }

bool Program::run(const LaunchShape& shape, const std::byte* parameters, const VariableAddress& variable_address,
                  GlobalMemory& memory, FindingSink& findings, Traffic& traffic) const {
    Launch launch(*code_, shape, parameters, memory, findings, traffic);
    set_launch_constants(launch, variable_address);
    Blocks(launch).run();
    return !launch.stopped;
}

}  // namespace simcuda::interpreter
