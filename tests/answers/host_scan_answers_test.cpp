// What the host promises of its answers: the same bits for every rig, batch and number of threads, and no digit lost to
// where the rows lie.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/index_io.h>
#include <gtest/gtest.h>

#include <gpushard/load.hpp>

#include "support/index_writer.hpp"
#include "support/shared_data.hpp"
#include "support/temp_dir.hpp"

namespace gpushard::test {
namespace {

struct Rig {
    std::string devices;
    int threads = 1;
    std::int64_t max_batch = 256;
};

LoadOptions on(const Rig& rig, PrecisionChoice precision = PrecisionChoice::stored) {
    LoadOptions options;
    options.devices = rig.devices;
    options.plan.threads = rig.threads;
    options.plan.max_batch = rig.max_batch;
    options.plan.precision = precision;
    options.plan.min_devices = 1;
    return options;
}

/// Devices that each get rows.
std::string devices_for(const std::filesystem::path& file, int count) {
    const Bytes each = std::filesystem::file_size(file) / static_cast<Bytes>(count) + 24_MiB;
    return "cpu=" + std::to_string(each) + "*" + std::to_string(count);
}

/// The same answers, searched `batch` queries a call.
SearchResult search_in_batches(const ShardedIndex& index, const std::vector<float>& queries, std::int64_t batch,
                               std::int64_t k) {
    const std::int64_t nq = static_cast<std::int64_t>(queries.size()) / index.dim();
    SearchResult all{.nq = nq, .k = k, .ids = {}, .distances = {}};
    for (std::int64_t first = 0; first < nq; first += batch) {
        const SearchResult some = index.search(std::min(batch, nq - first), queries.data() + first * index.dim(), k);
        all.ids.insert(all.ids.end(), some.ids.begin(), some.ids.end());
        all.distances.insert(all.distances.end(), some.distances.begin(), some.distances.end());
    }
    return all;
}

void expect_same_bits(const std::filesystem::path& file, const std::vector<float>& queries, PrecisionChoice precision) {
    const ShardedIndex one = load(file, on({devices_for(file, 1)}, precision));
    for (const int devices : {1, 3, 7}) {
        for (const int threads : {1, 2}) {
            const ShardedIndex index =
                load(file, on({devices_for(file, devices), threads, threads == 1 ? 256 : 100}, precision));
            ASSERT_EQ(index.plan().used_devices(), devices);
            for (const auto& [batch, k] : {std::pair{1, 10}, {7, 1}, {7, 100}, {256, 10}}) {
                const SearchResult expected = search_in_batches(one, queries, 256, k);
                const SearchResult found = search_in_batches(index, queries, batch, k);
                SCOPED_TRACE(std::to_string(devices) + " devices, " + std::to_string(threads) + " threads, " +
                             std::to_string(batch) + " at a time, k " + std::to_string(k));
                ASSERT_EQ(found.ids, expected.ids);
                ASSERT_EQ(found.distances, expected.distances);
            }
        }
    }
}

/// Rows of which about half are there several times, in any order.
Rows rows_with_duplicates(std::int64_t count, std::int32_t dim) {
    Rows rows = uniform_rows(count, dim, 3);
    std::mt19937 random(4);
    for (std::int64_t row = 0; row < count; ++row) {
        if (random() % 2 != 0) continue;
        const auto other = static_cast<std::int64_t>(random() % 50);
        std::copy_n(rows.row(other), dim, rows.values.data() + row * dim);
    }
    return rows;
}

TEST(SameBits, WhateverTheRigTheBatchAndTheThreads) {
    const TempDir folder;
    for (const Metric metric : {Metric::inner_product, Metric::l2}) {
        const Rows rows = rows_with_duplicates(4000, 33);
        write_file(folder / "a.index", flat_index(rows, metric));
        std::vector<float> queries = uniform_rows(20, 33, 5).values;
        queries.insert(queries.end(), rows.row(0), rows.row(30));
        for (const PrecisionChoice precision : {PrecisionChoice::f32, PrecisionChoice::f16, PrecisionChoice::bf16}) {
            SCOPED_TRACE(to_string(metric) + " " + std::string(to_string(precision)));
            expect_same_bits(folder / "a.index", queries, precision);
        }
    }
}

/// A public file of which many rows are there more than once.
TEST(SameBits, AlsoOfAFileWithManyEqualRows) {
    const std::filesystem::path shared = shared_data();
    if (shared.empty()) GTEST_SKIP() << "without the recorded index files";
    const std::filesystem::path file = shared / "field" / "field_09.index";
    const std::unique_ptr<faiss::Index> index(faiss::read_index(file.c_str()));
    std::vector<float> queries(static_cast<std::size_t>(40 * index->d));
    for (std::int64_t q = 0; q < 40; ++q) {
        index->reconstruct(q * (index->ntotal / 40), queries.data() + q * index->d);
    }
    expect_same_bits(file, queries, PrecisionChoice::stored);
}

double squared_distance(const float* a, const float* b, std::int32_t dim) {
    double sum = 0;
    for (std::int32_t i = 0; i < dim; ++i) sum += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
    return sum;
}

/// The k nearest by L2 in double precision.
std::vector<std::pair<double, std::int64_t>> nearest(const Rows& rows, const float* query, std::int64_t k) {
    std::vector<std::pair<double, std::int64_t>> all;
    for (std::int64_t row = 0; row < rows.count; ++row) {
        all.emplace_back(squared_distance(query, rows.row(row), rows.dim), row);
    }
    std::partial_sort(all.begin(), all.begin() + k, all.end());
    all.resize(static_cast<std::size_t>(k));
    return all;
}

/// Rows and queries with a spread of 1 around an offset, as far as float32 has so fine values there.
Rows rows_around(float offset, std::int64_t count, std::int32_t dim, std::uint64_t seed) {
    Rows rows = uniform_rows(count, dim, seed);
    for (float& value : rows.values) value = offset + value * std::max(1.0F, offset / 1e6F);
    return rows;
}

class FarFromZero : public testing::TestWithParam<float> {};

TEST_P(FarFromZero, NeighborsByL2AreThoseOfDoublePrecision) {
    const TempDir folder;
    for (const std::int32_t dim : {64, 768}) {
        const Rows rows = rows_around(GetParam(), 3000, dim, 7);
        write_file(folder / "a.index", flat_index(rows, Metric::l2));
        const ShardedIndex index = load(folder / "a.index", on({"cpu=8MiB*3", 2}));
        for (const std::int64_t nq : {1, 10, 20, 300}) {
            if (dim == 768 && nq == 300 && GetParam() != 1e3F) continue;  // once is enough: it takes longest
            const Rows queries = rows_around(GetParam(), nq, dim, 8);
            const SearchResult found = index.search(nq, queries.values.data(), 10);
            for (std::int64_t q = 0; q < nq; q += std::max<std::int64_t>(1, nq / 20)) {
                const auto exact = nearest(rows, queries.row(q), 10);
                for (std::size_t i = 0; i < 10; ++i) {
                    const std::size_t at = static_cast<std::size_t>(q) * 10 + i;
                    const double of_found = squared_distance(queries.row(q), rows.row(found.ids[at]), dim);
                    ASSERT_NEAR(of_found, exact[i].first, 1e-6 * exact[i].first) << "query " << q << ", place " << i;
                    ASSERT_NEAR(found.distances[at], of_found, 1e-6 * of_found) << "query " << q << ", place " << i;
                }
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Offsets, FarFromZero, testing::Values(0.0F, 1e1F, 1e2F, 1e3F, 1e4F, 1e5F, 1e6F, 1e19F),
                         [](const auto& offset) {
                             return "about_1e" +
                                    std::to_string(offset.param == 0 ? 0 : std::lround(std::log10(offset.param)));
                         });

/// Distances beyond float32 are infinite, and farther than all others.
TEST(FarRows, AreFoundThoughTheirDistanceIsInfinite) {
    const TempDir folder;
    Rows rows = uniform_rows(200, 8, 1);
    for (std::int64_t row = 100; row < 200; ++row) {
        for (std::int32_t i = 0; i < 8; ++i) rows.values[static_cast<std::size_t>(row * 8 + i)] *= 1e30F;
    }
    write_file(folder / "a.index", flat_index(rows, Metric::l2));
    const ShardedIndex index = load(folder / "a.index", on({"cpu=2MiB*3", 2}));
    const SearchResult found = index.search(1, rows.row(0), 200);
    std::vector<std::int64_t> ids = found.ids;
    EXPECT_TRUE(std::is_sorted(found.ids.begin() + 100, found.ids.end())) << "equal distances, by id";
    std::sort(ids.begin(), ids.end());
    for (std::int64_t id = 0; id < 200; ++id) EXPECT_EQ(ids[static_cast<std::size_t>(id)], id);
    EXPECT_TRUE(std::isinf(found.distances[199]));
}

double recall_at_10(const ShardedIndex& index, const Rows& rows, const Rows& queries) {
    const SearchResult found = index.search(queries.count, queries.values.data(), 10);
    std::int64_t right = 0;
    for (std::int64_t q = 0; q < queries.count; ++q) {
        for (const auto& [distance, id] : nearest(rows, queries.row(q), 10)) {
            right += std::count(found.ids.begin() + q * 10, found.ids.begin() + (q + 1) * 10, id);
        }
    }
    return static_cast<double>(right) / static_cast<double>(10 * queries.count);
}

TEST(Centred, Float16FindsTheNeighborsOfRowsFarFromZero) {
    const TempDir folder;
    for (const float offset : {0.0F, 1e2F, 1e3F, 1e4F}) {
        const Rows rows = rows_around(offset, 3000, 64, 7);
        const Rows queries = rows_around(offset, 100, 64, 8);
        write_file(folder / "a.index", flat_index(rows, Metric::l2));
        const ShardedIndex index = load(folder / "a.index", on({"cpu=8MiB*2", 2}, PrecisionChoice::f16));
        const double recall = recall_at_10(index, rows, queries);
        RecordProperty("recall_at_offset_" + std::to_string(static_cast<int>(offset)), std::to_string(recall));
        EXPECT_GE(recall, 0.995) << offset;
        EXPECT_EQ(verify(index, 20).failures, std::vector<std::string>{}) << offset;
    }
}

}  // namespace
}  // namespace gpushard::test
