#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <latch>
#include <new>
#include <stdexcept>
#include <stop_token>
#include <sys/stat.h>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/error.hpp>
#include <gpushard/index_inspector.hpp>
#include <gpushard/load.hpp>

#include "load/shard_loader.hpp"
#include "support/errors.hpp"
#include "support/fake_rig.hpp"
#include "support/index_writer.hpp"
#include "support/temp_dir.hpp"
#include "support/test_sources.hpp"

namespace gpushard {
namespace {

using test::equal_parts;
using test::FakeDevice;
using test::FakeRig;
using test::flat_index;
using test::HookedSource;
using test::message_of;
using test::uniform_rows;
using testing::AllOf;
using testing::HasSubstr;
using Ranges = std::vector<RowRange>;

constexpr std::int64_t row_count = 600;
constexpr std::int64_t header_reads = 8;
constexpr Bytes header_bytes = 45;
// Of so few rows all are the sample of a load in float16.
constexpr Bytes sample_bytes = row_count * 32 * sizeof(float);

/// Rigs that differ in the number of devices and of replicas.
std::vector<std::vector<Ranges>> rigs() {
    return {{equal_parts(row_count, 1)},
            {equal_parts(row_count, 2)},
            {equal_parts(row_count, 5)},
            {{{0, 100}, {100, row_count}}, {{0, 450}, {450, row_count}}},
            {equal_parts(row_count, 1), equal_parts(row_count, 3)}};
}

class LoadFaults : public testing::Test {
protected:
    FakeRig rig_of(const std::vector<Ranges>& groups, Precision precision = Precision::f32) const {
        FakeRig rig(*source, groups, precision);
        rig.plan.options.staging_bytes = 16_KiB;
        return rig;
    }

    void expect_next_load_works(FakeRig& rig) {
        EXPECT_TRUE(rig.all_free());
        for (const auto& fake : rig.fakes) fake->set_faults({});
        EXPECT_NO_THROW(load_shards(rig.plan, source, rig.devices, {}));
        EXPECT_TRUE(rig.all_free());
    }

    std::string bytes = flat_index(uniform_rows(row_count, 32, 1), Metric::inner_product);
    std::shared_ptr<ByteSource> source = view_memory(bytes.data(), bytes.size());
    LoadOptions options;
};

TEST_F(LoadFaults, EveryAllocationMayFailOnceOrForGood) {
    int failures = 0;
    for (const auto& groups : rigs()) {
        for (const bool persists : {false, true}) {
            FakeRig rig = rig_of(groups);
            for (std::size_t device = 0; device < rig.fakes.size(); ++device) {
                for (std::int64_t k = 0;; ++k) {
                    SCOPED_TRACE("device " + std::to_string(device) + ", allocation " + std::to_string(k));
                    rig.fakes[device]->set_faults({.failing_allocation = k, .persists = persists});
                    const Bytes read_before = source->bytes_read();
                    try {
                        load_shards(rig.plan, source, rig.devices, options);
                        ASSERT_LE(rig.fakes[device]->allocations(), k) << "the failure was swallowed";
                        break;
                    } catch (const InsufficientMemory& error) {
                        EXPECT_THAT(error.what(), HasSubstr("fake:" + std::to_string(device)));
                        EXPECT_EQ(source->bytes_read() - read_before, header_bytes) << "it cost reading";
                        ++failures;
                    }
                    expect_next_load_works(rig);
                }
                rig.fakes[device]->set_faults({});
            }
        }
    }
    EXPECT_EQ(failures, 2 * 2 * (1 + 2 + 5 + 4 + 4)) << "two allocations on each device of each rig";
}

TEST_F(LoadFaults, EveryReadMayFailOnceOrForGood) {
    for (const auto& groups : rigs()) {
        for (const Precision precision : {Precision::f32, Precision::f16}) {
            for (const bool persists : {false, true}) {
                FakeRig rig = rig_of(groups, precision);
                for (std::int64_t k = 0;; ++k) {
                    SCOPED_TRACE("read " + std::to_string(k));
                    const auto failing = std::make_shared<HookedSource>(source, test::fail_read(k, persists));
                    try {
                        load_shards(rig.plan, failing, rig.devices, options);
                        ASSERT_LE(failing->reads(), k) << "the failure was swallowed";
                        EXPECT_GT(k, header_reads);
                        break;
                    } catch (const BadFile& error) {
                        EXPECT_THAT(error.what(), HasSubstr("Input/output error"));
                        if (!persists) {
                            EXPECT_TRUE(error.hints().empty()) << error.hints().front();
                        }
                    }
                    expect_next_load_works(rig);
                }
            }
        }
    }
}

TEST_F(LoadFaults, ADeviceMayBeLostAtAnyMoment) {
    for (const auto& groups : rigs()) {
        FakeRig rig = rig_of(groups);
        for (std::size_t device = 0; device < rig.fakes.size(); ++device) {
            for (std::int64_t k = 0;; ++k) {
                SCOPED_TRACE("device " + std::to_string(device) + " after " + std::to_string(k));
                rig.fakes[device]->set_faults({.lost_after = k});
                try {
                    load_shards(rig.plan, source, rig.devices, options);
                    EXPECT_GT(k, 2);
                    break;
                } catch (const DeviceError& error) {
                    EXPECT_EQ(error.device(), "fake:" + std::to_string(device));
                }
                expect_next_load_works(rig);
            }
            rig.fakes[device]->set_faults({});
        }
    }
}

TEST_F(LoadFaults, AStopAtAnyReadCancels) {
    for (const auto& groups : rigs()) {
        FakeRig rig = rig_of(groups);
        for (std::int64_t k = 0;; ++k) {
            SCOPED_TRACE("read " + std::to_string(k));
            std::stop_source stop;
            options.stop = stop.get_token();
            std::atomic<bool> stopped = false;
            std::atomic<std::size_t> blocks_after_stop = 0;
            const auto stopping = std::make_shared<HookedSource>(source, [&](std::int64_t read, Bytes offset, Bytes) {
                if (stopped && offset >= 45) ++blocks_after_stop;
                if (read != k) return;
                stop.request_stop();
                stopped = true;
            });
            try {
                load_shards(rig.plan, stopping, rig.devices, options);
                ASSERT_LE(stopping->reads(), k) << "a stop was not obeyed";
                EXPECT_GT(k, header_reads);
                break;
            } catch (const Cancelled&) {
                EXPECT_LT(blocks_after_stop, rig.fakes.size()) << "each other device may have been about to read";
            }
            expect_next_load_works(rig);
        }
    }
}

TEST_F(LoadFaults, AStopBeforeTheLoadReadsNoRows) {
    std::stop_source stop;
    stop.request_stop();
    options.stop = stop.get_token();
    FakeRig rig = rig_of({equal_parts(row_count, 2)});
    const auto counting = std::make_shared<HookedSource>(source, [](std::int64_t, Bytes, Bytes) {});
    EXPECT_THROW(load_shards(rig.plan, counting, rig.devices, options), Cancelled);
    EXPECT_LE(counting->bytes_read(), 45u);
    for (const auto& fake : rig.fakes) EXPECT_EQ(fake->allocations(), 0);
}

TEST_F(LoadFaults, AStopFromTheProgressCallbackCancels) {
    std::stop_source stop;
    options.stop = stop.get_token();
    options.on_progress = [&](const LoadProgress&) { stop.request_stop(); };
    FakeRig rig = rig_of({equal_parts(row_count, 2)});
    EXPECT_THROW(load_shards(rig.plan, source, rig.devices, options), Cancelled);
    expect_next_load_works(rig);
}

TEST_F(LoadFaults, ForeignExceptionsBecomeErrorsThatNameTheDevice) {
    FakeRig rig = rig_of({equal_parts(row_count, 3)});
    rig.fakes[1]->set_faults(
        {.failing_allocation = 1, .allocation_failure = std::make_exception_ptr(std::bad_alloc())});
    EXPECT_THAT(message_of<InsufficientMemory>([&] { load_shards(rig.plan, source, rig.devices, options); }),
                AllOf(HasSubstr("fake:1"), HasSubstr("ran out of memory")));
    expect_next_load_works(rig);

    rig.fakes[2]->set_faults(
        {.failing_allocation = 0, .allocation_failure = std::make_exception_ptr(std::runtime_error("broken"))});
    EXPECT_THAT(message_of<Error>([&] { load_shards(rig.plan, source, rig.devices, options); }),
                HasSubstr("fake:2: broken"));
    expect_next_load_works(rig);

    rig.fakes[0]->set_faults({.failing_allocation = 0, .allocation_failure = std::make_exception_ptr(42)});
    EXPECT_THAT(message_of<Error>([&] { load_shards(rig.plan, source, rig.devices, options); }),
                HasSubstr("fake:0: an exception of unknown type"));
    expect_next_load_works(rig);
}

TEST_F(LoadFaults, TheFirstOfSeveralFailuresIsThrownAndTheOthersAreItsHints) {
    FakeRig rig = rig_of({equal_parts(row_count, 3)});
    // All three devices have begun before the first of them fails.
    std::latch all_begun(3);
    for (const auto& fake : rig.fakes) {
        fake->set_faults({.before_block = [&, spec = fake->info().spec](std::int64_t) {
            all_begun.arrive_and_wait();
            throw DeviceError(spec, spec + ": injected");
        }});
    }
    try {
        load_shards(rig.plan, source, rig.devices, options);
        FAIL();
    } catch (const DeviceError& error) {
        ASSERT_EQ(error.hints().size(), 2u);
        std::vector<std::string> lines{error.what(), error.hints()[0], error.hints()[1]};
        EXPECT_THAT(lines, testing::UnorderedElementsAre(HasSubstr("fake:0: injected"), HasSubstr("fake:1: injected"),
                                                         HasSubstr("fake:2: injected")));
        EXPECT_TRUE(error.hints()[0].starts_with("also: "));
    }
    expect_next_load_works(rig);
}

TEST_F(LoadFaults, AShardThatIsReturnedTooEarlyIsRefused) {
    FakeRig rig = rig_of({equal_parts(row_count, 2), equal_parts(row_count, 1)});
    rig.fakes[1]->set_faults({.ends_early = true});
    EXPECT_THAT(message_of<Error>([&] { load_shards(rig.plan, source, rig.devices, options); }), HasSubstr("fake:1"));
    expect_next_load_works(rig);
}

TEST_F(LoadFaults, AShardThatNeverAsksIsRefused) {
    FakeRig rig = rig_of({equal_parts(row_count, 3)});
    rig.fakes[1]->set_faults({.never_asks = true});
    EXPECT_THAT(message_of<Error>([&] { load_shards(rig.plan, source, rig.devices, options); }), HasSubstr("fake:1"));
    expect_next_load_works(rig);
}

// One device has yet to ask for its first block when the stop comes: the others wait for it, and read nothing.
TEST_F(LoadFaults, AStopWhileOthersStillAllocateCancels) {
    FakeRig rig = rig_of({equal_parts(row_count, 3)});
    std::stop_source stop;
    options.stop = stop.get_token();
    std::latch others_begun(2);
    for (const std::size_t other : {0, 2}) {
        rig.fakes[other]->set_faults({.before_block = [&](std::int64_t) { others_begun.count_down(); }});
    }
    rig.fakes[1]->set_faults({.before_block = [&](std::int64_t) {
        others_begun.wait();
        stop.request_stop();
    }});
    const Bytes read_before = source->bytes_read();
    EXPECT_THROW(load_shards(rig.plan, source, rig.devices, options), Cancelled);
    EXPECT_EQ(source->bytes_read() - read_before, header_bytes);
    expect_next_load_works(rig);
}

TEST_F(LoadFaults, AShardNeedNotAskAfterItsLastRow) {
    FakeRig rig = rig_of({equal_parts(row_count, 2), equal_parts(row_count, 3)}, Precision::f16);
    rig.plan.options.staging_bytes = 6_KiB;  // a block, and a quarter for the cards
    for (const auto& fake : rig.fakes) fake->set_faults({.stops_at_last_row = true});
    EXPECT_NO_THROW(load_shards(rig.plan, source, rig.devices, options));
    EXPECT_TRUE(rig.all_free());
}

TEST_F(LoadFaults, ARowThatOverflowsFloat16EndsTheLoad) {
    auto rows = uniform_rows(row_count, 32, 1);
    rows.values[32 * 412] = 1e6f;
    const std::string large = flat_index(rows, Metric::inner_product);
    const auto large_source = view_memory(large.data(), large.size());
    FakeRig rig = rig_of({equal_parts(row_count, 3)}, Precision::f16);
    EXPECT_THAT(message_of<BadFile>([&] { load_shards(rig.plan, large_source, rig.devices, options); }),
                HasSubstr("row 412"));
    expect_next_load_works(rig);
}

// One device holds still until the others have used up all staging: they wait for it, and nobody waits forever.
TEST_F(LoadFaults, ASlowReplicaDoesNotBlockTheLoad) {
    FakeRig rig = rig_of({{{0, row_count}}, {{0, 77}, {77, 301}, {301, row_count}}}, Precision::f16);
    constexpr std::int64_t buffers = 2;
    rig.plan.options.staging_bytes = (buffers + 1) * 4_KiB;  // a quarter is for the cards
    std::latch staging_full(buffers);
    rig.fakes[0]->set_faults({.before_block = [&](std::int64_t block) {
        if (block == 1) staging_full.wait();
    }});
    // The header and the sample are read on the caller's thread, blocks on those of the shards.
    const std::thread::id caller = std::this_thread::get_id();
    std::atomic<std::int64_t> blocks = 0;
    const auto counting = std::make_shared<HookedSource>(source, [&](std::int64_t, Bytes, Bytes) {
        if (std::this_thread::get_id() != caller && blocks++ < buffers) staging_full.count_down();
    });
    EXPECT_NO_THROW(load_shards(rig.plan, counting, rig.devices, options));
    EXPECT_EQ(counting->bytes_read(), bytes.size() + sample_bytes);
    EXPECT_TRUE(rig.all_free());
}

/// A real file that is changed while it is loaded.
class ChangingFile : public LoadFaults {
protected:
    /// Loads the file and changes it before the second block of one device.
    void expect_refused(const std::function<void()>& change) {
        test::write_file(path, bytes);
        // Away from the present, so that any write is seen whatever the resolution of the clock.
        std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
        const auto file = open_file(path);
        FakeRig rig = rig_of({equal_parts(row_count, 2), equal_parts(row_count, 1)});
        rig.fakes[1]->set_faults({.before_block = [&](std::int64_t block) {
            if (block == 1) change();
        }});
        EXPECT_THAT(message_of<FileChanged>([&] { load_shards(rig.plan, file, rig.devices, options); }),
                    HasSubstr("x.index"));
        expect_next_load_works(rig);
    }

    test::TempDir folder;
    std::filesystem::path path = folder / "x.index";
};

TEST_F(ChangingFile, IsRefusedWhenItGrows) {
    expect_refused([&] { std::filesystem::resize_file(path, bytes.size() + 1); });
}

TEST_F(ChangingFile, IsRefusedWhenItIsTruncated) {
    expect_refused([&] { std::filesystem::resize_file(path, 1000); });
}

TEST_F(ChangingFile, IsRefusedWhenItIsWrittenTo) {
    expect_refused([&] { test::write_file(path, bytes); });
}

/// Until the clock of the kernel has moved, which has ticks of some milliseconds.
TEST_F(ChangingFile, IsRefusedWhenItIsWrittenToAndItsTimeSetBack) {
    expect_refused([&] {
        struct stat before {};
        struct stat now {};
        ASSERT_EQ(::stat(path.c_str(), &before), 0);
        do {
            const auto time = std::filesystem::last_write_time(path);
            std::fstream(path, std::ios::in | std::ios::out | std::ios::binary) << bytes;
            std::filesystem::last_write_time(path, time);
            ASSERT_EQ(::stat(path.c_str(), &now), 0);
        } while (now.st_ctim.tv_sec == before.st_ctim.tv_sec && now.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
    });
}

/// Bytes that change where no time tells of it: memory, as of a file whose times were all explained.
TEST_F(LoadFaults, ContentThatChangedIsFoundByReadingThePiecesOfTheFingerprintAgain) {
    std::string changing = bytes;
    const auto memory = view_memory(changing.data(), changing.size());
    const std::string planned = fingerprint(*memory, inspect_index(*memory));
    for (const bool with_fingerprint : {false, true}) {
        FakeRig rig = rig_of({equal_parts(row_count, 1)});
        if (with_fingerprint) rig.plan.fingerprint = planned;
        changing.back() = bytes.back();
        rig.fakes[0]->set_faults({.before_block = [&](std::int64_t block) {
            if (block == 0) changing.back() ^= 1;
        }});
        if (with_fingerprint) {
            EXPECT_THAT(message_of<FileChanged>([&] { load_shards(rig.plan, memory, rig.devices, options); }),
                        HasSubstr("changed since it was planned"));
            EXPECT_TRUE(rig.all_free());
        } else {
            EXPECT_NO_THROW(load_shards(rig.plan, memory, rig.devices, options));
        }
    }
}

TEST_F(LoadFaults, ThePiecesOfTheFingerprintAreReadTwiceAndCounted) {
    const auto memory = view_memory(bytes.data(), bytes.size());
    FakeRig rig = rig_of({equal_parts(row_count, 2)});
    rig.plan.fingerprint = fingerprint(*memory, rig.plan.index);
    const Bytes of_fingerprint = memory->bytes_read();
    EXPECT_EQ(load_shards(rig.plan, memory, rig.devices, options).report.file_bytes_read,
              bytes.size() + of_fingerprint);
}

TEST_F(ChangingFile, IsRefusedWhenAnotherIsRenamedOverIt) {
    expect_refused([&] {
        test::write_file(folder / "new", bytes);
        std::filesystem::last_write_time(folder / "new", std::filesystem::last_write_time(path));
        std::filesystem::rename(folder / "new", path);
    });
}

TEST_F(ChangingFile, IsRefusedWhenItIsRemoved) {
    expect_refused([&] { std::filesystem::remove(path); });
}

TEST_F(ChangingFile, IsRefusedWhenItChangedBeforeTheLoad) {
    test::write_file(path, bytes);
    const auto file = open_file(path);
    FakeRig rig = rig_of({equal_parts(row_count, 2)});
    std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) + std::chrono::seconds(5));
    EXPECT_THROW(load_shards(rig.plan, file, rig.devices, options), FileChanged);
    for (const auto& fake : rig.fakes) EXPECT_EQ(fake->allocations(), 0);
}

}  // namespace
}  // namespace gpushard
