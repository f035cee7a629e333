#include <gpushard/error.hpp>
#include <gpushard/memory_model.hpp>

#include "contract/backend_contract.hpp"

namespace gpushard::test {
namespace {

std::unique_ptr<Device> make_host(Bytes budget) {
    DeviceInfo info;
    info.spec = "cpu";
    info.name = "host memory";
    info.kind = DeviceKind::cpu;
    info.total_bytes = budget;
    info.free_bytes = budget;
    info.bytes_per_second = 1e10;
    return make_cpu_device(info);
}

ShardMemory host_memory(const ShardSpec& spec) {
    return shard_memory(spec.workload(DeviceKind::cpu), spec.rows.count(), spec.tile);
}

const Backend cpu{.name = "CpuDevice", .make_device = make_host, .plan_memory = host_memory};

INSTANTIATE_TEST_SUITE_P(Cpu, BackendContract, testing::Values(cpu), backend_name);

TEST(CpuDevice, RefusesADeviceThatIsNotTheHost) {
    DeviceInfo card;
    card.spec = "cuda:0";
    card.kind = DeviceKind::cuda;
    card.free_bytes = card.total_bytes = 1_GiB;
    EXPECT_THROW(make_cpu_device(card), InvalidArgument);
}

}  // namespace
}  // namespace gpushard::test
