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

template <int logical_devices>
std::unique_ptr<RigDevice> on_one_card(Bytes budget) {
    Parts parts;
    for (int i = 0; i < logical_devices; ++i) parts.push_back(make_card("cuda:0=" + format_bytes(budget), budget));
    return make_rig(std::move(parts), budget);
}

std::unique_ptr<RigDevice> four_cards(Bytes budget) {
    Parts parts;
    for (int i = 0; i < 4; ++i) parts.push_back(make_card("cuda:" + std::to_string(i), budget));
    return make_rig(std::move(parts), budget);
}

std::unique_ptr<RigDevice> four_unequal_cards(Bytes budget) {
    Parts parts;
    for (const int times : {3, 1, 4, 2}) {
        parts.push_back(make_card("cuda:" + std::to_string(parts.size()), budget * static_cast<Bytes>(times)));
    }
    return make_rig(std::move(parts), budget);
}

std::unique_ptr<RigDevice> card_and_host(Bytes budget) {
    Parts parts;
    parts.push_back(make_card("cuda:0", budget));
    parts.push_back(make_host(budget));
    return make_rig(std::move(parts), budget);
}

/// Simulated cards are typed anew for each test; of real ones there may be fewer.
std::string missing_cards(int cards, const std::string& rig = "4x4GiB") {
    if (simulated_cards_are_there()) {
        set_simulated_cards(rig);
        return "";
    }
    int visible = 0;
    if (cudaGetDeviceCount(&visible) != cudaSuccess) visible = 0;
    return visible >= cards ? ""
                            : "this machine has " + std::to_string(visible) + " cards, not " + std::to_string(cards);
}

Backend rig_backend(const std::string& name, std::unique_ptr<RigDevice> (*make)(Bytes),
                    std::function<std::string()> missing) {
    return {.name = name,
            .make_device = make,
            .plan_memory = [make](const ShardSpec& spec) { return make(1_GiB)->planned_memory(spec); },
            .computes = cards_compute,
            .missing = std::move(missing)};
}

std::vector<Backend> backends() {
    const auto one_card = [] { return missing_cards(1); };
    return {{.name = "Cuda0",
             .make_device = [](Bytes budget) { return make_card("cuda:0", budget); },
             .plan_memory =
                 [](const ShardSpec& spec) {
                     return shard_memory(spec.workload(DeviceKind::cuda), spec.rows.count(), spec.tile);
                 },
             .computes = cards_compute,
             .missing = one_card},
            rig_backend("FourLogicalDevicesOnOneCard", on_one_card<4>, one_card),
            rig_backend("EightLogicalDevicesOnOneCard", on_one_card<8>, one_card),
            rig_backend("FourCards", four_cards, [] { return missing_cards(4); }),
            rig_backend("FourUnequalCards", four_unequal_cards, [] { return missing_cards(4, "3GiB,1GiB,4GiB,2GiB"); }),
            rig_backend("CardAndHost", card_and_host, one_card)};
}

INSTANTIATE_TEST_SUITE_P(Cuda, BackendContract, testing::ValuesIn(backends()), backend_name);

}  // namespace
}  // namespace gpushard::test
