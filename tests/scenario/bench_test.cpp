#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "scenario.hpp"

namespace gpushard::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t count = 3'000;
constexpr std::int32_t dim = 24;

class Bench : public ScenarioFolder {
protected:
    Bench()
        : index_(write("a.index", flat_index(uniform_rows(count, dim, 1), Metric::inner_product))),
          queries_(write("q.npy", query_npy(uniform_rows(5, dim, 2)))) {}

    Arguments bench(const Arguments& options) const {
        Arguments arguments = {"bench", index_, "--queries", queries_, "--quiet"};
        arguments.insert(arguments.end(), options.begin(), options.end());
        return arguments;
    }

    std::string index_;
    std::string queries_;
};

std::vector<std::string> names(const Json& bench) {
    std::vector<std::string> names;
    for (const Json& row : bench["rows"]) names.push_back(row["what"]);
    return names;
}

void expect_machine(const Json& machine) {
    EXPECT_GT(machine["fma_peak_flops"], 0);
    EXPECT_GT(machine["read_bytes_per_second"], 0);
    EXPECT_GE(machine["threads"], 1);
    EXPECT_GE(machine["processors"], 1);
}

void expect_trust(const Json& row) {
    SCOPED_TRACE(row.dump());
    EXPECT_GE(row["ours_spread"], 0);
    EXPECT_GT(row["cpu_share"], 0);
    EXPECT_LE(row["cpu_share"], 1);
    EXPECT_GE(row["steal"], 0);
    EXPECT_LE(row["steal"], 1);
    ASSERT_TRUE(row["undecided"].is_boolean());
    if (!row["faiss_spread"].is_number()) return;
    EXPECT_EQ(row["undecided"], row["ours_spread"] > 0.1 || row["faiss_spread"] > 0.1);
}

TEST_F(Bench, SaysOfEveryRowHowFarItCanBeTrusted) {
    const Json bench = json_of(this->bench({"--repeat", "2", "--batches", "1,3", "--callers", "2"}));
    EXPECT_EQ(bench["repetitions"], 2);
    EXPECT_EQ(bench["queries"], 3);
    EXPECT_FALSE(bench.contains("against"));
    expect_machine(bench["machine"]);
    EXPECT_THAT(names(bench), ElementsAre("load_seconds", "load_peak_rss", "qps_nq1", "qps_nq3", "callers2", "merge"));
    for (const Json& row : bench["rows"]) expect_trust(row);
    const std::map<std::string, double> batches = {{"qps_nq1", 1}, {"qps_nq3", 3}};
    for (const Json& row : bench["rows"]) {
        const auto batch = batches.find(row["what"]);
        EXPECT_EQ(row.contains("of_fma_peak"), batch != batches.end()) << row;
        EXPECT_EQ(row.contains("of_read_bandwidth"), batch != batches.end()) << row;
        if (batch == batches.end()) continue;
        const double qps = row["ours"];
        EXPECT_DOUBLE_EQ(row["of_fma_peak"], qps * 2 * count * dim / bench["machine"]["fma_peak_flops"].get<double>());
        EXPECT_DOUBLE_EQ(row["of_read_bandwidth"], qps / batch->second * count * dim * 4 /
                                                       bench["machine"]["read_bytes_per_second"].get<double>());
    }
}

TEST_F(Bench, HasCallersBesideOneAfterTheOther) {
    const Json bench = json_of(this->bench({"--repeat", "2", "--batches", "2", "--callers", "3", "--only-searches"}));
    EXPECT_THAT(names(bench), ElementsAre("qps_nq2", "callers3"));
    const Json callers = bench["rows"][1];
    EXPECT_GT(callers["ours"], 0);
    EXPECT_TRUE(callers["faiss"].is_null());
    EXPECT_TRUE(callers["faiss_spread"].is_null());
    EXPECT_DOUBLE_EQ(callers["ratio"], callers["ours"].get<double>() / callers["sequential"].get<double>());
}

TEST_F(Bench, DecidesNothingFromOneFigure) {
    const Json bench = json_of(this->bench({"--repeat", "1", "--batches", "2", "--only-searches"}));
    EXPECT_THAT(names(bench), ElementsAre("qps_nq2"));
    EXPECT_EQ(bench["rows"][0]["undecided"], true);
    EXPECT_TRUE(bench["rows"][0]["ours_spread"].is_null());
    const ChildResult table = run_gpushard(this->bench({"--repeat", "1", "--batches", "2", "--only-searches"}));
    EXPECT_THAT(table.out, testing::ContainsRegex("machine: .* GFLOP/s .* GB/s"));
    EXPECT_THAT(table.out, testing::ContainsRegex("\nqps_nq2 .*  undecided\n"));
    EXPECT_THAT(table.out, testing::Not(HasSubstr("nan")));
}

TEST_F(Bench, SaysWhatItMeasuresUnlessTold) {
    const ChildResult help = run_gpushard({"bench", "--help"});
    EXPECT_THAT(help.out, HasSubstr("--repeat N=7 "));
    EXPECT_THAT(help.out, HasSubstr("--batches LIST=1,4,16,64,256,1024"));
}

TEST_F(Bench, RefusesBatchesThatAreNone) {
    for (const char* batches : {"", "0", "-1", "x", "1,,2", "1,", ",", "1,2,1", "1000001", "1.5"}) {
        expect_error(bench({"--batches", batches}), 2, {"--batches"});
    }
    expect_error(bench({"--repeat", "0"}), 2, {"--repeat"});
    expect_error(bench({"--callers", "-1"}), 2, {"--callers"});
    expect_error(bench({"--against", ""}), 2, {"--against"});
}

}  // namespace
}  // namespace gpushard::test
