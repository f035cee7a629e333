#include "contract/backend_contract.hpp"

#include <algorithm>
#include <limits>
#include <random>
#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>

#include <gpushard/error.hpp>

#include "support/errors.hpp"
#include "support/half.hpp"
#include "support/reference_search.hpp"
#include "support/rows_feed.hpp"

namespace gpushard::test {
namespace {

constexpr Bytes budget = 256_MiB;

Rows rounded_to(Precision precision, Rows rows) {
    if (precision == Precision::f16) {
        std::transform(rows.values.begin(), rows.values.end(), rows.values.begin(), round_to_half);
    }
    return rows;
}

/// A request for some rows of an index, planned for a backend.
ShardSpec spec_of(const Backend& backend, const Rows& rows, RowRange range, Metric metric,
                  Precision precision = Precision::f32) {
    ShardSpec spec;
    spec.index.files = {"contract"};
    spec.index.fourcc = "IxFl";
    spec.index.dim = rows.dim;
    spec.index.count = rows.count;
    spec.index.metric = metric;
    spec.index.payload_offset = 45;
    spec.index.payload_bytes = static_cast<Bytes>(rows.count) * spec.index.row_bytes();
    spec.index.bytes = spec.index.payload_offset + spec.index.payload_bytes;
    spec.precision = precision;
    spec.rows = range;
    spec.tile = {.rows = 128, .queries = 64};
    spec.k = 200;
    spec.max_batch = 256;
    spec.memory = backend.plan_memory(spec);
    return spec;
}

std::vector<RowRange> shuffled(std::vector<RowRange> blocks, std::uint64_t seed) {
    std::mt19937_64 engine(seed);
    std::shuffle(blocks.begin(), blocks.end(), engine);
    return blocks;
}

struct Answers {
    std::vector<float> distances;
    std::vector<std::int64_t> ids;
};

Answers search(Shard& shard, const Rows& queries, std::int64_t k) {
    const auto size = static_cast<std::size_t>(queries.count * k);
    Answers answers{std::vector<float>(size, 12345.0f), std::vector<std::int64_t>(size, 12345)};
    shard.search(queries.count, queries.values.data(), k, answers.distances.data(), answers.ids.data());
    return answers;
}

/// Asks with queries that the precision holds: cards round them to it, the host does not.
void expect_right_answers(const Backend& backend, Shard& shard, const ShardSpec& spec, const Rows& rows,
                          const Rows& asked, std::int64_t k) {
    const Rows queries = rounded_to(spec.precision, asked);
    const Answers answers = search(shard, queries, k);
    if (!backend.computes()) return;
    const Rows held = rounded_to(spec.precision, rows);
    for (std::int64_t i = 0; i < queries.count; ++i) {
        ASSERT_EQ(wrong_in_answer(held, spec.rows, spec.index.metric, spec.precision, queries.row(i), k,
                                  answers.distances.data() + i * k, answers.ids.data() + i * k),
                  "")
            << "query " << i << " of " << queries.count << ", k " << k;
    }
}

struct Case {
    Metric metric;
    Precision precision;
};

constexpr Case cases[] = {{Metric::inner_product, Precision::f32},
                          {Metric::l2, Precision::f32},
                          {Metric::inner_product, Precision::f16},
                          {Metric::l2, Precision::f16}};

}  // namespace

TEST_P(BackendContract, AnswersLikeBruteForce) {
    const Rows rows = uniform_rows(700, 24, 1);
    for (const auto& [metric, precision] : cases) {
        SCOPED_TRACE(to_string(metric) + " " + std::string(to_string(precision)));
        const auto device = GetParam().make_device(budget);
        const ShardSpec spec = spec_of(GetParam(), rows, {100, 500}, metric, precision);
        RowsFeed feed(rows, spec.rows, cut(spec.rows, 33));
        const auto shard = device->load_shard(spec, feed);
        for (const std::int64_t query_count : {1, 16, 19, 20, 300}) {
            const Rows queries = uniform_rows(query_count, rows.dim, 7);
            for (const std::int64_t k : {1, 10, 200}) expect_right_answers(GetParam(), *shard, spec, rows, queries, k);
        }
    }
}

// Distances of whole numbers are exact, so that equal rows tie exactly.
TEST_P(BackendContract, GivesTiesToTheLowerId) {
    const Rows rows = whole_number_rows(300, 2, 5);
    for (const auto& [metric, precision] : cases) {
        SCOPED_TRACE(to_string(metric) + " " + std::string(to_string(precision)));
        const auto device = GetParam().make_device(budget);
        const ShardSpec spec = spec_of(GetParam(), rows, {0, 300}, metric, precision);
        RowsFeed feed(rows, spec.rows, cut(spec.rows, 64));
        const auto shard = device->load_shard(spec, feed);
        for (const std::int64_t query_count : {1, 5, 40}) {
            expect_right_answers(GetParam(), *shard, spec, rows, whole_number_rows(query_count, 2, 9), 200);
        }
    }
}

TEST_P(BackendContract, PadsWhereTheShardHasFewerThanKRows) {
    const Rows rows = uniform_rows(40, 8, 2);
    for (const RowRange range : {RowRange{0, 1}, RowRange{13, 20}, RowRange{30, 40}}) {
        const auto device = GetParam().make_device(budget);
        const ShardSpec spec = spec_of(GetParam(), rows, range, Metric::inner_product);
        RowsFeed feed(rows, range, {range});
        const auto shard = device->load_shard(spec, feed);
        for (const std::int64_t k : {range.count(), range.count() + 1, std::int64_t{100}}) {
            for (const std::int64_t query_count : {1, 30}) {
                expect_right_answers(GetParam(), *shard, spec, rows, uniform_rows(query_count, 8, 3), k);
            }
        }
    }
}

TEST_P(BackendContract, TakesBlocksInAnyOrderAndSize) {
    const Rows rows = uniform_rows(500, 12, 3);
    const RowRange range{7, 493};
    const Rows queries = uniform_rows(25, 12, 4);
    for (const auto& [metric, precision] : cases) {
        for (const std::int64_t block_rows : {1, 3, 50, 1000}) {
            for (const bool direct : {false, true}) {
                SCOPED_TRACE(block_rows);
                const auto device = GetParam().make_device(budget);
                const ShardSpec spec = spec_of(GetParam(), rows, range, metric, precision);
                RowsFeed feed(rows, range, shuffled(cut(range, block_rows), 11), direct);
                const auto shard = device->load_shard(spec, feed);
                expect_right_answers(GetParam(), *shard, spec, rows, queries, 10);
            }
        }
    }
}

TEST_P(BackendContract, TakesNoMoreThanPlanned) {
    const Rows rows = uniform_rows(1000, 32, 6);
    for (const auto& [metric, precision] : cases) {
        SCOPED_TRACE(to_string(metric) + " " + std::string(to_string(precision)));
        const auto device = GetParam().make_device(budget);
        const Bytes free_at_start = device->free_bytes();
        const ShardSpec spec = spec_of(GetParam(), rows, {10, 990}, metric, precision);
        RowsFeed feed(rows, spec.rows, cut(spec.rows, 100), true);
        {
            const auto shard = device->load_shard(spec, feed);
            EXPECT_EQ(shard->memory().resident, spec.memory.resident);
            EXPECT_LE(shard->memory().peak, spec.memory.load_peak());
            // The vectors, and the norms where they are computed on the way.
            EXPECT_GE(shard->load_count().copied_bytes,
                      static_cast<Bytes>(spec.rows.count() * rows.dim) * element_bytes(precision));
            EXPECT_LE(shard->load_count().copied_bytes, spec.memory.resident);
            for (const std::int64_t query_count : {1, 16, 300}) {
                for (const std::int64_t k : {1, 10, 200}) search(*shard, uniform_rows(query_count, 32, 1), k);
            }
            const MemoryUse use = shard->memory();
            EXPECT_EQ(use.resident, spec.memory.resident);
            EXPECT_GE(use.peak, use.current);
            EXPECT_LE(use.peak, spec.memory.peak());
            EXPECT_LE(device->free_bytes(), free_at_start - spec.memory.resident);
        }
        EXPECT_EQ(device->free_bytes(), free_at_start);
    }
}

TEST_P(BackendContract, SearchesALargerKInSmallerTilesOrRefusesIt) {
    const Rows rows = uniform_rows(2000, 8, 6);
    const auto device = GetParam().make_device(budget);
    const ShardSpec spec = spec_of(GetParam(), rows, {0, 2000}, Metric::inner_product);
    RowsFeed feed(rows, spec.rows, cut(spec.rows, 500));
    const auto shard = device->load_shard(spec, feed);
    try {
        expect_right_answers(GetParam(), *shard, spec, rows, uniform_rows(50, 8, 3), 1500);
    } catch (const InsufficientMemory& refusal) {
        EXPECT_GT(refusal.short_bytes(), 0u);
    }
    EXPECT_LE(shard->memory().peak, spec.memory.peak());
    expect_right_answers(GetParam(), *shard, spec, rows, uniform_rows(50, 8, 3), 10);
}

TEST_P(BackendContract, RefusesAShardAboveItsBudgetBeforeItReadsARow) {
    const Rows rows = uniform_rows(1000, 32, 6);
    const ShardSpec spec = spec_of(GetParam(), rows, {0, 1000}, Metric::l2);
    const auto device = GetParam().make_device(spec.memory.peak() - 1);
    const Bytes free_at_start = device->free_bytes();
    RowsFeed feed(rows, spec.rows, cut(spec.rows, 100));
    EXPECT_THROW(device->load_shard(spec, feed), InsufficientMemory);
    EXPECT_EQ(feed.calls(), 0);
    EXPECT_EQ(device->free_bytes(), free_at_start);
}

TEST_P(BackendContract, AllocatesEverythingBeforeItAsksForRows) {
    const Rows rows = uniform_rows(300, 16, 6);
    for (const Precision precision : {Precision::f32, Precision::f16}) {
        const auto device = GetParam().make_device(budget);
        const Bytes free_at_start = device->free_bytes();
        const ShardSpec spec = spec_of(GetParam(), rows, {0, 300}, Metric::l2, precision);
        RowsFeed feed(rows, spec.rows, cut(spec.rows, 50));
        std::vector<Bytes> free_at_block;
        feed.before_block = [&](std::int64_t) { free_at_block.push_back(device->free_bytes()); };
        const auto shard = device->load_shard(spec, feed);
        ASSERT_FALSE(free_at_block.empty());
        EXPECT_LE(free_at_block.front(), free_at_start - spec.memory.resident);
        for (const Bytes free : free_at_block) EXPECT_GE(free, free_at_block.front());
        EXPECT_GE(device->free_bytes(), free_at_block.front());
    }
}

TEST_P(BackendContract, HoldsAsManyShardsAsItsBudgetAllows) {
    const Rows rows = uniform_rows(400, 16, 6);
    const ShardSpec first = spec_of(GetParam(), rows, {0, 200}, Metric::inner_product);
    const ShardSpec second = spec_of(GetParam(), rows, {200, 400}, Metric::inner_product);
    const auto device = GetParam().make_device(first.memory.peak() + second.memory.peak());
    RowsFeed first_feed(rows, first.rows, cut(first.rows, 64));
    RowsFeed second_feed(rows, second.rows, cut(second.rows, 64));
    const auto one = device->load_shard(first, first_feed);
    const auto two = device->load_shard(second, second_feed);
    expect_right_answers(GetParam(), *one, first, rows, uniform_rows(20, 16, 2), 10);
    expect_right_answers(GetParam(), *two, second, rows, uniform_rows(20, 16, 2), 10);
}

TEST_P(BackendContract, LeavesNothingBehindWhenTheFeedThrows) {
    const Rows rows = uniform_rows(300, 16, 6);
    for (const Precision precision : {Precision::f32, Precision::f16}) {
        const auto device = GetParam().make_device(budget);
        const Bytes free_at_start = device->free_bytes();
        const ShardSpec spec = spec_of(GetParam(), rows, {0, 300}, Metric::l2, precision);
        for (std::int64_t failing = 0; failing <= 6; ++failing) {
            RowsFeed feed(rows, spec.rows, cut(spec.rows, 50), failing % 2 == 1);
            feed.before_block = [&](std::int64_t block) {
                if (block == failing) throw Cancelled("injected");
            };
            EXPECT_THROW(device->load_shard(spec, feed), Cancelled) << failing;
            EXPECT_EQ(device->free_bytes(), free_at_start) << failing;
        }
        RowsFeed feed(rows, spec.rows, cut(spec.rows, 50));
        const auto shard = device->load_shard(spec, feed);
        expect_right_answers(GetParam(), *shard, spec, rows, uniform_rows(5, 16, 2), 10);
    }
}

TEST_P(BackendContract, CountsRowsThatAreNotFinite) {
    Rows rows = uniform_rows(200, 8, 6);
    const auto set = [&](std::int64_t row, float value) { rows.values[static_cast<std::size_t>(row * 8 + 3)] = value; };
    set(5, std::numeric_limits<float>::quiet_NaN());  // not in the shard
    set(60, std::numeric_limits<float>::infinity());
    set(61, std::numeric_limits<float>::quiet_NaN());
    set(170, -std::numeric_limits<float>::infinity());
    const auto device = GetParam().make_device(budget);
    const ShardSpec spec = spec_of(GetParam(), rows, {50, 180}, Metric::inner_product);
    for (const bool direct : {false, true}) {
        RowsFeed feed(rows, spec.rows, shuffled(cut(spec.rows, 20), 3), direct);
        const auto shard = device->load_shard(spec, feed);
        EXPECT_EQ(shard->load_count().non_finite_rows, 3);
        EXPECT_EQ(shard->load_count().first_non_finite_row, 60);
    }
    const ShardSpec finite = spec_of(GetParam(), rows, {62, 170}, Metric::inner_product);
    RowsFeed feed(rows, finite.rows, cut(finite.rows, 20));
    const auto shard = device->load_shard(finite, feed);
    EXPECT_EQ(shard->load_count().non_finite_rows, 0);
    EXPECT_EQ(shard->load_count().first_non_finite_row, -1);
}

TEST_P(BackendContract, CountsWhatIsTooSmallForFloat16) {
    Rows rows = uniform_rows(500, 8, 6);
    const auto fill = [&](std::int64_t row, float value) { std::fill_n(rows.values.begin() + row * 8, 8, value); };
    fill(5, 1e-8F);  // not in the shard
    fill(60, -1e-8F);
    fill(170, 5e-6F);
    fill(90, 0);
    rows.values[61 * 8 + 3] = 1e-8F;
    rows.values[62 * 8 + 4] = -1e-40F;
    const auto device = GetParam().make_device(budget);
    const ShardSpec spec = spec_of(GetParam(), rows, {50, 180}, Metric::inner_product, Precision::f16);
    RowsFeed feed(rows, spec.rows, shuffled(cut(spec.rows, 20), 3));
    const LoadCount count = device->load_shard(spec, feed)->load_count();
    EXPECT_EQ(count.underflowed_values, 8 + 2);
    EXPECT_EQ(count.underflowed_rows, 2);
    EXPECT_EQ(count.first_underflowed_row, 60);
    const ShardSpec stored = spec_of(GetParam(), rows, {50, 180}, Metric::inner_product);
    RowsFeed again(rows, stored.rows, cut(stored.rows, 20));
    EXPECT_EQ(device->load_shard(stored, again)->load_count().underflowed_values, 0);
}

TEST_P(BackendContract, RefusesAnIndexTooSmallForFloat16AsSoonAsItKnows) {
    Rows rows = uniform_rows(200, 8, 6);
    for (float& value : rows.values) value *= 1e-8F;
    const auto device = GetParam().make_device(budget);
    const Bytes free_at_start = device->free_bytes();
    const ShardSpec spec = spec_of(GetParam(), rows, {0, 200}, Metric::l2, Precision::f16);
    RowsFeed feed(rows, spec.rows, cut(spec.rows, 20));
    const std::string message = message_of<BadFile>([&] { device->load_shard(spec, feed); });
    EXPECT_THAT(message, testing::HasSubstr("too small for float16"));
    EXPECT_THAT(message, testing::HasSubstr("first is row 0"));
    EXPECT_EQ(device->free_bytes(), free_at_start);
}

TEST_P(BackendContract, CountsRowsWhoseNormOverflowsByL2) {
    Rows rows = uniform_rows(200, 8, 6);
    for (const std::int64_t row : {5, 70, 71}) std::fill_n(rows.values.begin() + row * 8, 8, 1e19F);
    const auto device = GetParam().make_device(budget);
    for (const Metric metric : {Metric::l2, Metric::inner_product}) {
        const ShardSpec spec = spec_of(GetParam(), rows, {50, 180}, metric);
        RowsFeed feed(rows, spec.rows, cut(spec.rows, 20));
        const LoadCount count = device->load_shard(spec, feed)->load_count();
        EXPECT_EQ(count.overflowing_norm_rows, metric == Metric::l2 ? 2 : 0);
        EXPECT_EQ(count.first_overflowing_norm_row, metric == Metric::l2 ? 70 : -1);
        EXPECT_EQ(count.non_finite_rows, 0);
    }
}

TEST_P(BackendContract, RefusesRowsThatOverflowFloat16ByNumber) {
    for (const float value : {65520.0f, -1e5f, std::numeric_limits<float>::max()}) {
        Rows rows = uniform_rows(200, 8, 6);
        rows.values[137 * 8 + 7] = value;
        const auto device = GetParam().make_device(budget);
        const Bytes free_at_start = device->free_bytes();
        const ShardSpec spec = spec_of(GetParam(), rows, {50, 180}, Metric::inner_product, Precision::f16);
        RowsFeed feed(rows, spec.rows, cut(spec.rows, 20));
        EXPECT_THAT(message_of<BadFile>([&] { device->load_shard(spec, feed); }), testing::HasSubstr("row 137"));
        EXPECT_EQ(device->free_bytes(), free_at_start);
    }
    Rows rows = uniform_rows(200, 8, 6);
    rows.values[137 * 8 + 7] = 65519.0f;  // rounds to the largest half
    const auto device = GetParam().make_device(budget);
    const ShardSpec spec = spec_of(GetParam(), rows, {50, 180}, Metric::inner_product, Precision::f16);
    RowsFeed feed(rows, spec.rows, cut(spec.rows, 20));
    EXPECT_NO_THROW(device->load_shard(spec, feed));
}

}  // namespace gpushard::test
