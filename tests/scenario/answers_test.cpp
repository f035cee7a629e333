#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenario.hpp"
#include "support/reference_search.hpp"
#include "support/shared_data.hpp"

namespace gpushard::test {
namespace {

/// Budgets so small and unequal that each device can hold a part only.
constexpr const char* seven_devices = "cpu=6MiB,cpu=7MiB,cpu=24MiB,cpu=8MiB,cpu=9MiB,cpu=14MiB,cpu=10MiB";

class Answers : public ScenarioFolder {
protected:
    /// Searches into ids.npy and distances.npy of the folder.
    void search(const Arguments& files, const std::string& queries, const Arguments& options) {
        Arguments command = {"search"};
        command.insert(command.end(), files.begin(), files.end());
        command.insert(command.end(), {"--queries", queries, "--out", path("ids.npy"), "--distances",
                                       path("distances.npy"), "--quiet"});
        command.insert(command.end(), options.begin(), options.end());
        const ChildResult result = run_gpushard(command);
        ASSERT_EQ(result.exit_code, 0) << result.err;
        EXPECT_EQ(result.err, "");
        ids_ = read_ids(folder_ / "ids.npy");
        distances_ = read_distances(folder_ / "distances.npy");
        ASSERT_EQ(ids_.rows, distances_.rows);
        ASSERT_EQ(ids_.columns, distances_.columns);
    }

    void expect_exact(const Rows& rows, Metric metric, const Rows& queries, std::int64_t k, Precision precision) {
        ASSERT_EQ(ids_.rows, queries.count);
        ASSERT_EQ(ids_.columns, k);
        for (std::int64_t i = 0; i < queries.count; ++i) {
            ASSERT_EQ(wrong_in_answer(rows, {0, rows.count}, metric, precision, queries.row(i), k, distances_.row(i),
                                      ids_.row(i)),
                      "")
                << "query " << i;
        }
    }

    Array<std::int64_t> ids_;
    Array<float> distances_;
};

TEST_F(Answers, AreExactOnEveryNumberOfDevicesAndForBothMetrics) {
    for (const Metric metric : {Metric::inner_product, Metric::l2}) {
        const Rows rows = uniform_rows(20'000, 96, 5);
        const Rows queries = uniform_rows(60, 96, 6);
        const std::string index = write("some.index", flat_index(rows, metric));
        const std::string file = write("queries.npy", query_npy(queries));
        for (const char* devices : {"cpu", "cpu=3MiB,cpu=5MiB,cpu=8MiB", "cpu=2MiB*7"}) {
            SCOPED_TRACE(devices);
            search({index}, file, {"--devices", devices, "--k", "7", "--max-batch", "32"});
            expect_exact(rows, metric, queries, 7, Precision::f32);
        }
    }
}

TEST_F(Answers, OfReplicasAndOfHalvesAreRight) {
    const Rows rows = uniform_rows(10'000, 64, 5);
    const Rows queries = uniform_rows(40, 64, 6);
    const std::string index = write("some.index", flat_index(rows, Metric::inner_product));
    const std::string file = write("queries.npy", query_npy(queries));
    search({index}, file, {"--devices", "cpu=4MiB*4", "--strategy", "replicate", "--replicas", "2"});
    expect_exact(rows, Metric::inner_product, queries, 10, Precision::f32);
    search({index}, file, {"--devices", "cpu=4MiB*2", "--precision", "f16"});
    expect_exact(rows, Metric::inner_product, queries, 10, Precision::f16);
}

TEST_F(Answers, AreTheSameFromEveryQueryFormat) {
    const Rows rows = uniform_rows(2'000, 24, 5);
    const Rows queries = uniform_rows(30, 24, 6);
    const std::string index = write("some.index", flat_index(rows, Metric::l2));
    search({index}, write("q.npy", query_npy(queries)), {});
    expect_exact(rows, Metric::l2, queries, 10, Precision::f32);
    const std::vector<std::int64_t> ids = ids_.values;
    const std::vector<float> distances = distances_.values;
    for (const std::string& file : {write("q.fvecs", query_fvecs(queries)), write("q.fbin", query_fbin(queries))}) {
        search({index}, file, {});
        EXPECT_EQ(ids_.values, ids);
        EXPECT_EQ(distances_.values, distances);
    }
}

TEST_F(Answers, AreTheSameForAnIndexInParts) {
    const Rows rows = uniform_rows(2'000, 24, 5);
    const std::string bytes = flat_index(rows, Metric::l2);
    const std::string queries = write("q.npy", query_npy(uniform_rows(30, 24, 6)));
    search({write("whole.index", bytes)}, queries, {"--devices", "cpu=1MiB*3"});
    const std::vector<std::int64_t> ids = ids_.values;
    Arguments parts;
    for (const auto& part : write_parts(folder_.path(), bytes, {30, 5000, 100'001})) parts.push_back(part.string());
    ASSERT_EQ(parts.size(), 4u);
    search(parts, queries, {"--devices", "cpu=1MiB*3"});
    EXPECT_EQ(ids_.values, ids);
}

TEST_F(Answers, ThatAreMissingAreMinusOne) {
    const Rows rows = uniform_rows(5, 8, 5);
    const std::string index = write("five.index", flat_index(rows, Metric::l2));
    search({index}, write("q.npy", query_npy(rows)), {"--k", "9", "--devices", "cpu=1MiB*2"});
    expect_exact(rows, Metric::l2, rows, 9, Precision::f32);
    EXPECT_EQ(ids_.row(2)[5], -1);

    search({write("none.index", flat_index({.count = 0, .dim = 8, .values = {}}, Metric::l2))}, path("q.npy"), {});
    EXPECT_THAT(ids_.values, testing::Each(-1));
}

TEST_F(Answers, OfEmbeddingsAreThoseOfFaiss) {
    const std::filesystem::path data = shared_data();
    if (data.empty()) GTEST_SKIP() << "no recorded embeddings: set GPUSHARD_SHARED_DATA";
    const std::string index = (data / "debian_e5_flat.index").string();
    const Array<std::int64_t> faiss_ids = read_ids(data / "exact_ids.npy");
    const Array<float> faiss_scores = read_distances(data / "exact_scores.npy");
    ASSERT_EQ(faiss_ids.rows, 600);
    // Vectors and queries have unit length.
    constexpr float bound = 1e-5f;
    for (const char* devices : {"cpu", "cpu=12MiB,cpu=17MiB,cpu=24MiB", seven_devices}) {
        SCOPED_TRACE(devices);
        search({index}, (data / "queries.npy").string(), {"--devices", devices, "--k", "100"});
        ASSERT_EQ(ids_.rows, 600);
        ASSERT_EQ(ids_.columns, 100);
        for (std::int64_t i = 0; i < 600; ++i) {
            for (std::int64_t j = 0; j < 100; ++j) {
                const float score = faiss_scores.row(i)[j];
                ASSERT_NEAR(distances_.row(i)[j], score, bound) << "query " << i << ", answer " << j;
                if (ids_.row(i)[j] == faiss_ids.row(i)[j]) continue;
                // Another id only where its score lies within the bound of the one it stands for.
                const std::int64_t* end = faiss_ids.row(i) + 100;
                const std::int64_t* there = std::find(faiss_ids.row(i), end, ids_.row(i)[j]);
                const float its_score =
                    there == end ? faiss_scores.row(i)[99] : faiss_scores.row(i)[there - faiss_ids.row(i)];
                ASSERT_NEAR(its_score, score, 2 * bound) << "query " << i << ", answer " << j;
            }
        }
    }
}

TEST_F(Answers, OfEmbeddingsInHalvesAreNearlyThoseOfFaiss) {
    const std::filesystem::path data = shared_data();
    if (data.empty()) GTEST_SKIP() << "no recorded embeddings: set GPUSHARD_SHARED_DATA";
    const Array<std::int64_t> faiss_ids = read_ids(data / "exact_ids.npy");
    search({(data / "debian_e5_flat.index").string()}, (data / "queries.npy").string(),
           {"--devices", "cpu=14MiB*3", "--precision", "f16", "--k", "10"});
    int found = 0;
    for (std::int64_t i = 0; i < 600; ++i) {
        const std::set<std::int64_t> expected(faiss_ids.row(i), faiss_ids.row(i) + 10);
        for (std::int64_t j = 0; j < 10; ++j) found += static_cast<int>(expected.count(ids_.row(i)[j]));
    }
    EXPECT_GE(found / 6000.0, 0.998);
}

}  // namespace
}  // namespace gpushard::test
