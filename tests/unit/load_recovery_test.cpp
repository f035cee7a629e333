#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <latch>
#include <new>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <type_traits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/error.hpp>
#include <gpushard/index_inspector.hpp>
#include <gpushard/load.hpp>
#include <gpushard/log.hpp>
#include <gpushard/placement_planner.hpp>

#include "load/recovery_text.hpp"
#include "load/staging_pool.hpp"
#include "support/errors.hpp"
#include "support/fake_device.hpp"
#include "support/index_writer.hpp"
#include "support/reference_search.hpp"
#include "support/test_sources.hpp"

namespace gpushard {
namespace {

using test::FakeDevice;
using test::flat_index;
using test::HookedSource;
using test::message_of;
using test::Rows;
using test::uniform_rows;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr Bytes header_bytes = 45;

/// Fake devices and an index that is planned for them.
class LoadRecovery : public testing::Test {
protected:
    void make_devices(const std::vector<Bytes>& budgets) {
        fakes.clear();
        devices.clear();
        rig.clear();
        for (const Bytes budget : budgets) {
            fakes.push_back(std::make_shared<FakeDevice>("fake:" + std::to_string(fakes.size()), budget));
            devices.push_back(fakes.back());
            rig.push_back(fakes.back()->info());
        }
    }

    PlacementPlan planned() const { return plan_placement(inspect_index(*source), rig, plan_options); }

    ShardedIndex loaded(const PlacementPlan& plan) const { return load(plan, source, devices, options); }
    ShardedIndex loaded() const { return loaded(planned()); }

    void expect_right_answers(const ShardedIndex& index) const {
        const Rows queries = uniform_rows(5, rows.dim, 99);
        const SearchResult found = index.search(5, queries.values.data(), 10);
        for (std::int64_t q = 0; q < 5; ++q) {
            EXPECT_EQ(
                test::wrong_in_answer(rows, {0, rows.count}, Metric::inner_product, Precision::f32, queries.row(q), 10,
                                      found.distances.data() + q * 10, found.ids.data() + q * 10),
                "");
        }
    }

    /// Whole, in the plan that it says, and nothing above it.
    void expect_whole(const ShardedIndex& index) const {
        std::int64_t placed = 0;
        for (std::size_t i = 0; i < index.plan().devices.size(); ++i) {
            const ShardPlacement& shard = index.plan().devices[i];
            const LoadReport::PerDevice& measured = index.load_report().devices.at(i);
            placed += shard.rows.count();
            EXPECT_EQ(measured.spec, shard.device.spec);
            EXPECT_EQ(measured.measured_resident_bytes, shard.memory.resident);
            EXPECT_EQ(measured.measured_peak_bytes, shard.memory.load_peak());
            EXPECT_LE(index.peak_bytes()[i], shard.memory.peak());
        }
        EXPECT_EQ(placed, rows.count);
        expect_right_answers(index);
    }

    void expect_all_free() const {
        for (const auto& fake : fakes) EXPECT_EQ(fake->free_bytes(), fake->info().total_bytes);
    }

    /// After a load that failed.
    void expect_next_load_works() {
        for (const auto& fake : fakes) {
            fake->set_faults({});
            fake->set_taken_by_others(0);
        }
        expect_all_free();
        EXPECT_THAT(loaded().load_report().recovery, IsEmpty());
        expect_all_free();
    }

    static std::vector<std::int64_t> rows_of(const ShardedIndex& index) {
        std::vector<std::int64_t> counts;
        for (const ShardPlacement& shard : index.plan().devices) counts.push_back(shard.rows.count());
        return counts;
    }

    LoadRecovery() {
        plan_options.reserve_bytes = 0;
        plan_options.max_batch = 32;
        options.may_replan = true;
        set_log_callback([](LogLevel, std::string_view) {});
    }
    ~LoadRecovery() override { set_log_callback({}); }

    Rows rows = uniform_rows(6000, 32, 1);
    std::string bytes = flat_index(rows, Metric::inner_product);
    std::shared_ptr<ByteSource> source = view_memory(bytes.data(), bytes.size());
    std::vector<std::shared_ptr<FakeDevice>> fakes;
    std::vector<std::shared_ptr<Device>> devices;
    std::vector<DeviceInfo> rig;
    PlanOptions plan_options;
    LoadOptions options;
};

TEST_F(LoadRecovery, ALoadWithoutTroubleRecordsNothing) {
    make_devices({8_MiB, 8_MiB});
    const ShardedIndex index = loaded();
    EXPECT_THAT(index.load_report().recovery, IsEmpty());
    expect_whole(index);
}

/// Throws each kind of exception and tells whether `caught` is the one that was thrown.
struct CallbackException {
    std::string name;
    std::function<void()> raise;
    std::function<bool(const std::exception_ptr&)> is_it;
};

template <typename Thrown>
CallbackException callback_exception(const std::string& name, Thrown thrown) {
    const auto is_it = [](const std::exception_ptr& caught) {
        try {
            std::rethrow_exception(caught);
        } catch (const Thrown& found) {
            if constexpr (std::is_base_of_v<Error, Thrown>) {
                return found.what() == std::string("from the callback") && found.hints().empty();
            }
            return true;
        } catch (...) {
            return false;
        }
    };
    return {name, [thrown] { throw thrown; }, is_it};
}

std::vector<CallbackException> callback_exceptions() {
    const std::string what = "from the callback";
    return {callback_exception("DeviceError", DeviceError("fake:1", what)),
            callback_exception("InsufficientMemory", InsufficientMemory(what, 1)),
            callback_exception("InsufficientMemory of staging",
                               InsufficientMemory(what, 1, {}, {}, {{"device", std::string("host")}})),
            callback_exception("BadFile", BadFile(what)),
            callback_exception("Cancelled", Cancelled(what)),
            callback_exception("InvalidArgument", InvalidArgument(what)),
            callback_exception("runtime_error", std::runtime_error(what)),
            callback_exception("bad_alloc", std::bad_alloc()),
            callback_exception("an int", 42)};
}

// Once while rows are read, from the thread that waits, and once at the very end.
TEST_F(LoadRecovery, WhatTheProgressCallbackThrowsGivesTheLoadUpAsItWasThrown) {
    make_devices({8_MiB, 8_MiB, 8_MiB});
    options.progress_interval = std::chrono::milliseconds(1);
    int cases = 0;
    for (const CallbackException& thrown : callback_exceptions()) {
        for (const bool at_the_end : {false, true}) {
            for (const bool device_fails_too : {false, true}) {
                if (at_the_end && device_fails_too) continue;
                SCOPED_TRACE(thrown.name + (at_the_end ? ", at the end" : "") +
                             (device_fails_too ? ", and a device fails" : ""));
                std::latch called(1);
                int calls = 0;
                options.on_progress = [&](const LoadProgress& progress) {
                    if (at_the_end && progress.loaded_bytes < progress.total_bytes) return;
                    ++calls;
                    called.count_down();
                    thrown.raise();
                };
                if (!at_the_end) {
                    fakes[1]->set_faults({.before_block = [&](std::int64_t) {
                        called.wait();
                        if (device_fails_too) throw DeviceError("fake:1", "fake:1: injected");
                    }});
                }
                std::exception_ptr caught;
                try {
                    loaded();
                } catch (...) {
                    caught = std::current_exception();
                }
                ASSERT_NE(caught, nullptr);
                EXPECT_TRUE(thrown.is_it(caught));
                EXPECT_EQ(calls, 1);
                ++cases;
                options.on_progress = nullptr;
                expect_next_load_works();
            }
        }
    }
    EXPECT_EQ(cases, 27);
}

TEST_F(LoadRecovery, EveryAllocationMayFailOnce) {
    int failures = 0;
    for (const std::size_t count : {1, 2, 4}) {
        make_devices(std::vector<Bytes>(count, 8_MiB));
        for (std::size_t device = 0; device < count; ++device) {
            for (std::int64_t k = 0;; ++k) {
                SCOPED_TRACE("device " + std::to_string(device) + ", allocation " + std::to_string(k));
                fakes[device]->set_faults({.failing_allocation = k});
                const PlacementPlan plan = planned();
                const Bytes read_before = source->bytes_read();
                const ShardedIndex index = loaded(plan);
                fakes[device]->set_faults({});
                expect_whole(index);
                const LoadReport& report = index.load_report();
                EXPECT_EQ(report.file_bytes_read, source->bytes_read() - read_before);
                if (report.recovery.empty()) {
                    ASSERT_EQ(k, 2) << "two allocations for each shard";
                    EXPECT_EQ(report.file_bytes_read, bytes.size());
                    break;
                }
                ++failures;
                EXPECT_EQ(report.file_bytes_read, bytes.size() + header_bytes) << "the failure cost reading";
                EXPECT_THAT(report.recovery, ElementsAre(AllOf(HasSubstr("fake:" + std::to_string(device)),
                                                               HasSubstr("wanted"), HasSubstr("tried again"))));
            }
        }
    }
    EXPECT_EQ(failures, 2 * (1 + 2 + 4));
    expect_all_free();
}

TEST_F(LoadRecovery, ADeviceThatFailsEveryAllocationLeavesItsRowsToTheOthers) {
    for (const std::size_t count : {2, 4}) {
        make_devices(std::vector<Bytes>(count, 8_MiB));
        for (std::size_t device = 0; device < count; ++device) {
            for (const std::int64_t k : {0, 1}) {
                SCOPED_TRACE("device " + std::to_string(device) + ", allocation " + std::to_string(k));
                fakes[device]->set_faults({.failing_allocation = k, .persists = true});
                const ShardedIndex index = loaded();
                expect_whole(index);
                EXPECT_EQ(rows_of(index)[device], 0);
                EXPECT_EQ(index.plan().used_devices(), static_cast<int>(count) - 1);
                const std::string name = "fake:" + std::to_string(device);
                EXPECT_THAT(index.load_report().recovery,
                            ElementsAre(AllOf(HasSubstr(name), HasSubstr("tried again")),
                                        AllOf(HasSubstr("planned again without " + name),
                                              HasSubstr(count == 2 ? "50 % of the rows moved to fake:"
                                                                   : "25 % of the rows moved to fake:"))));
            }
            expect_next_load_works();
        }
    }
}

TEST_F(LoadRecovery, WhereNothingElseHoldsTheRowsTheDeviceThatRefusedIsNamed) {
    for (const std::vector<Bytes>& budgets : {std::vector<Bytes>{8_MiB}, {8_MiB, 1_KiB}}) {
        make_devices(budgets);
        for (const std::int64_t k : {0, 1}) {
            fakes[0]->set_faults({.failing_allocation = k, .persists = true});
            const PlacementPlan plan = planned();
            try {
                loaded(plan);
                FAIL();
            } catch (const InsufficientMemory& error) {
                EXPECT_THAT(error.what(),
                            AllOf(HasSubstr("fake:0: "), HasSubstr(" wanted"), HasSubstr(" free"), HasSubstr(" held")));
                EXPECT_THAT(error.hints(),
                            Contains(AllOf(HasSubstr("the other devices cannot take its rows: "), HasSubstr("short"))));
                EXPECT_THAT(error.hints(), Contains(HasSubstr("was tried: fake:0")));
            }
            expect_next_load_works();
        }
    }
}

TEST_F(LoadRecovery, WhatWasTakenBeforeTheLoadMovesRows) {
    make_devices({8_MiB, 8_MiB, 8_MiB});
    const PlacementPlan plan = planned();
    fakes[1]->set_taken_by_others(8_MiB - plan.devices[1].memory.peak() + 1);
    const ShardedIndex index = loaded(plan);
    expect_whole(index);
    EXPECT_EQ(index.plan().devices[1].device.free_bytes, plan.devices[1].memory.peak() - 1);
    EXPECT_THAT(index.load_report().recovery,
                ElementsAre(AllOf(HasSubstr("fake:1 had " + format_bytes(plan.devices[1].memory.peak() - 1)),
                                  HasSubstr(" free where " + format_bytes(plan.devices[1].memory.peak()) +
                                            " were planned; planned again: "))));
}

TEST_F(LoadRecovery, WhatIsTakenWhileTheLoadAllocatesMovesRows) {
    for (const std::int64_t k : {0, 1}) {
        make_devices({8_MiB, 8_MiB, 8_MiB});
        const auto taken = [&](std::int64_t allocation) {
            if (allocation == k) fakes[1]->set_taken_by_others(7_MiB + 900_KiB);
        };
        fakes[1]->set_faults({.before_allocation = taken});
        const ShardedIndex index = loaded();
        expect_whole(index);
        EXPECT_EQ(index.load_report().file_bytes_read, bytes.size() + header_bytes) << "it cost reading";
        EXPECT_LT(rows_of(index)[1], 2000);
        EXPECT_GT(rows_of(index)[0], 2000);
        EXPECT_GT(rows_of(index)[2], 2000);
        EXPECT_THAT(index.load_report().recovery,
                    ElementsAre(AllOf(HasSubstr("fake:1 had 124.0 KiB free where "),
                                      HasSubstr("of the rows moved to fake:0 and fake:2"))));
    }
}

TEST_F(LoadRecovery, RowsMoveToADeviceThatHadNone) {
    plan_options.strategy = Strategy::fewest;
    make_devices({8_MiB, 7_MiB, 6_MiB});
    const PlacementPlan plan = planned();
    ASSERT_EQ(plan.used_devices(), 1);
    fakes[0]->set_taken_by_others(8_MiB);
    const ShardedIndex index = loaded(plan);
    expect_whole(index);
    EXPECT_THAT(rows_of(index), ElementsAre(0, 6000, 0));
    EXPECT_THAT(index.load_report().recovery, ElementsAre(HasSubstr("100 % of the rows moved to fake:1")));
}

TEST_F(LoadRecovery, SearchTilesShrinkWhereThatIsEnough) {
    plan_options.max_batch = 512;
    make_devices({64_MiB});
    const PlacementPlan plan = planned();
    fakes[0]->set_taken_by_others(64_MiB - plan.devices[0].memory.peak() / 2);
    const ShardedIndex index = loaded(plan);
    expect_whole(index);
    EXPECT_NE(index.plan().devices[0].tile, plan.devices[0].tile);
    EXPECT_THAT(index.load_report().recovery, ElementsAre(HasSubstr("the same rows, searched in other tiles")));
}

TEST_F(LoadRecovery, WhatNoLongerFitsIsRefusedWithWhatIsFreeNow) {
    make_devices({8_MiB, 8_MiB});
    for (const auto& fake : fakes) fake->set_taken_by_others(8_MiB - 100_KiB);
    try {
        loaded();
        FAIL();
    } catch (const InsufficientMemory& error) {
        ASSERT_EQ(error.devices().size(), 2u);
        for (const DeviceShortfall& device : error.devices()) EXPECT_EQ(device.usable_bytes, 100_KiB);
        EXPECT_THAT(error.hints(), ElementsAre(HasSubstr("at first the load failed: fake:0 has 100.0 KiB free")));
        const auto offers_spill = [](const Alternative& offer) { return offer.flags.starts_with("--spill"); };
        EXPECT_TRUE(std::any_of(error.alternatives().begin(), error.alternatives().end(), offers_spill));
    }
    expect_next_load_works();
}

TEST_F(LoadRecovery, WhatIsShortSpillsToTheHostWhereThatIsAllowed) {
    plan_options.spill_bytes = 4_MiB;
    make_devices({8_MiB, 8_MiB});
    const PlacementPlan plan = planned();
    ASSERT_FALSE(plan.spilled);
    for (const auto& fake : fakes) fake->set_taken_by_others(8_MiB - 400_KiB);
    const ShardedIndex index = loaded(plan);
    expect_whole(index);
    EXPECT_TRUE(index.plan().spilled);
    ASSERT_EQ(index.plan().devices.size(), 3u);
    EXPECT_GT(rows_of(index)[0], 0);
    EXPECT_GT(rows_of(index)[2], 0);
    EXPECT_THAT(index.load_report().recovery, ElementsAre(HasSubstr("of the rows moved to cpu=4MiB")));
}

TEST_F(LoadRecovery, ASpillThatWasPlannedGrows) {
    plan_options.spill_bytes = 4_MiB;
    make_devices({700_KiB});
    const PlacementPlan plan = planned();
    ASSERT_TRUE(plan.spilled);
    devices.push_back(nullptr);
    fakes[0]->set_faults({.failing_allocation = 0, .persists = true});
    const ShardedIndex index = loaded(plan);
    expect_whole(index);
    EXPECT_THAT(rows_of(index), ElementsAre(0, 6000));
    EXPECT_THAT(index.load_report().recovery, SizeIs(2));
}

TEST_F(LoadRecovery, ADeviceMayBeLostAtAnyMoment) {
    for (const bool hides : {false, true}) {
        make_devices({8_MiB, 8_MiB, 8_MiB});
        for (std::size_t device = 0; device < 3; ++device) {
            for (std::int64_t k = 0;; ++k) {
                SCOPED_TRACE("device " + std::to_string(device) + " after " + std::to_string(k));
                fakes[device]->set_faults({.lost_after = k, .hides_when_lost = hides});
                const ShardedIndex index = loaded();
                const std::vector<std::string>& recovery = index.load_report().recovery;
                if (recovery.empty()) {
                    EXPECT_GT(k, 3);
                    break;
                }
                expect_whole(index);
                EXPECT_EQ(rows_of(index)[device], 0);
                const std::string name = "fake:" + std::to_string(device);
                EXPECT_THAT(recovery, ElementsAre(AllOf(HasSubstr(name + ": the device was lost"),
                                                        HasSubstr("planned again without " + name),
                                                        HasSubstr("33 % of the rows moved to fake:"))));
            }
            fakes[device]->set_faults({});
        }
        expect_next_load_works();
    }
}

TEST_F(LoadRecovery, ALostDeviceIsTheErrorWhereTheOthersCannotTakeItsRows) {
    for (const int min_devices : {1, 2}) {
        make_devices(min_devices == 1 ? std::vector<Bytes>{8_MiB, 1_KiB} : std::vector<Bytes>{8_MiB, 8_MiB});
        plan_options.min_devices = min_devices;
        for (std::int64_t k = 0; k < 4; ++k) {
            fakes[0]->set_faults({.lost_after = k});
            try {
                loaded();
                FAIL();
            } catch (const DeviceError& error) {
                EXPECT_EQ(error.device(), "fake:0");
                EXPECT_THAT(error.hints(), ElementsAre(HasSubstr("the other devices cannot take its rows: ")));
            }
            expect_next_load_works();
        }
    }
}

TEST_F(LoadRecovery, APlanThatIsKeptToIsOnlyRefused) {
    options.may_replan = false;
    make_devices({8_MiB, 8_MiB, 8_MiB});
    fakes[1]->set_faults({.failing_allocation = 0});
    EXPECT_THAT(message_of<InsufficientMemory>([&] { loaded(); }), HasSubstr("fake:1"));
    expect_next_load_works();
    fakes[1]->set_taken_by_others(8_MiB);
    EXPECT_THAT(message_of<InsufficientMemory>([&] { loaded(); }), HasSubstr("fake:1 has 0 B free"));
    expect_next_load_works();
    fakes[1]->set_faults({.lost_after = 1});
    EXPECT_THROW(loaded(), DeviceError);
    expect_next_load_works();
}

TEST_F(LoadRecovery, OtherFailuresAreNotRecoveredFrom) {
    make_devices({8_MiB, 8_MiB});
    const auto memory = source;
    source = std::make_shared<HookedSource>(memory, test::fail_read(8, false));
    EXPECT_THROW(loaded(), BadFile);
    source = memory;
    expect_next_load_works();
    fakes[0]->set_faults(
        {.failing_allocation = 0, .allocation_failure = std::make_exception_ptr(std::runtime_error("broken"))});
    EXPECT_THAT(message_of<Error>([&] { loaded(); }), HasSubstr("fake:0: broken"));
    expect_next_load_works();
}

TEST_F(LoadRecovery, AStopEndsTheClimb) {
    make_devices({8_MiB, 8_MiB});
    std::stop_source stop;
    options.stop = stop.get_token();
    fakes[0]->set_faults({.failing_allocation = 0, .before_allocation = [&](std::int64_t) { stop.request_stop(); }});
    EXPECT_THROW(loaded(), Cancelled);
    EXPECT_LE(fakes[0]->allocations(), 1);
    options.stop = {};
    expect_next_load_works();
}

TEST_F(LoadRecovery, ADeviceThatShrinksForeverEndsTheClimb) {
    make_devices({64_MiB, 64_MiB});
    Bytes taken = 0;
    std::int64_t attempts = 0;
    const auto shrink = [&](std::int64_t) {
        ++attempts;
        taken = 64_MiB - (64_MiB - taken) * 9 / 10;
        fakes[0]->set_taken_by_others(taken);
        throw InsufficientMemory("fake:0: gone", 1);
    };
    fakes[0]->set_faults({.before_allocation = shrink});
    const ShardedIndex index = loaded();
    expect_whole(index);
    EXPECT_EQ(attempts, 2) << "twice it had what was planned";
    EXPECT_EQ(rows_of(index)[0], 0);
}

// What was planned is just gone each time, so that the device is found fuller and never misbehaves, and the third has
// room for whatever moves.
TEST_F(LoadRecovery, TheNumberOfAttemptsIsBounded) {
    make_devices({8_MiB, 8_MiB, 64_MiB});
    std::atomic<int> attempts = 0;
    const auto shrink = [&](std::int64_t) {
        ++attempts;
        fakes[0]->set_taken_by_others(8_MiB - fakes[0]->last_spec().memory.peak() + 1);
        throw InsufficientMemory("fake:0: gone", 1);
    };
    fakes[0]->set_faults({.before_allocation = shrink});
    try {
        loaded();
        FAIL();
    } catch (const InsufficientMemory& error) {
        EXPECT_STREQ(error.what(), "fake:0: gone");
        EXPECT_THAT(error.hints(), SizeIs(attempts - 1)) << "a line for each that went before";
    }
    EXPECT_EQ(attempts, 4 + 2 * 3 + 1);
    expect_next_load_works();
}

TEST_F(LoadRecovery, TheChosenPrecisionIsNotChangedByABusyNeighbour) {
    plan_options.precision = PrecisionChoice::automatic;
    make_devices({8_MiB});
    const PlacementPlan plan = planned();
    ASSERT_EQ(plan.precision, Precision::f32);
    const Bytes enough_for_f16 = plan.devices[0].memory.peak() - 100_KiB;
    fakes[0]->set_taken_by_others(8_MiB - enough_for_f16);
    rig[0].free_bytes = enough_for_f16;
    ASSERT_EQ(planned().precision, Precision::f16);
    EXPECT_THROW(loaded(plan), InsufficientMemory);
    fakes[0]->set_taken_by_others(0);
    fakes[0]->set_faults({.failing_allocation = 0});
    const ShardedIndex index = loaded(plan);
    EXPECT_EQ(index.plan().precision, Precision::f32);
    EXPECT_EQ(index.plan().options.precision, PrecisionChoice::automatic);
}

/// An index that is large enough for its staging to be worth halving.
class StagingRecovery : public LoadRecovery {
protected:
    StagingRecovery() {
        rows = uniform_rows(80'000, 32, 1);
        bytes = flat_index(rows, Metric::inner_product);
        source = view_memory(bytes.data(), bytes.size());
        make_devices({64_MiB, 64_MiB});
        plan_options.staging_bytes = 8_MiB;
    }

    /// The host gives the shards of one device no more than this for their staging.
    void limit_staging(Bytes most) {
        fakes[1]->set_faults({.before_allocation = [this, most](std::int64_t) {
            if (fakes[1]->last_spec().staging_bytes <= most) return;
            throw InsufficientMemory("host: no memory for pinned buffers", 1, {}, {},
                                     {{"device", std::string("host")}});
        }});
    }
};

TEST_F(StagingRecovery, StagingIsHalvedUntilTheHostHasIt) {
    for (const bool may_replan : {false, true}) {
        options.may_replan = may_replan;
        limit_staging(256_KiB);  // an eighth of 2 MiB
        const ShardedIndex index = loaded();
        EXPECT_THAT(index.load_report().recovery,
                    ElementsAre(AllOf(HasSubstr("8.000 MiB"), HasSubstr("tried again with 4.000 MiB")),
                                AllOf(HasSubstr("4.000 MiB"), HasSubstr("tried again with 2.000 MiB"))));
        EXPECT_EQ(index.plan().host_staging_bytes, 2_MiB);
        EXPECT_EQ(index.plan().options.staging_bytes, 2_MiB);
        EXPECT_LE(index.load_report().host_peak_bytes, 2_MiB);
        expect_right_answers(index);
    }
}

TEST_F(StagingRecovery, StagingIsNotHalvedForever) {
    limit_staging(0);
    EXPECT_THAT(message_of<InsufficientMemory>([&] { loaded(); }), HasSubstr("host: no memory for pinned buffers"));
    expect_next_load_works();
}

TEST(StagingBuffer, SaysThatTheHostHasNoMemory) {
    try {
        const StagingBuffer buffer(Bytes{1} << 60);
        FAIL();
    } catch (const InsufficientMemory& error) {
        EXPECT_THAT(error.what(), HasSubstr("host"));
        EXPECT_EQ(std::get<std::string>(error.fields().front().second), "host");
    }
}

// Whatever goes wrong on devices: a whole index with right answers, or an error and nothing left behind.
TEST_F(LoadRecovery, RandomTroubleEndsWellOrLeavesNothing) {
    std::mt19937 random(41);
    const auto one_in = [&](unsigned n) { return random() % n == 0; };
    int recovered = 0;
    int refused = 0;
    for (int round = 0; round < 400; ++round) {
        SCOPED_TRACE(round);
        std::vector<Bytes> budgets;
        for (unsigned i = 0; i < 1 + random() % 5; ++i) budgets.push_back(400_KiB + random() % 3_MiB);
        make_devices(budgets);
        plan_options.strategy = static_cast<Strategy>(random() % 3);
        plan_options.spill_bytes = one_in(4) ? 1_MiB : 0;
        try {
            planned();
        } catch (const InsufficientMemory&) {
            continue;
        }
        const PlacementPlan plan = planned();
        std::vector<bool> useless(fakes.size());
        for (std::size_t i = 0; i < fakes.size(); ++i) {
            FakeDevice::Faults faults;
            if (one_in(3)) fakes[i]->set_taken_by_others(random() % budgets[i]);
            if (one_in(3)) faults.failing_allocation = random() % 3;
            faults.persists = one_in(2);
            if (one_in(5)) faults.lost_after = random() % 6;
            useless[i] = faults.failing_allocation == 0 && faults.persists;
            fakes[i]->set_faults(faults);
        }
        auto given = devices;
        given.resize(plan.devices.size());
        try {
            const ShardedIndex index = load(plan, source, given, options);
            recovered += !index.load_report().recovery.empty();
            std::int64_t placed = 0;
            for (std::size_t i = 0; i < index.plan().devices.size(); ++i) {
                placed += index.plan().devices[i].rows.count();
                if (i < useless.size() && useless[i]) {
                    EXPECT_EQ(index.plan().devices[i].rows.count(), 0);
                }
            }
            EXPECT_EQ(placed, rows.count);
            for (const auto& fake : fakes) fake->set_faults({});
            for (const auto& fake : fakes) fake->set_taken_by_others(0);
            expect_right_answers(index);
        } catch (const Error& error) {
            EXPECT_THAT(error.kind(), testing::AnyOf(ErrorKind::insufficient_memory, ErrorKind::device));
            ++refused;
        }
        for (const auto& fake : fakes) fake->set_faults({});
        for (const auto& fake : fakes) fake->set_taken_by_others(0);
        expect_all_free();
    }
    EXPECT_GT(recovered, 50);
    EXPECT_GT(refused, 20);
}

PlacementPlan plan_of(const std::vector<std::pair<std::string, std::int64_t>>& devices) {
    PlacementPlan plan;
    for (const auto& [spec, rows] : devices) {
        ShardPlacement shard;
        shard.device.spec = spec;
        shard.rows = {plan.index.count, plan.index.count + rows};
        plan.index.count += rows;
        plan.devices.push_back(shard);
    }
    return plan;
}

TEST(RecoveryText, SaysWhatChanged) {
    const PlacementPlan before = plan_of({{"a", 100}, {"b", 100}, {"c", 0}});
    EXPECT_EQ(what_changed(before, before), "");
    EXPECT_EQ(what_changed(before, plan_of({{"a", 60}, {"b", 100}, {"c", 40}})), "20 % of the rows moved to c");
    EXPECT_EQ(what_changed(before, plan_of({{"a", 0}, {"b", 149}, {"c", 51}})), "50 % of the rows moved to b and c");
    EXPECT_EQ(what_changed(before, plan_of({{"a", 99}, {"b", 101}, {"c", 0}})), "1 % of the rows moved to b");
    const PlacementPlan many = plan_of({{"a", 9000}, {"b", 1000}});
    EXPECT_EQ(what_changed(many, plan_of({{"a", 9001}, {"b", 999}})), "less than 1 % of the rows moved to a");
    EXPECT_EQ(what_changed(many, plan_of({{"a", 0}, {"b", 2000}, {"cpu=1GiB", 8000}})),
              "90 % of the rows moved to b and cpu=1GiB");
}

TEST(RecoveryText, TellsDevicesOfOneSpecApart) {
    const PlacementPlan plan = plan_of({{"cpu=1GiB", 1}, {"cuda:0", 1}, {"cpu=1GiB", 1}});
    EXPECT_EQ(device_label(plan, 1), "cuda:0");
    EXPECT_EQ(device_label(plan, 2), "cpu=1GiB (device 3 of the plan)");
}

TEST(RecoveryText, NamesTheDevicesThatWereFoundFuller) {
    PlacementPlan plan = plan_of({{"a", 1}, {"b", 1}, {"c", 0}});
    std::vector<DeviceInfo> rig;
    for (ShardPlacement& shard : plan.devices) rig.push_back(shard.device);
    plan.devices[0].memory.resident = 3_GiB;
    plan.devices[1].memory.resident = 2_GiB;
    rig[1].free_bytes = 2_GiB;
    rig[0].free_bytes = 3_GiB - 1;
    rig[0].free_bytes = 1_GiB;
    EXPECT_EQ(devices_found_fuller(plan, rig), "a had 1.000 GiB free where 3.000 GiB were planned");
    rig[0].free_bytes = 3_GiB;
    EXPECT_EQ(devices_found_fuller(plan, rig), "");
}

}  // namespace
}  // namespace gpushard
