#include <cstdlib>
#include <map>
#include <string>

#include <gmock/gmock.h>

#include "scenario.hpp"

namespace gpushard::test {
namespace {

constexpr double resident_bytes = 300.0 * 128 * 2;

/// The command line tool on simulated cards that compute: what searches load and store.
class BenchTraffic : public ScenarioFolder {
protected:
    void SetUp() override {
        if (getenv("SIMCUDA_CARDS") == nullptr) GTEST_SKIP() << "real cards do not count";
        index_ = write("a.index", flat_index(uniform_rows(300, 128, 1), Metric::inner_product));
        queries_ = write("q.npy", query_npy(uniform_rows(300, 128, 2)));
    }

    Arguments bench(const std::string& devices) const {
        Arguments arguments = {"bench", index_,        "--queries", queries_,        "--devices",
                               devices, "--precision", "f16",       "--repeat",      "1",
                               "--k",   "1",           "--batches", "1,16,256,4096", "--quiet"};
        if (devices == "cuda:all") arguments.insert(arguments.end(), {"--min-devices", "4"});
        return arguments;
    }

    /// The rows whose figures are counts.
    std::map<std::string, Json> counts(const std::string& devices) const {
        std::map<std::string, Json> counts;
        const Json bench = json_of(this->bench(devices));
        for (const Json& row : bench["rows"]) counts.emplace(row["what"], row);
        counts.erase("merge");
        return counts;
    }

private:
    std::string index_;
    std::string queries_;
};

TEST_F(BenchTraffic, IsAtLeastEveryResidentByteAndTheSameInEveryRun) {
    for (const std::string devices : {"cuda:0", "cuda:all"}) {
        auto rows = counts(devices);
        for (const std::string batch : {"nq1", "nq16", "nq256", "nq4096"}) {
            SCOPED_TRACE(devices + ", " + batch);
            const Json loaded = rows["bytes_loaded_" + batch];
            ASSERT_TRUE(loaded.is_object());
            EXPECT_EQ(loaded["unit"], "bytes");
            EXPECT_EQ(loaded["floor"], resident_bytes);
            EXPECT_GE(loaded["ours"], resident_bytes);
            EXPECT_GE(loaded["faiss"], resident_bytes);
            EXPECT_DOUBLE_EQ(loaded["ratio"], loaded["faiss"].get<double>() / loaded["ours"].get<double>());
            const Json stored = rows["bytes_stored_" + batch];
            ASSERT_TRUE(stored.is_object());
            EXPECT_FALSE(stored.contains("floor"));
            EXPECT_GT(stored["ours"], 0);
            EXPECT_GT(stored["faiss"], 0);
        }
        for (const char* side : {"ours", "faiss"}) {
            EXPECT_GT(rows["bytes_loaded_nq4096"][side], 10 * rows["bytes_loaded_nq16"][side].get<double>()) << side;
            EXPECT_GT(rows["bytes_stored_nq4096"][side], 100 * rows["bytes_stored_nq16"][side].get<double>()) << side;
        }
        // One query loads the vectors once, and little else.
        EXPECT_LT(rows["bytes_loaded_nq1"]["ours"], 1.1 * resident_bytes);
        EXPECT_LT(rows["bytes_loaded_nq1"]["faiss"], 1.1 * resident_bytes);
        EXPECT_FALSE(rows["launches_nq1"].contains("floor"));
        EXPECT_EQ(counts(devices), rows) << devices;
    }
}

TEST_F(BenchTraffic, StandsBesideTheFloorInTheTable) {
    const ChildResult table = run_gpushard(bench("cuda:0"));
    EXPECT_EQ(table.exit_code, 0) << table.err;
    EXPECT_THAT(table.out, testing::ContainsRegex("ratio +floor"));
    EXPECT_THAT(table.out, testing::ContainsRegex("bytes_loaded_nq16 .* 75.00 KiB\n"));
    EXPECT_THAT(table.out, testing::ContainsRegex("bytes_stored_nq16 +[^ ]+ KiB +[^ ]+ KiB +[0-9.]+\n"));
}

}  // namespace
}  // namespace gpushard::test
