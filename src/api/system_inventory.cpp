#include <gpushard/device_info.hpp>
#include <gpushard/error.hpp>

#include "api/cards.hpp"
#include "device/host_memory_probe.hpp"

namespace gpushard {
namespace {

/// What two channels of server memory sustain. Assumed, not measured: it only weighs the host against cards, which
/// are one or two orders of magnitude faster.
constexpr double assumed_host_bytes_per_second = 25e9;

class SystemInventory final : public DeviceInventory {
public:
    std::string default_specification() const override { return cuda_is_compiled_in() ? "cuda:all" : "cpu"; }

    std::vector<DeviceInfo> cards() const override { return list_cards(); }

    DeviceInfo host() const override {
        const HostMemory memory = HostMemoryProbe().measure();
        if (!memory.problem.empty()) {
            throw DeviceError("cpu", "cpu: how much memory the host has is unknown: " + memory.problem,
                              {memory.remedy});
        }
        DeviceInfo host;
        host.spec = "cpu";
        host.name = "host memory";
        host.kind = DeviceKind::cpu;
        host.total_bytes = memory.total;
        host.free_bytes = memory.available;
        host.bytes_per_second = assumed_host_bytes_per_second;
        return host;
    }
};

}  // namespace

DeviceInfo measure_context(const DeviceInfo& card) {
    if (card.kind != DeviceKind::cuda || card.planning_only) {
        throw DeviceError(card.spec, card.spec + " is no card of this machine, so it has no context to measure");
    }
    return measure_card(card);
}

const DeviceInventory& system_inventory() {
    static const SystemInventory inventory;
    return inventory;
}

}  // namespace gpushard
