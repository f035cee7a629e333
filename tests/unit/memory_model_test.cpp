#include <numeric>

#include <gtest/gtest.h>

#include <gpushard/memory_model.hpp>

#include "core/card_memory.hpp"
#include "core/host_scan_memory.hpp"

namespace gpushard {
namespace {

ShardWorkload host(Precision precision, Metric metric = Metric::inner_product) {
    return {.kind = DeviceKind::cpu, .precision = precision, .metric = metric, .dim = 768, .k = 10, .max_batch = 256};
}

ShardWorkload card(Precision precision, Metric metric = Metric::inner_product) {
    ShardWorkload workload = host(precision, metric);
    workload.kind = DeviceKind::cuda;
    return workload;
}

/// What is read behind the last row, and small allocations.
constexpr Bytes behind = 64;
constexpr Bytes slack = 64_KiB;

TEST(HostMemory, OfTheScanIsQueriesAndCandidatesOfEachThread) {
    for (const Metric metric : {Metric::inner_product, Metric::l2}) {
        for (const int threads : {1, 2, 64}) {
            ShardWorkload workload = host(Precision::f32, metric);
            workload.threads = threads;
            const ShardMemory memory = shard_memory(workload, 1'000'000, {.rows = 1'000'000, .queries = 256});
            EXPECT_EQ(memory.resident, Bytes{1'000'000} * 768 * 4 + behind);
            EXPECT_EQ(memory.fixed, 0u);
            const Bytes queries = 256 * 768 * 4 + 256 * 4;
            const Bytes candidates = 256 * ((10 + 64) * 8 + 8);
            EXPECT_EQ(memory.scratch, queries + static_cast<Bytes>(threads) * (candidates + 64) + slack);
            EXPECT_EQ(memory.load_peak(), memory.resident);
            EXPECT_EQ(memory.peak(), memory.resident + memory.scratch);
        }
    }
}

TEST(HostMemory, OfNarrowRowsWidensSomeForEachThread) {
    const SearchTile tile{.rows = 2730, .queries = 256};
    ShardWorkload single = host(Precision::f32);
    single.threads = 3;
    for (const Precision precision : {Precision::f16, Precision::bf16}) {
        ShardWorkload narrow = single;
        narrow.precision = precision;
        const ShardMemory wide = shard_memory(single, 1'000'000, tile);
        const ShardMemory half = shard_memory(narrow, 1'000'000, tile);
        EXPECT_EQ(half.resident - behind, (wide.resident - behind) / 2);
        EXPECT_EQ(half.scratch - wide.scratch, 3u * 32 * 768 * 4);
    }
}

TEST(HostMemory, HoldsQueriesInWholeRegistersAndListsInWholeCacheLines) {
    ShardWorkload workload = host(Precision::f32);
    workload.dim = 17;
    workload.k = 100;
    const ShardMemory memory = shard_memory(workload, 5000, {.rows = 5000, .queries = 3});
    EXPECT_EQ(memory.scratch, 3u * 32 * 4 + 64 + (3 * (200 * 8 + 8) + 63) / 64 * 64 + 64 + slack);
}

TEST(HostMemory, WhereFaissSearchesIsThreeListsAndAWidenedTile) {
    const SearchTile tile{.rows = 2730, .queries = 256};
    const ShardMemory single = shard_memory(host(Precision::f32, Metric::l1), 1'000'000, tile);
    EXPECT_EQ(single.scratch, 3u * 256 * 10 * 12 + slack);
    const ShardMemory half = shard_memory(host(Precision::f16, Metric::l1), 1'000'000, tile);
    EXPECT_EQ(half.scratch - single.scratch, (2730u + 256) * 768 * 4);
}

TEST(HostMemory, NoMoreNeighborsThanRows) {
    ShardWorkload workload = host(Precision::f32);
    workload.k = 1'000'000;
    const SearchTile tile{.rows = 7, .queries = 256};
    const Bytes all_rows = shard_memory(workload, 7, tile).scratch;
    workload.k = 7;
    EXPECT_EQ(shard_memory(workload, 7, tile).scratch, all_rows);
}

TEST(HostMemory, NoMoreRowsThanACandidateCanName) {
    ShardWorkload workload = host(Precision::f32);
    workload.dim = 1;
    constexpr std::int64_t most = (std::int64_t{1} << 32) - 1;
    EXPECT_EQ(rows_within(workload, 1_TiB, 2 * most), most);
    EXPECT_EQ(largest_tile_within(workload, most + 1, 1_TiB).rows, 0);
}

TEST(HostTiles, PreferredAndSmallest) {
    ShardWorkload workload = host(Precision::f32);
    EXPECT_EQ(preferred_tile(workload, 5'000'000), (SearchTile{.rows = 80, .queries = 256}));
    EXPECT_EQ(smallest_tile(workload, 5'000'000), (SearchTile{.rows = 80, .queries = 1}));
    workload.max_batch = 1'000'000;
    EXPECT_EQ(preferred_tile(workload, 3000), (SearchTile{.rows = 80, .queries = 1024}));
    EXPECT_EQ(preferred_tile(workload, 7).rows, 7);
    workload.dim = 1'000'000;
    EXPECT_EQ(preferred_tile(workload, 3000).rows, 8);
    workload.max_batch = 3;
    EXPECT_EQ(preferred_tile(workload, 3000).queries, 3);
}

TEST(HostTiles, WhereFaissSearchesAreOfRows) {
    EXPECT_EQ(preferred_tile(host(Precision::f32, Metric::l1), 5'000'000),
              (SearchTile{.rows = 1 << 20, .queries = 256}));
    // 8 MiB hold 2730 widened rows of 3072 bytes.
    EXPECT_EQ(preferred_tile(host(Precision::f16, Metric::l1), 5'000'000), (SearchTile{.rows = 2730, .queries = 256}));
    EXPECT_EQ(smallest_tile(host(Precision::f16, Metric::l1), 5'000'000), (SearchTile{.rows = 1024, .queries = 1}));
    EXPECT_EQ(smallest_tile(host(Precision::f32, Metric::l1), 30), (SearchTile{.rows = 30, .queries = 1}));
    ShardWorkload workload = host(Precision::f16, Metric::l1);
    workload.dim = 100'000;
    workload.max_batch = 1'000'000;
    EXPECT_EQ(preferred_tile(workload, 5'000'000), (SearchTile{.rows = 1024, .queries = 4096}));
}

TEST(CardMemory, Float16InnerProduct) {
    const ShardMemory memory = shard_memory(card(Precision::f16), 4'000'000, {.rows = 131'072, .queries = 256});
    EXPECT_EQ(memory.resident, Bytes{4'000'000} * 768 * 2);  // a multiple of 256
    EXPECT_EQ(memory.scratch, 0u);
    const Bytes queries = 256 * 768 * 4 + 256 * 768 * 2;
    const Bytes answers = 256 * 10 * 4 + 256 * 10 * 8 + 256 * 10 * 4;
    const Bytes norms = 256 * 4;
    const Bytes tiles = 2 * 256 * 131'072 * 4;  // one column tile: 131,072 < 524,288
    const Bytes tile_answers = 2 * 256 * 1 * 10 * (4 + 8);
    EXPECT_EQ(memory.fixed, queries + answers + norms + tiles + tile_answers + 256);
    EXPECT_EQ(memory.load_peak(), memory.peak());
}

TEST(CardMemory, L2KeepsNorms) {
    const SearchTile tile{.rows = 16'384, .queries = 32};
    const Bytes inner_product = shard_memory(card(Precision::f32), 1'000'001, tile).resident;
    const Bytes l2 = shard_memory(card(Precision::f32, Metric::l2), 1'000'001, tile).resident;
    EXPECT_EQ(l2 - inner_product, 4'000'256u);  // 4,000,004 rounded up to 256
}

TEST(CardMemory, EveryAllocationIsRounded) {
    ShardWorkload workload = card(Precision::f16);
    workload.dim = 3;
    workload.k = 1;
    const ShardMemory memory = shard_memory(workload, 1, {.rows = 1, .queries = 1});
    EXPECT_EQ(memory.resident, 256u);
    EXPECT_EQ(memory.fixed, 12u * 256 + 256);  // twelve temporaries, and the unit a stack does not hand out
}

/// What a search takes beside a temp stack of `stack_bytes`.
Bytes growth(const ShardWorkload& workload, SearchTile tile, Bytes stack_bytes) {
    TempStack stack(stack_bytes);
    Bytes beside = 0;
    for (const Bytes bytes : search_temporaries(workload, tile, 1_GiB)) {
        if (!stack.take(bytes)) beside += bytes;
    }
    return beside;
}

double in_gb(Bytes bytes) { return static_cast<double>(bytes) / 1e9; }

// Counted on cards that only count: bfKnn over 4,000,000 x 768 float16, k = 10, beside a stack of 256 MiB.
TEST(CardMemory, ReproducesTheCountedGrowthOfASearch) {
    const auto grows = [](std::int64_t queries) {
        return growth(card(Precision::f16), {.rows = 4'000'000, .queries = queries}, 256_MiB);
    };
    EXPECT_EQ(grows(1), 0u);
    EXPECT_EQ(grows(16), 0u);
    // Two tiles of queries x 524,288 floats; at 64 queries one of them still fits the stack.
    EXPECT_EQ(grows(64), 64u * 524'288 * 4);
    EXPECT_EQ(grows(128), 2u * 128 * 524'288 * 4);
    EXPECT_EQ(grows(256), 2u * 256 * 524'288 * 4);
    EXPECT_EQ(grows(512), 2u * 512 * 524'288 * 4);
    EXPECT_NEAR(in_gb(grows(64)), 0.14, 0.006);
    EXPECT_NEAR(in_gb(grows(128)), 0.54, 0.006);
    EXPECT_NEAR(in_gb(grows(256)), 1.07, 0.006);
    EXPECT_NEAR(in_gb(grows(512)), 2.15, 0.006);
}

// Counted: scratch of bfKnn at 512 queries, k = 100, float16, by the rows it is given at a time.
TEST(CardMemory, ReproducesTheCountedScratchByRows) {
    ShardWorkload workload = card(Precision::f16);
    workload.k = 100;
    const auto scratch = [&](std::int64_t rows) {
        return in_gb(shard_memory(workload, 4'000'000, {.rows = rows, .queries = 512}).fixed);
    };
    EXPECT_NEAR(scratch(4'000'000), 2.15, 0.015);
    EXPECT_NEAR(scratch(524'288), 2.15, 0.006);
    EXPECT_NEAR(scratch(131'072), 0.54, 0.006);
    EXPECT_NEAR(scratch(65'536), 0.27, 0.006);
}

TEST(CardTiles, FloatTilesStayWithin256MiB) {
    ShardWorkload workload = card(Precision::f16);
    EXPECT_EQ(preferred_tile(workload, 4'000'000), (SearchTile{.rows = 131'072, .queries = 256}));
    workload.max_batch = 4096;
    EXPECT_EQ(preferred_tile(workload, 4'000'000), (SearchTile{.rows = 65'536, .queries = 512}));
    workload.max_batch = 100;  // 335,544.32 rows, rounded down to a multiple of 1024
    EXPECT_EQ(preferred_tile(workload, 4'000'000), (SearchTile{.rows = 334'848, .queries = 100}));
    EXPECT_EQ(smallest_tile(workload, 4'000'000), (SearchTile{.rows = 16'384, .queries = 32}));
    EXPECT_EQ(smallest_tile(workload, 10), (SearchTile{.rows = 10, .queries = 32}));
}

const ShardWorkload workloads[] = {host(Precision::f32), host(Precision::f32, Metric::l2), host(Precision::f16),
                                   card(Precision::f32), card(Precision::f32, Metric::l2), card(Precision::f16)};

TEST(ShardMemory, NoRowsCostNothing) {
    for (const ShardWorkload& workload : workloads) {
        EXPECT_EQ(shard_memory(workload, 0, {.rows = 1024, .queries = 20}), ShardMemory{});
    }
}

TEST(ShardMemory, IsMonotone) {
    const auto peak = [](ShardWorkload workload, std::int64_t rows, SearchTile tile, std::int64_t k) {
        workload.k = k;
        return shard_memory(workload, rows, tile).peak();
    };
    const std::int64_t steps[] = {1, 2, 19, 20, 21, 99, 100, 101, 1023, 1024, 262'143, 262'144, 262'145, 5'000'000};
    for (const ShardWorkload& workload : workloads) {
        for (std::size_t i = 1; i < std::size(steps); ++i) {
            const std::int64_t less = steps[i - 1];
            const std::int64_t more = steps[i];
            const SearchTile tile{.rows = 70'000, .queries = 64};
            EXPECT_LE(peak(workload, less, tile, 100), peak(workload, more, tile, 100));
            EXPECT_LE(peak(workload, 9'000'000, {.rows = less, .queries = 64}, 100),
                      peak(workload, 9'000'000, {.rows = more, .queries = 64}, 100));
            EXPECT_LE(peak(workload, 9'000'000, {.rows = 70'000, .queries = less}, 100),
                      peak(workload, 9'000'000, {.rows = 70'000, .queries = more}, 100));
            EXPECT_LE(peak(workload, 9'000'000, tile, less), peak(workload, 9'000'000, tile, more));
        }
    }
}

TEST(ShardMemory, RefusesSizesThatWrap) {
    for (const ShardWorkload& workload : workloads) {
        EXPECT_THROW(shard_memory(workload, std::int64_t{1} << 60, {.rows = 1024, .queries = 20}), std::overflow_error);
    }
}

TEST(LargestTile, IsThePreferredOneWhereItFits) {
    for (const ShardWorkload& workload : workloads) {
        EXPECT_EQ(largest_tile_within(workload, 3'000'000, 1_TiB), preferred_tile(workload, 3'000'000));
    }
}

TEST(LargestTile, HalvesRowsThenQueries) {
    for (const ShardWorkload& workload : workloads) {
        const std::int64_t rows = 3'000'000;
        const auto peak = [&](SearchTile tile) { return shard_memory(workload, rows, tile).peak(); };
        const SearchTile preferred = preferred_tile(workload, rows);
        const SearchTile smallest = smallest_tile(workload, rows);
        const SearchTile half_rows{.rows = std::max(preferred.rows / 2, smallest.rows), .queries = preferred.queries};
        const SearchTile half_queries{.rows = smallest.rows, .queries = preferred.queries / 2};
        // On the host float32 rows are searched where they are: a tile of more of them costs nothing.
        const auto with_free_rows = [&](SearchTile tile) {
            const SearchTile all_rows{.rows = preferred.rows, .queries = tile.queries};
            return peak(all_rows) == peak(tile) ? all_rows : tile;
        };
        if (peak(half_rows) < peak(preferred)) {
            EXPECT_EQ(largest_tile_within(workload, rows, peak(preferred) - 1), half_rows);
        }
        EXPECT_EQ(largest_tile_within(workload, rows, peak(half_queries)), with_free_rows(half_queries));
        EXPECT_EQ(largest_tile_within(workload, rows, peak(smallest)), with_free_rows(smallest));
        EXPECT_EQ(largest_tile_within(workload, rows, peak(smallest) - 1), SearchTile{});
    }
}

TEST(RowsWithin, IsTheLargestNumberThatFits) {
    for (const ShardWorkload& workload : workloads) {
        for (const Bytes usable : {1_MiB, 10_MiB, 100_MiB, 3_GiB, 39_GiB}) {
            const std::int64_t rows = rows_within(workload, usable, 1'000'000'000);
            const auto peak = [&](std::int64_t count) {
                return shard_memory(workload, count, smallest_tile(workload, count)).peak();
            };
            EXPECT_LE(peak(rows), usable);
            EXPECT_GT(peak(rows + 1), usable);
            EXPECT_EQ(rows_within(workload, usable, rows / 2), rows / 2);
        }
        EXPECT_EQ(rows_within(workload, 0, 10), 0);
        EXPECT_EQ(rows_within(workload, 3000, 10), 0);
    }
}

TEST(RowsWithin, TakesAnyLimit) {
    ShardWorkload tiny = host(Precision::f16);
    tiny.dim = 1;
    const auto no_limit = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(rows_within(tiny, ~Bytes{0}, no_limit), most_host_rows);
    tiny.kind = DeviceKind::cuda;
    EXPECT_GT(rows_within(tiny, ~Bytes{0}, no_limit), std::int64_t{1} << 61);
    EXPECT_EQ(rows_within(tiny, ~Bytes{0}, 0), 0);
}

}  // namespace
}  // namespace gpushard
