#include <cstdlib>
#include <set>
#include <string>

#include <gmock/gmock.h>

#include "scenario.hpp"

namespace gpushard::test {
namespace {

using testing::HasSubstr;
using testing::Not;

/// The command line tool on simulated cards, which count and do not compute.
class BenchOnCards : public ScenarioFolder {
protected:
    void SetUp() override {
        if (getenv("SIMCUDA_CARDS") == nullptr) GTEST_SKIP() << "real cards do not count";
        const Rows rows = uniform_rows(20'000, 64, 1);
        index_ = write("a.index", flat_index(rows, Metric::inner_product));
        queries_ = write("q.npy", query_npy(uniform_rows(300, 64, 2)));
    }
    void TearDown() override { unsetenv("SIMCUDA_FAULTS"); }

    Arguments bench(const std::string& devices) const {
        return {"bench", index_,     "--queries", queries_,    "--devices",     devices,  "--precision",
                "f16",   "--repeat", "2",         "--batches", "1,16,256,4096", "--quiet"};
    }

private:
    std::string index_;
    std::string queries_;
};

Json row_of(const Json& bench, const std::string& what) {
    for (const Json& row : bench["rows"]) {
        if (row["what"] == what) return row;
    }
    ADD_FAILURE() << "no row " << what;
    return {};
}

std::set<std::string> names_of(const Json& bench) {
    std::set<std::string> names;
    for (const Json& row : bench["rows"]) names.insert(row["what"]);
    return names;
}

TEST_F(BenchOnCards, HasCountsAndNoSpeeds) {
    for (const std::string devices : {"cuda:0", "cuda:all"}) {
        SCOPED_TRACE(devices);
        Arguments arguments = bench(devices);
        if (devices == "cuda:all") arguments.insert(arguments.end(), {"--min-devices", "4"});
        const Json bench = json_of(arguments);
        EXPECT_EQ(names_of(bench),
                  (std::set<std::string>{"cuda_mallocs", "copied_per_resident", "card_peak_bytes", "launches_nq1",
                                         "launches_nq16", "launches_nq256", "launches_nq4096", "merge"}));
        // Every byte is copied once; Faiss copies float32, and then what it converted.
        EXPECT_DOUBLE_EQ(row_of(bench, "copied_per_resident")["ours"], 1);
        EXPECT_NEAR(row_of(bench, "copied_per_resident")["faiss"], 3, 0.01);
        const double cards = devices == "cuda:all" ? 4 : 1;
        EXPECT_GE(row_of(bench, "cuda_mallocs")["ours"], 2 * cards);
        EXPECT_LE(row_of(bench, "cuda_mallocs")["ours"], 5 * cards);
        EXPECT_GT(row_of(bench, "cuda_mallocs")["ratio"], 1);
        EXPECT_GE(row_of(bench, "card_peak_bytes")["ours"], 20'000 * 64 * 2 / cards);
        EXPECT_GT(row_of(bench, "card_peak_bytes")["ratio"], 1);
        for (const char* launches : {"launches_nq1", "launches_nq16", "launches_nq256", "launches_nq4096"}) {
            EXPECT_GE(row_of(bench, launches)["ours"], cards) << launches;
            EXPECT_GE(row_of(bench, launches)["faiss"], cards) << launches;
        }
        EXPECT_GE(row_of(bench, "launches_nq4096")["ours"], row_of(bench, "launches_nq1")["ours"]);
    }
}

TEST_F(BenchOnCards, SaysThatFaissFailedAndStillHasOurFigures) {
    // gpushard makes two allocations; when Faiss makes its first, another process has taken what was free.
    setenv("SIMCUDA_FAULTS", "take@0:cudaMalloc:3=64GiB", 1);
    const Json bench = json_of(this->bench("cuda:0"));
    const Json peak = row_of(bench, "card_peak_bytes");
    EXPECT_GT(peak["ours"], 20'000 * 64 * 2);
    EXPECT_TRUE(peak["faiss"].is_null());
    EXPECT_TRUE(peak["ratio"].is_null());
    EXPECT_THAT(peak["faiss_failure"].get<std::string>(), HasSubstr("alloc fail"));

    const ChildResult table = run_gpushard(this->bench("cuda:0"));
    EXPECT_EQ(table.exit_code, 0) << table.err;
    EXPECT_THAT(table.out, HasSubstr("failed"));
    EXPECT_THAT(table.out, HasSubstr("Faiss failed: "));
    EXPECT_THAT(table.out, Not(HasSubstr("nan")));
}

TEST_F(BenchOnCards, RefusesCardsMixedWithTheHost) {
    Arguments mixed = bench("cuda:0,cpu=1GiB");
    mixed.insert(mixed.end(), {"--min-devices", "2"});
    expect_error(mixed, 2, {"cards and on the host"});
}

}  // namespace
}  // namespace gpushard::test
