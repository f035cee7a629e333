#include <algorithm>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/error.hpp>
#include <gpushard/index_inspector.hpp>
#include <gpushard/load.hpp>

#include "load/load_progress.hpp"
#include "load/shard_loader.hpp"
#include "support/errors.hpp"
#include "support/fake_rig.hpp"
#include "support/index_writer.hpp"
#include "support/reference_search.hpp"
#include "support/temp_dir.hpp"
#include "support/test_sources.hpp"

namespace gpushard {
namespace {

using test::equal_parts;
using test::FakeRig;
using test::flat_index;
using test::HookedSource;
using test::message_of;
using test::ReadRecord;
using test::Rows;
using test::uniform_rows;
using testing::AllOf;
using testing::HasSubstr;

TEST(LoadProgress, IsTheSumOfItsDevices) {
    const LoadProgress progress = load_progress({{.spec = "a", .loaded_bytes = 100, .total_bytes = 400, .seconds = 2},
                                                 {.spec = "b", .loaded_bytes = 50, .total_bytes = 50, .seconds = 1},
                                                 {.spec = "c", .loaded_bytes = 0, .total_bytes = 50, .seconds = 2}},
                                                2);
    EXPECT_EQ(progress.loaded_bytes, 150u);
    EXPECT_EQ(progress.total_bytes, 500u);
    EXPECT_DOUBLE_EQ(progress.bytes_per_second, 75);
    ASSERT_EQ(progress.devices.size(), 3u);
    EXPECT_DOUBLE_EQ(progress.devices[0].bytes_per_second, 50);
    EXPECT_DOUBLE_EQ(progress.devices[0].seconds_left, 6);
    EXPECT_DOUBLE_EQ(progress.devices[1].bytes_per_second, 50);
    EXPECT_DOUBLE_EQ(progress.devices[1].seconds_left, 0);
    EXPECT_DOUBLE_EQ(progress.devices[2].seconds_left, 0) << "not known yet";
    EXPECT_DOUBLE_EQ(progress.seconds_left, 6) << "the slowest device";
}

TEST(LoadProgress, HasNoRateBeforeAnyTimeHasPassed) {
    const LoadProgress progress = load_progress({{.spec = "a", .loaded_bytes = 0, .total_bytes = 9, .seconds = 0}}, 0);
    EXPECT_EQ(progress.bytes_per_second, 0);
    EXPECT_EQ(progress.seconds_left, 0);
}

class Load : public testing::Test {
protected:
    void expect_right_answers(const FakeRig& rig, const LoadedShards& loaded) const {
        const Rows queries = uniform_rows(5, rows.dim, 99);
        for (std::size_t i = 0; i < rig.plan.devices.size(); ++i) {
            const RowRange range = rig.plan.devices[i].rows;
            ASSERT_EQ(loaded.shards[i] != nullptr, range.count() > 0);
            if (!loaded.shards[i]) continue;
            std::vector<float> distances(50);
            std::vector<std::int64_t> ids(50);
            loaded.shards[i]->search(5, queries.values.data(), 10, distances.data(), ids.data());
            for (std::int64_t q = 0; q < 5; ++q) {
                EXPECT_EQ(test::wrong_in_answer(rows, range, Metric::inner_product, Precision::f32, queries.row(q), 10,
                                                distances.data() + q * 10, ids.data() + q * 10),
                          "");
            }
        }
    }

    Rows rows = uniform_rows(2000, 16, 1);
    std::string bytes = flat_index(rows, Metric::inner_product);
    std::shared_ptr<ByteSource> source = view_memory(bytes.data(), bytes.size());
    LoadOptions options;
};

TEST_F(Load, FillsOneShardPerDeviceAndReadsEveryByteOnce) {
    for (int shards = 1; shards <= 5; ++shards) {
        SCOPED_TRACE(shards);
        FakeRig rig(*source, {equal_parts(2000, shards)});
        rig.plan.options.staging_bytes = 16_KiB;
        ReadRecord record;
        const auto recorded = std::make_shared<HookedSource>(source, record.hook());
        {
            const LoadedShards loaded = load_shards(rig.plan, recorded, rig.devices, options);
            EXPECT_TRUE(record.covers_once(bytes.size()));
            EXPECT_EQ(loaded.report.file_bytes_read, bytes.size());
            expect_right_answers(rig, loaded);
        }
        EXPECT_TRUE(rig.all_free());
    }
}

TEST_F(Load, ReadsEveryByteOnceForReplicasToo) {
    for (const Bytes staging : {8_KiB, 20_KiB, 256_MiB}) {
        SCOPED_TRACE(staging);
        FakeRig rig(*source, {equal_parts(2000, 1), {{0, 300}, {300, 2000}}, equal_parts(2000, 3)});
        rig.plan.options.staging_bytes = staging;
        ReadRecord record;
        const auto recorded = std::make_shared<HookedSource>(source, record.hook());
        const LoadedShards loaded = load_shards(rig.plan, recorded, rig.devices, options);
        EXPECT_TRUE(record.covers_once(bytes.size()));
        EXPECT_EQ(loaded.report.file_bytes_read, bytes.size());
        EXPECT_LE(loaded.report.host_peak_bytes, staging);
        expect_right_answers(rig, loaded);
    }
}

TEST_F(Load, LeavesDevicesWithoutRowsAlone) {
    FakeRig rig(*source, {{{0, 500}, {0, 0}, {500, 2000}}});
    rig.devices[1] = nullptr;
    const LoadedShards loaded = load_shards(rig.plan, source, rig.devices, options);
    expect_right_answers(rig, loaded);
    ASSERT_EQ(loaded.report.devices.size(), 3u);
    EXPECT_EQ(loaded.report.devices[1].measured_resident_bytes, 0u);
}

TEST_F(Load, LoadsAnIndexWithoutRows) {
    const std::string empty = test::flat_index_header(0, 16, Metric::l2);
    const auto nothing = view_memory(empty.data(), empty.size());
    FakeRig rig(*nothing, {{{0, 0}, {0, 0}}});
    int calls = 0;
    options.on_progress = [&](const LoadProgress& progress) {
        ++calls;
        EXPECT_EQ(progress.total_bytes, 0u);
    };
    const LoadedShards loaded = load_shards(rig.plan, nothing, rig.devices, options);
    EXPECT_THAT(loaded.shards, testing::ElementsAre(testing::IsNull(), testing::IsNull()));
    EXPECT_EQ(loaded.report.file_bytes_read, 45u);
    EXPECT_EQ(calls, 1);
}

TEST_F(Load, KeepsItsStagingWithinTheBound) {
    const Rows many = uniform_rows(60000, 64, 3);
    const std::string large = flat_index(many, Metric::l2);
    const auto large_source = view_memory(large.data(), large.size());
    FakeRig rig(*large_source, {equal_parts(60000, 2), equal_parts(60000, 3)}, Precision::f16);
    rig.plan.options.staging_bytes = 1_MiB;
    const LoadedShards loaded = load_shards(rig.plan, large_source, rig.devices, options);
    EXPECT_GT(loaded.report.host_peak_bytes, 0u);
    EXPECT_LE(loaded.report.host_peak_bytes, 1_MiB);
}

TEST_F(Load, SharesItsStagingWithTheCards) {
    FakeRig rig(*source, {equal_parts(2000, 3)}, Precision::f16);
    rig.plan.devices[1].device.kind = DeviceKind::cpu;
    for (const auto& [staging, of_a_card] : {std::pair{1_MiB, 128_KiB}, std::pair{256_MiB, 8_MiB}}) {
        rig.plan.options.staging_bytes = staging;
        const LoadedShards loaded = load_shards(rig.plan, source, rig.devices, options);
        EXPECT_EQ(rig.fakes[0]->last_spec().staging_bytes, of_a_card);
        EXPECT_EQ(rig.fakes[1]->last_spec().staging_bytes, 0u) << "a shard on the host";
        EXPECT_EQ(rig.fakes[2]->last_spec().staging_bytes, of_a_card);
        EXPECT_LE(loaded.report.host_peak_bytes - loaded.report.devices[1].measured_peak_bytes, staging);
        EXPECT_GT(loaded.report.host_peak_bytes - loaded.report.devices[1].measured_peak_bytes, 2 * of_a_card);
    }
}

TEST_F(Load, KeepsToTheStagingOfThePlanWhereTheIndexIsSmall) {
    for (const Precision precision : {Precision::f32, Precision::f16}) {
        FakeRig rig(*source, {equal_parts(2000, 3), equal_parts(2000, 2)}, precision);
        rig.plan.host_staging_bytes = 128_KiB;
        EXPECT_LE(load_shards(rig.plan, source, rig.devices, options).report.host_peak_bytes, 128_KiB);
    }
}

TEST_F(Load, ReportsWhatItDid) {
    rows.values[16 * 1500] = std::numeric_limits<float>::quiet_NaN();
    rows.values[16 * 700] = std::numeric_limits<float>::infinity();
    bytes = flat_index(rows, Metric::inner_product);
    source = view_memory(bytes.data(), bytes.size());
    FakeRig rig(*source, {equal_parts(2000, 2), equal_parts(2000, 1)});
    rig.plan.devices[1].device.kind = DeviceKind::cpu;
    const LoadReport report = load_shards(rig.plan, source, rig.devices, options).report;
    ASSERT_EQ(report.devices.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
        const Bytes payload = static_cast<Bytes>(rig.plan.devices[i].rows.count()) * 64;
        EXPECT_EQ(report.devices[i].spec, "fake:" + std::to_string(i));
        EXPECT_EQ(report.devices[i].measured_resident_bytes, payload);
        EXPECT_EQ(report.devices[i].measured_peak_bytes, rig.plan.devices[i].memory.load_peak());
        EXPECT_EQ(report.devices[i].measured_free_drop_bytes, rig.plan.devices[i].memory.load_peak());
        EXPECT_EQ(report.devices[i].copied_bytes, payload);
        EXPECT_GT(report.devices[i].seconds, 0);
        EXPECT_GT(report.devices[i].bytes_per_second, 0);
        EXPECT_LE(report.devices[i].seconds, report.seconds);
    }
    EXPECT_EQ(report.non_finite_rows, 2) << "once, not once for each replica";
    EXPECT_EQ(report.first_non_finite_row, 700);
    EXPECT_GE(report.host_peak_bytes, rig.plan.devices[1].memory.load_peak());
    EXPECT_TRUE(report.recovery.empty());
}

TEST_F(Load, TellsItsProgressInOrderAndToTheEnd) {
    FakeRig rig(*source, {equal_parts(2000, 3)}, Precision::f16);
    rig.plan.options.staging_bytes = 12_KiB;
    std::vector<LoadProgress> heard;
    std::mutex mutex;
    options.progress_interval = std::chrono::milliseconds(0);
    options.on_progress = [&](const LoadProgress& progress) {
        const std::unique_lock alone(mutex, std::try_to_lock);
        ASSERT_TRUE(alone.owns_lock()) << "called by two at a time";
        heard.push_back(progress);
    };
    load_shards(rig.plan, source, rig.devices, options);
    ASSERT_FALSE(heard.empty());
    for (std::size_t i = 1; i < heard.size(); ++i) {
        EXPECT_GE(heard[i].loaded_bytes, heard[i - 1].loaded_bytes);
        EXPECT_GE(heard[i].seconds, heard[i - 1].seconds);
        for (std::size_t d = 0; d < 3; ++d) {
            EXPECT_GE(heard[i].devices[d].loaded_bytes, heard[i - 1].devices[d].loaded_bytes);
            EXPECT_LE(heard[i].devices[d].loaded_bytes, heard[i].devices[d].total_bytes);
        }
    }
    EXPECT_EQ(heard.back().total_bytes, 2000u * 64u);
    EXPECT_EQ(heard.back().loaded_bytes, heard.back().total_bytes);
    EXPECT_EQ(heard.back().seconds_left, 0);
    ASSERT_EQ(heard.back().devices.size(), 3u);
    EXPECT_EQ(heard.back().devices[2].spec, "fake:2");
    for (std::size_t i = 0; i + 1 < heard.size(); ++i) {
        for (const auto& device : heard[i].devices) EXPECT_EQ(device.total_bytes % 64, 0u);
    }
}

// A device waits until it was reported that another has loaded all of its rows: progress is told during the load.
TEST_F(Load, TellsItsProgressWhileADeviceIsSlow) {
    FakeRig rig(*source, {equal_parts(2000, 2)});
    std::stop_source reported;
    test::FakeDevice::Faults slow;
    slow.before_block = [token = reported.get_token()](std::int64_t block) {
        while (block > 0 && !token.stop_requested()) std::this_thread::yield();
    };
    rig.fakes[1]->set_faults(slow);
    options.progress_interval = std::chrono::milliseconds(1);
    options.on_progress = [&](const LoadProgress& progress) {
        if (progress.devices[0].loaded_bytes == progress.devices[0].total_bytes) reported.request_stop();
    };
    EXPECT_NO_THROW(load_shards(rig.plan, source, rig.devices, options));
}

TEST_F(Load, GivesUpWhenTheProgressCallbackThrows) {
    struct OfTheCaller {};
    FakeRig rig(*source, {equal_parts(2000, 3)});
    options.on_progress = [](const LoadProgress&) { throw OfTheCaller{}; };
    EXPECT_THROW(load_shards(rig.plan, source, rig.devices, options), OfTheCaller);
    EXPECT_TRUE(rig.all_free());

    // In the middle of the load: a device waits for the exception to be thrown.
    std::stop_source thrown;
    test::FakeDevice::Faults slow;
    slow.before_block = [token = thrown.get_token()](std::int64_t) {
        while (!token.stop_requested()) std::this_thread::yield();
    };
    rig.fakes[0]->set_faults(slow);
    options.progress_interval = std::chrono::milliseconds(1);
    options.on_progress = [&](const LoadProgress&) {
        thrown.request_stop();
        throw std::out_of_range("of the caller");
    };
    EXPECT_THROW(load_shards(rig.plan, source, rig.devices, options), std::out_of_range);
    EXPECT_TRUE(rig.all_free());
}

TEST_F(Load, RefusesWhatNoLongerFitsBeforeAnythingIsAllocated) {
    FakeRig rig(*source, {equal_parts(2000, 3)});
    rig.plan.devices[0].memory.scratch = FakeRig::budget;
    rig.plan.devices[2].memory.resident = 2 * FakeRig::budget;
    ReadRecord record;
    const auto recorded = std::make_shared<HookedSource>(source, record.hook());
    try {
        load_shards(rig.plan, recorded, rig.devices, options);
        FAIL();
    } catch (const InsufficientMemory& error) {
        ASSERT_EQ(error.devices().size(), 2u);
        EXPECT_EQ(error.devices()[0].device, "fake:0");
        EXPECT_EQ(error.devices()[0].needed_bytes, rig.plan.devices[0].memory.peak());
        EXPECT_EQ(error.devices()[0].usable_bytes, FakeRig::budget);
        EXPECT_EQ(error.devices()[1].device, "fake:2");
        EXPECT_EQ(error.short_bytes(), error.devices()[0].short_bytes + error.devices()[1].short_bytes);
        EXPECT_THAT(error.what(), AllOf(HasSubstr("fake:0"), HasSubstr("64.00 MiB free"), HasSubstr("needs 64.")));
        EXPECT_FALSE(error.hints().empty());
    }
    EXPECT_TRUE(record.covers_once(45)) << "nothing but the header was read";
    for (const auto& fake : rig.fakes) EXPECT_EQ(fake->allocations(), 0);
}

TEST_F(Load, RefusesAnotherIndexThanPlanned) {
    FakeRig rig(*source, {equal_parts(2000, 2)});
    for (const auto& other : {flat_index(uniform_rows(2000, 16, 1), Metric::l2),
                              flat_index(uniform_rows(1999, 16, 1), Metric::inner_product),
                              flat_index(uniform_rows(1000, 32, 1), Metric::inner_product)}) {
        EXPECT_THAT(message_of<FileChanged>([&] {
                        load_shards(rig.plan, view_memory(other.data(), other.size(), "o.index"), rig.devices, options);
                    }),
                    AllOf(HasSubstr("o.index"), HasSubstr("another index"), HasSubstr("2000 x 16")));
    }
    EXPECT_TRUE(rig.all_free());
    EXPECT_THROW(load_shards(rig.plan, nullptr, rig.devices, options), InvalidArgument);
}

TEST_F(Load, RefusesAPlanThatDoesNotCoverTheIndex) {
    using Ranges = std::vector<RowRange>;
    for (const auto& groups : {std::vector<Ranges>{{{0, 1000}, {1001, 2000}}},
                               {{{0, 1000}, {999, 2000}}},
                               {{{0, 1999}}},
                               {{{1, 2000}}},
                               {{{0, 0}}},
                               {{{0, 2000}}, {{0, 1000}}}}) {
        FakeRig rig(*source, groups);
        EXPECT_THROW(load_shards(rig.plan, source, rig.devices, options), InvalidArgument);
    }
    FakeRig rig(*source, {{{0, 2000}}});
    for (const RowRange range : {RowRange{0, 2001}, RowRange{-1, 2000}, RowRange{2000, 0}}) {
        rig.plan.devices[0].rows = range;
        EXPECT_THROW(load_shards(rig.plan, source, rig.devices, options), InvalidArgument);
    }
}

TEST_F(Load, RefusesDevicesThatDoNotMatchThePlan) {
    FakeRig rig(*source, {equal_parts(2000, 2)});
    auto devices = rig.devices;
    devices.pop_back();
    EXPECT_THROW(load_shards(rig.plan, source, devices, options), InvalidArgument);
    devices.push_back(nullptr);
    EXPECT_THAT(message_of<InvalidArgument>([&] { load_shards(rig.plan, source, devices, options); }),
                HasSubstr("fake:1"));
    devices[1] = devices[0];
    EXPECT_THROW(load_shards(rig.plan, source, devices, options), InvalidArgument);
}

TEST_F(Load, RefusesStagingThatCannotHoldARow) {
    FakeRig rig(*source, {equal_parts(2000, 2)});
    rig.plan.options.staging_bytes = 63;
    EXPECT_THAT(message_of<InvalidArgument>([&] { load_shards(rig.plan, source, rig.devices, options); }),
                HasSubstr("staging of 63 B"));
}

TEST_F(Load, LoadsAFileAndAFileInParts) {
    const test::TempDir folder;
    test::write_file(folder / "x.index", bytes);
    for (const auto& file :
         {open_file(folder / "x.index"), open_parts(test::write_parts(folder.path(), bytes, {10, 50, 60001, 60002}))}) {
        FakeRig rig(*file, {equal_parts(2000, 3), equal_parts(2000, 2)});
        rig.plan.options.staging_bytes = 64_KiB;
        const Bytes before = file->bytes_read();
        const LoadedShards loaded = load_shards(rig.plan, file, rig.devices, options);
        EXPECT_EQ(file->bytes_read() - before, bytes.size());
        expect_right_answers(rig, loaded);
    }
}

}  // namespace
}  // namespace gpushard
