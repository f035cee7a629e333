#include "api/host_memory.hpp"

#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/error.hpp>

namespace gpushard {
namespace {

DeviceInfo device(DeviceKind kind, Bytes free) {
    DeviceInfo info;
    info.kind = kind;
    info.spec = kind == DeviceKind::cpu ? "cpu=1PiB" : "cuda:0";
    info.total_bytes = info.free_bytes = free;
    return info;
}

constexpr Bytes more_than_any_host = 1024_TiB;

TEST(HostMemory, ChecksDevicesOnTheHostWithTheStagingTogether) {
    const Bytes free = system_inventory().host().free_bytes;
    PlacementPlan plan;
    plan.devices.resize(2);
    for (ShardPlacement& shard : plan.devices) {
        shard.device = device(DeviceKind::cpu, free);
        shard.rows = {0, 1};
        shard.memory.resident = free / 4;
    }
    EXPECT_NO_THROW(HostClaim{plan});
    plan.host_staging_bytes = more_than_any_host;
    EXPECT_THROW(HostClaim{plan}, InsufficientMemory);
    plan.host_staging_bytes = 0;
    plan.host_search_bytes = more_than_any_host;
    EXPECT_THROW(HostClaim{plan}, InsufficientMemory) << "answers that wait count, too";
    for (ShardPlacement& shard : plan.devices) shard.device.kind = DeviceKind::cuda;
    EXPECT_NO_THROW(HostClaim{plan}) << "cards do not compete for it";
}

TEST(HostMemory, IsNotPromisedTwiceToLoadsAtTheSameTime) {
    PlacementPlan plan;
    plan.devices.resize(1);
    plan.devices[0].device = device(DeviceKind::cpu, more_than_any_host);
    plan.devices[0].rows = {0, 1};
    plan.devices[0].memory.resident = system_inventory().host().free_bytes / 10 * 6;
    {
        std::optional<HostClaim> first(plan);
        EXPECT_THROW(HostClaim{plan}, InsufficientMemory);
        first.reset();
        first.emplace(plan);
        plan.devices[0].memory.resident /= 4;
        const HostClaim small(plan);
        first->loaded();
        first.reset();
        plan.devices[0].memory.resident *= 4;
        EXPECT_THROW(HostClaim{plan}, InsufficientMemory) << "what was loaded stays taken";
    }
    EXPECT_NO_THROW(HostClaim{plan}) << "no load is under way: what the system says counts";
}

TEST(HostMemory, CapsWhatIsPromisedAllAlike) {
    std::vector<DeviceInfo> rig = {device(DeviceKind::cpu, more_than_any_host), device(DeviceKind::cuda, 80_GiB),
                                   device(DeviceKind::cpu, 3 * more_than_any_host)};
    PlanOptions options;
    options.spill_bytes = more_than_any_host;
    options.staging_bytes = 64_MiB;
    cap_host_memory(rig, options);
    const Bytes promised = rig[0].free_bytes + rig[2].free_bytes + options.spill_bytes;
    const Bytes free = system_inventory().host().free_bytes;
    EXPECT_GT(promised, free / 2);
    EXPECT_LT(promised, free + free / 4) << "what other processes took or gave back meanwhile";
    EXPECT_EQ(rig[0].free_bytes, options.spill_bytes);
    EXPECT_NEAR(static_cast<double>(rig[2].free_bytes), 3.0 * static_cast<double>(rig[0].free_bytes), 4);
    EXPECT_EQ(rig[1].free_bytes, 80_GiB);
}

TEST(HostMemory, LeavesAloneWhatThereIsMemoryFor) {
    std::vector<DeviceInfo> rig = {device(DeviceKind::cpu, 1_MiB)};
    PlanOptions options;
    options.spill_bytes = 2_MiB;
    options.staging_bytes = 1_MiB;
    cap_host_memory(rig, options);
    EXPECT_EQ(rig[0].free_bytes, 1_MiB);
    EXPECT_EQ(options.spill_bytes, 2_MiB);
}

TEST(HostMemory, OffersNoSpillThatTheHostCannotHold) {
    InsufficientMemory refusal("too small", 7, {{"cuda:0", 3, 2, 1}},
                               {{"half", "--precision f16", 1, 1},
                                {"rest on the host", "--spill 1MiB", 1, 1},
                                {"rest on the host", "--spill 1048576GiB", 1, 1}},
                               {{"file", std::string("x")}});
    refusal.add_hint("a hint");
    const InsufficientMemory within = within_host_memory(refusal);
    ASSERT_EQ(within.alternatives().size(), 2u);
    EXPECT_EQ(within.alternatives()[1].flags, "--spill 1MiB");
    EXPECT_STREQ(within.what(), "too small");
    EXPECT_EQ(within.short_bytes(), 7u);
    EXPECT_EQ(within.devices().size(), 1u);
    EXPECT_EQ(within.fields().size(), 1u);
    EXPECT_THAT(within.hints(), testing::ElementsAre("a hint"));
}

}  // namespace
}  // namespace gpushard
