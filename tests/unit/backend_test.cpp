#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <latch>
#include <random>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/backend.hpp>
#include <gpushard/error.hpp>
#include <gpushard/index_inspector.hpp>

#include "load/row_distribution.hpp"
#include "support/fake_rig.hpp"
#include "support/index_writer.hpp"
#include "support/test_sources.hpp"

namespace gpushard {
namespace {

using test::equal_parts;
using test::flat_index;
using test::HookedSource;
using test::ReadRecord;
using test::Rows;
using test::uniform_rows;

TEST(ShardSpec, DescribesItsWorkload) {
    ShardSpec spec;
    spec.index.dim = 24;
    spec.index.metric = Metric::inner_product;
    spec.precision = Precision::f16;
    spec.k = 7;
    spec.max_batch = 33;
    const ShardWorkload workload = spec.workload(DeviceKind::cuda);
    EXPECT_EQ(workload.kind, DeviceKind::cuda);
    EXPECT_EQ(workload.precision, Precision::f16);
    EXPECT_EQ(workload.metric, Metric::inner_product);
    EXPECT_EQ(workload.dim, 24);
    EXPECT_EQ(workload.k, 7);
    EXPECT_EQ(workload.max_batch, 33);
}

TEST(StagingLayout, KeepsWithinWhatItIsGiven) {
    for (const Bytes staging : {4_KiB, 5_KiB, 64_KiB, 1_MiB, 256_MiB, 10_GiB}) {
        for (const Bytes row_bytes : {Bytes{4}, Bytes{100}, Bytes{3072}, 4_KiB}) {
            for (const std::size_t shards : {1, 3, 8, 1000}) {
                const StagingLayout layout = staging_layout(staging, row_bytes, shards);
                EXPECT_GE(layout.buffers, 1u);
                EXPECT_LE(layout.buffers * layout.buffer_bytes, staging);
                EXPECT_GE(layout.block_rows, 1);
                EXPECT_LE(static_cast<Bytes>(layout.block_rows) * row_bytes, layout.buffer_bytes);
                EXPECT_LE(layout.buffer_bytes, 4_MiB);
            }
        }
    }
    EXPECT_EQ(staging_layout(256_MiB, 3072, 4).buffers, 64u);
    EXPECT_EQ(staging_layout(8_MiB, 3072, 4).buffers, 8u) << "two for each shard";
    EXPECT_EQ(staging_layout(5_KiB, 3072, 1).block_rows, 1);
    EXPECT_THROW(staging_layout(4_KiB, 4097, 1), InvalidArgument);
    EXPECT_THROW(staging_layout(0, 4, 1), InvalidArgument);
}

/// The feeds of some shards over an index in memory.
class Feeds : public testing::Test {
protected:
    void distribute(const std::vector<RowRange>& ranges, Bytes staging, HookedSource::Hook extra_hook = {}) {
        shards = ranges;
        auto record_read = record.hook();
        source = std::make_shared<HookedSource>(
            memory, [record_read, extra_hook](std::int64_t read, Bytes offset, Bytes count) {
                record_read(read, offset, count);
                if (extra_hook) extra_hook(read, offset, count);
            });
        distribution = std::make_unique<RowDistribution>(*source, index, shards, staging);
    }

    /// Takes everything a shard gets, on this thread, and returns its rows in order. Calls `after_first` while it holds
    /// the first block.
    std::vector<float> drain(
        std::size_t shard, bool direct, const std::function<void()>& after_first = [] {}) {
        const RowRange range = shards[shard];
        std::vector<float> taken(static_cast<std::size_t>(range.count() * rows.dim), 1e9f);
        while (const auto block = distribution->feed(shard).next(direct ? taken.data() : nullptr)) {
            EXPECT_GE(block->first_row, range.begin);
            EXPECT_LE(block->first_row + block->row_count, range.end);
            float* const out = taken.data() + (block->first_row - range.begin) * rows.dim;
            if (block->rows != out) std::copy_n(block->rows, block->row_count * rows.dim, out);
            if (distribution->rows_taken()[shard] == block->row_count) after_first();
            std::this_thread::yield();
        }
        return taken;
    }

    void expect_every_shard_gets_its_rows(const std::vector<bool>& direct) {
        std::vector<std::vector<float>> taken(shards.size());
        {
            std::vector<std::jthread> threads;
            for (std::size_t i = 0; i < shards.size(); ++i) {
                threads.emplace_back([&, i] {
                    taken[i] = drain(i, direct[i % direct.size()]);
                    distribution->end(i);
                });
            }
        }
        for (std::size_t i = 0; i < shards.size(); ++i) {
            ASSERT_EQ(taken[i], std::vector<float>(rows.row(shards[i].begin), rows.row(shards[i].end))) << i;
            EXPECT_EQ(distribution->rows_taken()[i], shards[i].count());
        }
        // The header was inspected before; with it the whole file was read once.
        record.hook()(0, 0, index.payload_offset);
        EXPECT_TRUE(record.covers_once(index.bytes));
    }

    Rows rows = uniform_rows(1000, 16, 1);
    std::string bytes = flat_index(rows, Metric::l2);
    std::shared_ptr<ByteSource> memory = view_memory(bytes.data(), bytes.size());
    IndexProfile index = inspect_index(*memory);
    ReadRecord record;
    std::shared_ptr<HookedSource> source;
    std::vector<RowRange> shards;
    std::unique_ptr<RowDistribution> distribution;
};

TEST_F(Feeds, GiveOneShardEverything) {
    distribute({{0, 1000}}, 8_KiB);
    expect_every_shard_gets_its_rows({false});
    EXPECT_LE(distribution->staging_peak(), 8_KiB);
    EXPECT_LE(record.largest_read(), 4_KiB);
}

TEST_F(Feeds, ReadStraightToWhereTheShardWants) {
    distribute({{0, 300}, {300, 1000}}, 8_KiB);
    expect_every_shard_gets_its_rows({true});
    EXPECT_EQ(distribution->staging_peak(), 0u);
}

TEST_F(Feeds, ReadWhatReplicasShareOnce) {
    for (const Bytes staging : {4_KiB, 8_KiB, 20_KiB, 1_MiB}) {
        for (const auto& direct : {std::vector<bool>{false}, {true}, {true, false}}) {
            SCOPED_TRACE(staging);
            record.clear();
            distribute({{0, 1000}, {0, 333}, {333, 1000}, {0, 7}, {7, 500}, {500, 1000}}, staging);
            expect_every_shard_gets_its_rows(direct);
            EXPECT_LE(distribution->staging_peak(), staging);
        }
    }
}

TEST_F(Feeds, StageNothingThatOnlyOneShardNeeds) {
    // Rows 0 to 200 are needed twice, the rest once.
    distribute({{0, 1000}, {0, 200}}, 8_KiB);
    expect_every_shard_gets_its_rows({true});
    EXPECT_GT(distribution->staging_peak(), 0u);
}

TEST_F(Feeds, GiveRandomShardsTheirRows) {
    std::mt19937 random(17);
    for (int round = 0; round < 60; ++round) {
        SCOPED_TRACE(round);
        std::vector<RowRange> ranges;
        const int groups = 1 + static_cast<int>(random() % 3);
        for (int group = 0; group < groups; ++group) {
            std::vector<std::int64_t> cuts{0, 1000};
            for (std::uint32_t i = random() % 4; i > 0; --i) cuts.push_back(1 + random() % 999);
            std::sort(cuts.begin(), cuts.end());
            cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
            for (std::size_t i = 0; i + 1 < cuts.size(); ++i) ranges.push_back({cuts[i], cuts[i + 1]});
        }
        record.clear();
        distribute(ranges, 4_KiB << (random() % 4));
        expect_every_shard_gets_its_rows({random() % 2 == 0, random() % 2 == 0, random() % 2 == 0});
    }
}

TEST_F(Feeds, ReadNothingBeforeEveryShardHasAsked) {
    constexpr std::size_t others = 3;
    distribute({{0, 250}, {250, 500}, {500, 750}, {750, 1000}, {1000, 1000}}, 64_KiB);
    std::latch others_begun(others);
    std::vector<std::jthread> threads;
    for (std::size_t shard = 0; shard < others; ++shard) {
        threads.emplace_back([&, shard] {
            others_begun.count_down();
            drain(shard, shard == 0);
        });
    }
    others_begun.wait();
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    EXPECT_EQ(source->reads(), 0);
    drain(others, false);
    threads.clear();
    EXPECT_EQ(distribution->rows_taken(), (std::vector<std::int64_t>{250, 250, 250, 250, 0}));
}

TEST_F(Feeds, EndForAllWhenAShardEndsWithoutHavingAsked) {
    distribute({{0, 500}, {500, 1000}}, 8_KiB);
    const std::jthread waiting([&] { EXPECT_THROW(distribution->feed(0).next(), Cancelled); });
    distribution->end(1);
}

TEST_F(Feeds, EndForAllWhenTheLoadIsGivenUpBeforeEveryShardHasAsked) {
    distribute({{0, 500}, {500, 1000}}, 8_KiB);
    const std::jthread waiting([&] { EXPECT_THROW(distribution->feed(0).next(), Cancelled); });
    distribution->give_up();
    EXPECT_THROW(distribution->feed(1).next(), Cancelled);
    EXPECT_EQ(source->reads(), 0);
}

// The other replica has not asked for a second block yet: as many blocks are read as there are buffers, then the reader
// waits, and goes on as soon as the other does.
TEST_F(Feeds, WaitForASlowReplicaWithinTheirBuffers) {
    constexpr std::int64_t buffers = 3;
    std::latch all_buffers_used(buffers);
    distribute({{0, 1000}, {0, 1000}}, buffers * 4_KiB, [&](std::int64_t read, Bytes, Bytes) {
        if (read < buffers) all_buffers_used.count_down();
    });
    std::vector<float> fast;
    const std::jthread fast_thread([&] {
        fast = drain(0, false);
        distribution->end(0);
    });
    EXPECT_EQ(drain(1, false, [&] { all_buffers_used.wait(); }), rows.values);
    distribution->end(1);
    EXPECT_EQ(distribution->staging_peak(), buffers * 4_KiB);
}

// Both buffers hold blocks that the second shard has or that wait for it. As soon as it goes from the first block to
// the second, the other shard reads into the buffer that became free, without being asked for anything.
TEST_F(Feeds, ReadAgainIntoABufferThatBecomesFree) {
    std::latch third_block_read(1);
    distribute({{0, 1000}, {0, 1000}}, 8_KiB, [&](std::int64_t read, Bytes, Bytes) {
        if (read == 2) third_block_read.count_down();
    });
    std::jthread first_shard([&] {
        EXPECT_EQ(drain(0, false), rows.values);
        distribution->end(0);
    });
    ASSERT_TRUE(distribution->feed(1).next());
    // The first shard has used both buffers and comes back for a third.
    while (distribution->rows_taken()[0] < 2 * 64) std::this_thread::yield();
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    ASSERT_TRUE(distribution->feed(1).next());
    third_block_read.wait();
    while (distribution->feed(1).next()) {
    }
    distribution->end(1);
}

// A shard that knows that it has all its rows need not ask once more; what it holds then is free when it ends.
TEST_F(Feeds, FreeTheBufferOfAShardThatEnds) {
    distribute({{0, 64}, {64, 1000}}, 4_KiB);
    const std::jthread knowing([&] {
        EXPECT_TRUE(distribution->feed(0).next());
        distribution->end(0);
    });
    EXPECT_EQ(drain(1, false).size(), 936u * 16u);
}

TEST_F(Feeds, EndForAllWhenTheLoadIsGivenUp) {
    distribute({{0, 500}, {500, 1000}}, 8_KiB);
    {
        const std::jthread other([&] { EXPECT_TRUE(distribution->feed(1).next()); });
        ASSERT_TRUE(distribution->feed(0).next());
    }
    distribution->give_up();
    EXPECT_THROW(distribution->feed(0).next(), Cancelled);
    EXPECT_THROW(distribution->feed(1).next(), Cancelled);
    EXPECT_EQ(distribution->rows_taken()[1], 64);
}

TEST_F(Feeds, EndForAllWhenAReadFails) {
    distribute({{0, 1000}, {0, 1000}}, 8_KiB, test::fail_read(5, false));
    std::atomic<int> bad_files = 0;
    std::atomic<int> cancelled = 0;
    {
        std::vector<std::jthread> threads;
        for (std::size_t shard = 0; shard < 2; ++shard) {
            threads.emplace_back([&, shard] {
                try {
                    drain(shard, false);
                } catch (const BadFile&) {
                    ++bad_files;
                } catch (const Cancelled&) {
                    ++cancelled;
                }
            });
        }
    }
    EXPECT_EQ(bad_files, 1);
    EXPECT_EQ(cancelled, 1);
}

}  // namespace
}  // namespace gpushard
