#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/backend.hpp>
#include <gpushard/error.hpp>
#include <gpushard/load.hpp>
#include <gpushard/report.hpp>

#include "support/errors.hpp"
#include "support/index_writer.hpp"
#include "support/temp_dir.hpp"

namespace gpushard {
namespace {

using test::message_of;
using testing::HasSubstr;

/// One way to spoil a plan, and the field that is named then.
struct Corruption {
    const char* field;
    std::function<void(PlacementPlan&)> spoil;
    bool in_memory_only = false;  ///< a text cannot say it
    bool at_own_devices = true;   ///< also refused where the caller opens the devices
};

template <typename Value>
Value nameless() {
    return static_cast<Value>(77);
}

const std::vector<Corruption>& corruptions() {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    constexpr bool memory_only = true;
    constexpr bool not_at_own = false;
    static const std::vector<Corruption> all = {
        {"index.dim", [](PlacementPlan& plan) { plan.index.dim = 0; }},
        {"index.dim", [](PlacementPlan& plan) { plan.index.dim = -16; }},
        {"index.count", [](PlacementPlan& plan) { plan.index.count = -1; }},
        {"index.count", [](PlacementPlan& plan) { plan.index.count = std::numeric_limits<std::int64_t>::max(); }},
        {"index.payload_bytes", [](PlacementPlan& plan) { plan.index.payload_bytes -= 4; }},
        {"index.bytes", [](PlacementPlan& plan) { plan.index.bytes = 44; }},
        {"index.metric", [](PlacementPlan& plan) { plan.index.metric = nameless<Metric>(); }},
        {"index.metric_arg", [](PlacementPlan& plan) { plan.index.metric_arg = static_cast<float>(nan); }},
        {"index.stored", [](PlacementPlan& plan) { plan.index.stored = nameless<Precision>(); }, memory_only},
        {"index.type", [](PlacementPlan& plan) { plan.index.type = nameless<IndexType>(); }, memory_only},
        {"options.k", [](PlacementPlan& plan) { plan.options.k = 0; }},
        {"options.k", [](PlacementPlan& plan) { plan.options.k = std::int64_t{1} << 40; }},
        {"options.max_batch", [](PlacementPlan& plan) { plan.options.max_batch = 0; }},
        {"options.replicas", [](PlacementPlan& plan) { plan.options.replicas = 0; }},
        {"options.replicas", [](PlacementPlan& plan) { plan.options.replicas = 2; }},
        {"options.min_devices", [](PlacementPlan& plan) { plan.options.min_devices = 0; }},
        {"options.strategy", [](PlacementPlan& plan) { plan.options.strategy = nameless<Strategy>(); }},
        {"options.precision", [](PlacementPlan& plan) { plan.options.precision = nameless<PrecisionChoice>(); }},
        {"precision", [](PlacementPlan& plan) { plan.precision = Precision::f16; }},
        {"precision", [](PlacementPlan& plan) { plan.precision = nameless<Precision>(); }, memory_only},
        {"fingerprint", [](PlacementPlan& plan) { plan.fingerprint = "0123"; }},
        {"devices", [](PlacementPlan& plan) { plan.devices.clear(); }},
        {"devices", [](PlacementPlan& plan) { plan.devices.pop_back(); }},
        {"devices", [](PlacementPlan& plan) { plan.devices.push_back(plan.devices[1]); }},
        {"devices[1].spec", [](PlacementPlan& plan) { plan.devices[1].device.spec.clear(); }},
        {"devices[1].kind", [](PlacementPlan& plan) { plan.devices[1].device.kind = DeviceKind::cuda; }},
        {"devices[1].kind", [](PlacementPlan& plan) { plan.devices[1].device.kind = nameless<DeviceKind>(); }},
        {"devices[1].kind", [](PlacementPlan& plan) { plan.devices[1].device.spec = "cuda:0"; }},
        {"devices[1].kind", [](PlacementPlan& plan) { plan.devices[1].device.spec = "GPU-0123"; }},
        {"devices[1].kind", [](PlacementPlan& plan) { plan.devices[1].device.spec = "A100-40GB"; }},
        {"devices[1].total_bytes", [](PlacementPlan& plan) { plan.devices[1].device.total_bytes = 1_TiB; }},
        {"devices[1].free_bytes", [](PlacementPlan& plan) { plan.devices[1].device.free_bytes = 1_GiB; }},
        {"devices[1].memory_bytes_per_second",
         [](PlacementPlan& plan) { plan.devices[1].device.bytes_per_second = -1; }},
        {"devices[1].memory_bytes_per_second",
         [](PlacementPlan& plan) { plan.devices[1].device.bytes_per_second = nan; }},
        {"devices[1].rows", [](PlacementPlan& plan) { plan.devices[1].rows.begin = -1; }},
        {"devices[1].rows", [](PlacementPlan& plan) { plan.devices[1].rows.end = plan.index.count + 1; }},
        {"devices[1].rows",
         [](PlacementPlan& plan) { std::swap(plan.devices[1].rows.begin, plan.devices[1].rows.end); }},
        {"devices[1].share", [](PlacementPlan& plan) { plan.devices[1].share = -0.25; }},
        {"devices[1].share", [](PlacementPlan& plan) { plan.devices[1].share = nan; }},
        {"devices[1].share",
         [](PlacementPlan& plan) {
             ++plan.devices[1].rows.begin;
             plan.devices[1].share = 1;
         }},
        {"devices[1].group", [](PlacementPlan& plan) { plan.devices[1].group = -1; }},
        {"devices[1].group", [](PlacementPlan& plan) { plan.devices[1].group = 1; }},
        {"devices[1].tile.rows", [](PlacementPlan& plan) { plan.devices[1].tile = {}; }},
        {"devices[1].tile.rows", [](PlacementPlan& plan) { plan.devices[1].tile.rows = -1; }},
        {"devices[1].tile.rows",
         [](PlacementPlan& plan) { plan.devices[1].tile.rows = plan.devices[1].rows.count() + 1; }},
        {"devices[1].tile.queries", [](PlacementPlan& plan) { plan.devices[1].tile.queries = 0; }},
        {"devices[1].tile.queries", [](PlacementPlan& plan) { plan.devices[1].tile.queries = 257; }},
        {"devices[1].resident_bytes", [](PlacementPlan& plan) { plan.devices[1].memory = {}; }, false, not_at_own},
        {"devices[1].resident_bytes", [](PlacementPlan& plan) { --plan.devices[1].memory.resident; }, false,
         not_at_own},
        {"devices[1].fixed_bytes", [](PlacementPlan& plan) { ++plan.devices[1].memory.fixed; }, false, not_at_own},
        {"devices[1].scratch_bytes", [](PlacementPlan& plan) { plan.devices[1].memory.scratch /= 2; }, false,
         not_at_own},
        {"devices[1].peak_bytes", [](PlacementPlan& plan) { plan.devices[1].reserve_bytes = 63_MiB + 768_KiB; }, false,
         not_at_own},
        {"devices[1].peak_bytes", [](PlacementPlan& plan) { plan.devices[1].device.free_bytes = 4_KiB; }, false,
         not_at_own},
        {"spilled", [](PlacementPlan& plan) { plan.spilled = true; }},
        {"host_resident_bytes", [](PlacementPlan& plan) { plan.host_resident_bytes = 0; }, false, not_at_own},
        {"host_search_bytes", [](PlacementPlan& plan) { plan.host_search_bytes = 5; }},
        {"options.replicas",
         [](PlacementPlan& plan) {
             plan.options.strategy = Strategy::replicate;
             plan.options.replicas = 3;
             plan.options.spill_bytes = 1;
         }},
        {"devices",
         [](PlacementPlan& plan) {
             plan.options.strategy = Strategy::replicate;
             plan.options.replicas = 2;
         }},
        {"devices",
         [](PlacementPlan& plan) {
             plan.devices[0].rows = plan.devices[1].rows;
             plan.devices[0].share = plan.devices[1].share;
             plan.devices[0].memory = plan.devices[1].memory;
         }},
    };
    return all;
}

class PlanRules : public testing::Test {
protected:
    void SetUp() override {
        test::write_file(folder_ / "a.index", test::flat_index(test::uniform_rows(2000, 16, 1), Metric::l2));
        LoadOptions options;
        options.devices = "cpu=64MiB*2";
        good_ = plan(folder_ / "a.index", options);
    }

    test::TempDir folder_;
    PlacementPlan good_;
};

TEST_F(PlanRules, AGoodPlanPassesBothDoors) {
    EXPECT_EQ(load(good_).count(), 2000);
    EXPECT_EQ(to_json(plan_from_json(to_json(good_))), to_json(good_));
    PlacementPlan without_answers = good_;
    without_answers.host_search_bytes = 0;
    EXPECT_EQ(load(without_answers).plan().host_search_bytes, good_.host_search_bytes) << "it may be left out";
}

TEST_F(PlanRules, EveryCorruptionIsRefusedAtEveryDoor) {
    ASSERT_GE(corruptions().size(), 50u);
    for (std::size_t i = 0; i < corruptions().size(); ++i) {
        const Corruption& one = corruptions()[i];
        SCOPED_TRACE(std::to_string(i) + ": " + one.field);
        PlacementPlan spoiled = good_;
        one.spoil(spoiled);
        const std::string in_memory = message_of<InvalidArgument>([&] { load(spoiled); });
        EXPECT_EQ(in_memory.rfind("plan: " + std::string(one.field) + " is ", 0), 0u) << in_memory;
        EXPECT_THAT(in_memory, HasSubstr(", expected "));
        if (one.at_own_devices) {
            std::vector<std::shared_ptr<Device>> devices;
            for (std::size_t d = 0; d < spoiled.devices.size(); ++d)
                devices.push_back(make_cpu_device(good_.devices[0].device));
            EXPECT_THROW(load(spoiled, open_file(folder_ / "a.index"), devices), InvalidArgument);
        }
        if (one.in_memory_only) continue;
        std::string text;
        try {
            text = to_json(spoiled);
        } catch (const std::exception&) {
            continue;  // cannot even be written
        }
        EXPECT_THROW(plan_from_json(text, "edited.json"), BadFile) << text;
    }
}

/// Devices of the caller keep their own books, but those of gpushard do not trust what they are granted.
TEST_F(PlanRules, ADeviceRefusesLessMemoryThanItsShardTakes) {
    const std::vector<std::function<void(ShardMemory&)>> cuts = {
        [](ShardMemory& memory) { memory = {}; },
        [](ShardMemory& memory) { --memory.resident; },
        [](ShardMemory& memory) { --memory.scratch; },
    };
    for (const auto& cut : cuts) {
        PlacementPlan spoiled = good_;
        cut(spoiled.devices[1].memory);
        std::vector<std::shared_ptr<Device>> devices;
        for (const ShardPlacement& placement : good_.devices) devices.push_back(make_cpu_device(placement.device));
        EXPECT_THAT(message_of<InvalidArgument>([&] { load(spoiled, open_file(folder_ / "a.index"), devices); }),
                    HasSubstr("the plan grants"));
    }
}

}  // namespace
}  // namespace gpushard
