#include <gpushard/cuda/cuda_device.hpp>
#include <gpushard/memory_model.hpp>

#include "contract/backend_contract.hpp"
#include "contract/rig_device.hpp"
#include "support/simulated_cards.hpp"

namespace gpushard::test {
namespace {

std::unique_ptr<Device> make_card(const std::string& spec, Bytes budget) {
    DeviceInfo info;
    info.spec = spec;
    info.name = "a card";
    info.kind = DeviceKind::cuda;
    info.total_bytes = budget;
    info.free_bytes = budget;
    info.bytes_per_second = 1e12;
    return make_cuda_device(info);
}

std::unique_ptr<Device> make_host(Bytes budget) {
    DeviceInfo info;
    info.spec = "cpu";
    info.name = "host memory";
    info.kind = DeviceKind::cpu;
    info.total_bytes = info.free_bytes = budget;
    return make_cpu_device(info);
}

ShardMemory plan_part(const Device& device, const ShardSpec& spec) {
    return shard_memory(spec.workload(device.info().kind), spec.rows.count(), spec.tile);
}

using Parts = std::vector<std::unique_ptr<Device>>;

std::unique_ptr<RigDevice> make_rig(Parts parts, Bytes budget) {
    return std::make_unique<RigDevice>(std::move(parts), plan_part, budget);
}

std::unique_ptr<RigDevice> four_on_one_card(Bytes budget) {
    Parts parts;
    for (int i = 0; i < 4; ++i) parts.push_back(make_card("cuda:0=" + format_bytes(budget), budget));
    return make_rig(std::move(parts), budget);
}

std::unique_ptr<RigDevice> four_cards(Bytes budget) {
    Parts parts;
    for (int i = 0; i < 4; ++i) parts.push_back(make_card("cuda:" + std::to_string(i), budget));
    return make_rig(std::move(parts), budget);
}

std::unique_ptr<RigDevice> card_and_host(Bytes budget) {
    Parts parts;
    parts.push_back(make_card("cuda:0", budget));
    parts.push_back(make_host(budget));
    return make_rig(std::move(parts), budget);
}

/// Simulated cards are typed anew for each test; of real ones there may be fewer.
template <int cards>
std::string missing_cards() {
    if (simulated_cards_are_there()) {
        set_simulated_cards("4x4GiB");
        return "";
    }
    int visible = 0;
    if (cudaGetDeviceCount(&visible) != cudaSuccess) visible = 0;
    return visible >= cards ? ""
                            : "this machine has " + std::to_string(visible) + " cards, not " + std::to_string(cards);
}

template <int cards, std::unique_ptr<RigDevice> (*make)(Bytes)>
Backend rig_backend(const std::string& name) {
    return {.name = name,
            .make_device = make,
            .plan_memory = [](const ShardSpec& spec) { return make(1_GiB)->planned_memory(spec); },
            .computes = cards_compute,
            .missing = missing_cards<cards>};
}

std::vector<Backend> backends() {
    return {{.name = "Cuda0",
             .make_device = [](Bytes budget) { return make_card("cuda:0", budget); },
             .plan_memory =
                 [](const ShardSpec& spec) {
                     return shard_memory(spec.workload(DeviceKind::cuda), spec.rows.count(), spec.tile);
                 },
             .computes = cards_compute,
             .missing = missing_cards<1>},
            rig_backend<1, four_on_one_card>("FourLogicalDevicesOnOneCard"),
            rig_backend<4, four_cards>("FourCards"),
            rig_backend<1, card_and_host>("CardAndHost")};
}

INSTANTIATE_TEST_SUITE_P(Cuda, BackendContract, testing::ValuesIn(backends()), backend_name);

}  // namespace
}  // namespace gpushard::test
