#include "cpu/host_budgets.hpp"

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/device_info.hpp>
#include <gpushard/error.hpp>
#include <gpushard/load.hpp>

#include "api/host_memory.hpp"
#include "support/index_writer.hpp"
#include "support/temp_dir.hpp"

namespace gpushard {
namespace {

Bytes free_of(const std::string& specification, std::size_t device = 0) {
    std::vector<DeviceInfo> rig = resolve_devices(specification);
    take_held_budgets(rig);
    return rig.at(device).free_bytes;
}

class HostBudgets : public testing::Test {
protected:
    void SetUp() override {
        // 1.28 MB each.
        test::write_file(folder_ / "a.index",
                         test::flat_index(test::uniform_rows(10'000, 32, 1), Metric::inner_product));
    }

    ShardedIndex load_onto(const std::string& devices) const {
        LoadOptions options;
        options.devices = devices;
        options.plan.max_batch = 20;
        return load(folder_ / "a.index", options);
    }

    test::TempDir folder_;
};

TEST_F(HostBudgets, AreOneForAllLoadsOfAProcess) {
    const std::string budget = "cpu=5000KiB";
    std::optional<ShardedIndex> first = load_onto(budget);
    const Bytes peak = first->plan().devices[0].memory.peak();
    EXPECT_EQ(free_of(budget), 5000_KiB - peak) << "searches of the first keep what they were promised";
    const ShardedIndex second = load_onto(budget);
    EXPECT_EQ(second.plan().devices[0].device.total_bytes, 5000_KiB);
    EXPECT_EQ(second.plan().devices[0].device.free_bytes, 5000_KiB - peak);
    std::optional<ShardedIndex> third;
    while (true) {
        try {
            std::vector<ShardedIndex> more;
            for (int i = 0; i < 9; ++i) more.push_back(load_onto(budget));
            FAIL() << "eleven indexes of 1.28 MB in 5000 KiB";
        } catch (const InsufficientMemory& error) {
            EXPECT_GT(error.short_bytes(), 0u);
            break;
        }
    }
    const std::vector<float> query(32, 0.5F);
    EXPECT_EQ(first->search(query, 10), second.search(query, 10));
    const Bytes with_both = free_of(budget);
    first.reset();
    EXPECT_EQ(free_of(budget), with_both + peak) << "what an index held is free when it is gone";
    EXPECT_EQ(load_onto(budget).count(), 10'000);
}

TEST_F(HostBudgets, DifferByHowTheyAreWrittenAndByTheirOrder) {
    const ShardedIndex first = load_onto("cpu=4001KiB");
    EXPECT_LT(free_of("cpu=4001KiB"), 4001_KiB);
    EXPECT_EQ(free_of("cpu=4002KiB"), 4002_KiB);
    EXPECT_LT(free_of("cpu=4001KiB*3", 0), 4001_KiB);
    EXPECT_EQ(free_of("cpu=4001KiB*3", 1), 4001_KiB);
    EXPECT_EQ(free_of("cpu=4001KiB*3", 2), 4001_KiB);
}

TEST_F(HostBudgets, ARefusedLoadHoldsNothing) {
    EXPECT_THROW(load_onto("cpu=400KiB"), InsufficientMemory);
    EXPECT_EQ(free_of("cpu=400KiB"), 400_KiB);
    // A plan that was made before another load took the memory.
    LoadOptions options;
    options.devices = "cpu=2000KiB";
    const PlacementPlan earlier = plan(folder_ / "a.index", options);
    std::optional<ShardedIndex> other = load_onto("cpu=2000KiB");
    const Bytes left = free_of("cpu=2000KiB");
    EXPECT_THROW(load(earlier), InsufficientMemory);
    EXPECT_EQ(free_of("cpu=2000KiB"), left);
    other.reset();
    EXPECT_EQ(load(earlier).count(), 10'000);
    EXPECT_EQ(free_of("cpu=2000KiB"), 2000_KiB);
}

/// Of loads at the same time no more succeed than the budget has room for.
TEST_F(HostBudgets, AreSharedByLoadsAtTheSameTime) {
    const std::string budget = "cpu=4500KiB";
    std::vector<std::optional<ShardedIndex>> indexes(6);
    std::vector<std::thread> threads;
    for (auto& index : indexes) {
        threads.emplace_back([&] {
            try {
                index = load_onto(budget);
            } catch (const InsufficientMemory&) {
                // Expected of most.
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    Bytes held = 0;
    for (const auto& index : indexes) held += index ? index->plan().devices[0].memory.peak() : 0;
    EXPECT_GT(held, 0u);
    EXPECT_LE(held, 4500_KiB);
    EXPECT_EQ(free_of(budget), 4500_KiB - held);
    indexes.clear();
    EXPECT_EQ(free_of(budget), 4500_KiB);
}

}  // namespace
}  // namespace gpushard
