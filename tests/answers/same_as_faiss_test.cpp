// Every shape of index, rig and batch gives the answers of the unsharded Faiss index.

#include <memory>
#include <string>
#include <vector>

#include <faiss/IndexFlat.h>
#include <gtest/gtest.h>

#include <gpushard/error.hpp>
#include <gpushard/faiss/faiss_index.hpp>
#include <gpushard/load.hpp>

#include "support/index_writer.hpp"
#include "support/same_answers.hpp"
#include "support/temp_dir.hpp"

namespace gpushard::test {
namespace {

struct Case {
    Metric metric;
    float metric_arg;
    std::int32_t dim;
    std::int64_t count;
    std::string devices;
    std::string precision = "stored";
    std::int64_t max_batch = 256;
};

void PrintTo(const Case& test_case, std::ostream* out) {
    *out << to_string(test_case.metric) << " " << test_case.count << " x " << test_case.dim << " on "
         << test_case.devices << " " << test_case.precision << " max_batch " << test_case.max_batch;
}

class SameAsFaiss : public testing::TestWithParam<Case> {
protected:
    SameAsFaiss()
        : rows_(make_rows(GetParam().count, 1)),
          queries_(make_rows(70, 2)),
          faiss_(GetParam().dim, static_cast<faiss::MetricType>(static_cast<int>(GetParam().metric))) {
        faiss_.metric_arg = GetParam().metric_arg;
        faiss_.add(rows_.count, rows_.values.data());
    }

    // Rows of a Jensen-Shannon divergence are distributions; positive values do for every metric.
    static Rows make_rows(std::int64_t count, std::uint64_t seed) {
        Rows rows = uniform_rows(count, GetParam().dim, seed);
        if (GetParam().metric == Metric::jensen_shannon || GetParam().metric == Metric::bray_curtis) {
            for (float& value : rows.values) value = (value + 1.01F) / 2;
        }
        return rows;
    }

    LoadOptions options() const {
        LoadOptions options;
        options.devices = GetParam().devices;
        options.plan.max_batch = GetParam().max_batch;
        options.plan.precision = parse_precision(GetParam().precision);
        return options;
    }

    double tolerance() const { return GetParam().precision == "f16" ? 5e-4 : 1e-5; }

    void expect_same(const ShardedIndex& index, std::int64_t nq, std::int64_t k) const {
        const SearchResult ours = index.search(nq, queries_.values.data(), k);
        std::vector<float> distances(static_cast<std::size_t>(nq * k));
        std::vector<std::int64_t> ids(distances.size());
        faiss_.search(nq, queries_.values.data(), k, distances.data(), ids.data());
        const SearchCase search{GetParam().metric,
                                GetParam().metric_arg,
                                rows_.dim,
                                rows_.count,
                                rows_.values.data(),
                                nq,
                                queries_.values.data(),
                                k};
        EXPECT_EQ(
            difference(search, {ours.distances.data(), ours.ids.data()}, {distances.data(), ids.data()}, tolerance()),
            "")
            << "nq " << nq << " k " << k;
    }

    const Rows rows_;
    const Rows queries_;
    faiss::IndexFlat faiss_;
};

// Both are loaded with the same budgets at a time, so these have room for two.
TEST_P(SameAsFaiss, FromAFileAndFromMemory) {
    const TempDir folder;
    write_file(folder / "a.index", flat_index(rows_, GetParam().metric, GetParam().metric_arg));
    const ShardedIndex from_file = load(folder / "a.index", options());
    const ShardedIndex from_memory = load(faiss_, options());
    for (const std::int64_t nq : {1, 2, 19, 20, 21, 70}) {
        for (const std::int64_t k : {1, 10, 130}) {
            expect_same(from_file, nq, k);
            expect_same(from_memory, nq, k);
        }
    }
    for (std::size_t i = 0; i < from_file.plan().devices.size(); ++i) {
        EXPECT_LE(from_file.peak_bytes()[i], from_file.plan().devices[i].memory.peak()) << "device " << i;
        EXPECT_LE(from_file.plan().devices[i].memory.peak(), from_file.plan().devices[i].device.free_bytes);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Flat, SameAsFaiss,
    testing::Values(Case{Metric::inner_product, 0, 32, 3000, "cpu=4MiB"},
                    Case{Metric::inner_product, 0, 32, 3000, "cpu=2MiB,cpu=1MiB,cpu=3MiB"},
                    Case{Metric::l2, 0, 32, 3000, "cpu=4MiB"}, Case{Metric::l2, 0, 32, 3000, "cpu=2MiB*7"},
                    Case{Metric::l2, 0, 17, 3000, "cpu=1MiB,cpu=2MiB", "stored", 5},
                    Case{Metric::inner_product, 0, 17, 3000, "cpu=1MiB,cpu=2MiB", "f16"},
                    Case{Metric::l2, 0, 17, 3000, "cpu=1MiB,cpu=2MiB", "f16"},
                    Case{Metric::l2, 0, 1024, 4000, "cpu=24MiB,cpu=40MiB", "f16", 64},
                    Case{Metric::l1, 0, 32, 1000, "cpu=2MiB*3"}, Case{Metric::linf, 0, 32, 1000, "cpu=2MiB*3"},
                    Case{Metric::lp, 3, 32, 1000, "cpu=2MiB*3"}, Case{Metric::canberra, 0, 32, 1000, "cpu=2MiB*3"},
                    Case{Metric::bray_curtis, 0, 32, 1000, "cpu=2MiB*3"},
                    Case{Metric::jensen_shannon, 0, 32, 1000, "cpu=2MiB*3"}, Case{Metric::l2, 0, 8, 5, "cpu=2MiB*3"},
                    Case{Metric::inner_product, 0, 1, 1, "cpu=2MiB*3"}));

TEST(SearchShapes, AllThreeAgree) {
    const Rows rows = whole_number_rows(200, 8, 1);
    const TempDir folder;
    write_file(folder / "a.index", flat_index(rows, Metric::l2));
    LoadOptions options;
    options.devices = "cpu=1MiB*3";
    const ShardedIndex index = load(folder / "a.index", options);
    const SearchResult many = index.search(3, rows.values.data(), 5);
    std::vector<float> distances(15);
    std::vector<std::int64_t> labels(15);
    index.search(3, rows.values.data(), 5, distances.data(), labels.data());
    EXPECT_EQ(many.ids, labels);
    EXPECT_EQ(many.distances, distances);
    for (std::int64_t query = 0; query < 3; ++query) {
        EXPECT_EQ(index.search(rows.row(query), 5), many.row(query));
        EXPECT_EQ(index.search(std::vector<float>(rows.row(query), rows.row(query) + 8), 5), many.row(query));
    }
    EXPECT_EQ(index.search(rows.row(0), 1000).size(), 200u);
    EXPECT_EQ(index.search(0, nullptr, 5).ids.size(), 0u);
    EXPECT_THROW(many.row(3), std::out_of_range);
}

TEST(SearchShapes, TiesGoToTheLowerId) {
    // 64 equal rows over three shards of unequal size: the answers are rows 0 to 9, in order.
    Rows rows = whole_number_rows(1, 8, 1);
    rows.count = 64;
    const std::vector<float> one = rows.values;
    for (int i = 1; i < 64; ++i) rows.values.insert(rows.values.end(), one.begin(), one.end());
    const TempDir folder;
    for (const Metric metric : {Metric::inner_product, Metric::l2, Metric::l1}) {
        write_file(folder / "a.index", flat_index(rows, metric));
        LoadOptions options;
        options.devices = "cpu=1MiB,cpu=2MiB,cpu=3MiB";
        const std::vector<Neighbor> found = load(folder / "a.index", options).search(one, 64);
        ASSERT_EQ(found.size(), 64u);
        for (std::int64_t i = 0; i < 64; ++i) EXPECT_EQ(found[static_cast<std::size_t>(i)].id, i) << to_string(metric);
    }
}

TEST(SearchShapes, RefusesWhatCannotBeAnswered) {
    const Rows rows = whole_number_rows(20, 4, 1);
    const TempDir folder;
    write_file(folder / "a.index", flat_index(rows, Metric::l2));
    LoadOptions options;
    options.devices = "cpu";
    const ShardedIndex index = load(folder / "a.index", options);
    EXPECT_THROW(index.search(rows.row(0), 0), InvalidArgument);
    EXPECT_THROW(index.search(rows.row(0), -1), InvalidArgument);
    EXPECT_THROW(index.search(-1, rows.row(0), 1), InvalidArgument);
    EXPECT_THROW(index.search(std::vector<float>(3), 1), InvalidArgument);
    EXPECT_THROW(index.search(2, rows.row(0), std::int64_t{1} << 62), InvalidArgument);
    std::vector<float> query(4, 1);
    query[2] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_THROW(index.search(query, 1), InvalidArgument);
    query[2] = std::numeric_limits<float>::infinity();
    EXPECT_THROW(index.search(query, 1), InvalidArgument);
    EXPECT_EQ(index.search(rows.row(0), 1).size(), 1u);
}

TEST(SearchShapes, ALargeCallIsSharedAmongReplicas) {
    const Rows rows = uniform_rows(500, 16, 1);
    const TempDir folder;
    write_file(folder / "a.index", flat_index(rows, Metric::l2));
    LoadOptions options;
    options.devices = "cpu=1MiB*4";
    options.plan.strategy = Strategy::replicate;
    options.plan.replicas = 2;
    const ShardedIndex index = load(folder / "a.index", options);
    const SearchResult found = index.search(200, rows.values.data(), 3);
    for (std::int64_t query = 0; query < 200; ++query) EXPECT_EQ(found.row(query).front().id, query);
    const std::vector<Bytes> peaks = index.peak_bytes();
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_GT(peaks[i], index.plan().devices[i].memory.resident) << "device " << i << " has not searched";
    }
}

TEST(SearchShapes, AKAboveThePlanSearchesInSmallerTilesWithinTheGrant) {
    const Rows rows = uniform_rows(2000, 16, 1);
    const TempDir folder;
    write_file(folder / "a.index", flat_index(rows, Metric::inner_product));
    LoadOptions options;
    options.devices = "cpu=1MiB*2";
    options.plan.k = 1;
    const ShardedIndex index = load(folder / "a.index", options);
    const std::vector<Neighbor> found = index.search(rows.row(0), 700);
    EXPECT_EQ(found.size(), 700u);
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_LE(index.peak_bytes()[i], index.plan().devices[i].memory.peak());
    }
}

}  // namespace
}  // namespace gpushard::test
