// What searches on the host call, and how they end.

#include <chrono>
#include <csignal>
#include <string>

#include <gmock/gmock.h>

#include "scenario.hpp"

namespace gpushard::test {
namespace {

using testing::HasSubstr;

class HostScan : public ScenarioFolder {
protected:
    ChildResult counted(const std::string& command, const std::string& precision, const std::string& devices) const {
        ChildSetup setup;
        setup.environment = {"LD_PRELOAD=" GPUSHARD_COUNTING_CALLS};
        Arguments arguments = {command, path("a.index"), "--devices", devices, "--precision", precision};
        if (command == "search") arguments.insert(arguments.end(), {"--queries", path("q.npy"), "--k", "20"});
        return run_gpushard(arguments, setup);
    }
};

TEST_F(HostScan, CallsNeitherBlasNorOpenMp) {
#ifdef GPUSHARD_SANITIZED
    GTEST_SKIP() << "sanitizers want to be the first library";
#endif
    for (const Metric metric : {Metric::inner_product, Metric::l2}) {
        write("a.index", flat_index(uniform_rows(3000, 64, 5), metric));
        for (const std::int64_t queries : {1, 25, 300}) {
            write("q.npy", query_npy(uniform_rows(queries, 64, 6)));
            for (const char* precision : {"f32", "f16", "bf16"}) {
                for (const char* devices : {"cpu=8MiB", "cpu=2MiB*3"}) {
                    const ChildResult found = counted("search", precision, devices);
                    EXPECT_EQ(found.exit_code, 0) << found.err;
                    EXPECT_THAT(found.err, HasSubstr("BLAS calls: 0, OpenMP regions: 0"));
                }
            }
        }
        EXPECT_THAT(counted("load", "f16", "cpu=8MiB").err, HasSubstr("BLAS calls: 0, OpenMP regions: 0"));
    }
}

/// That such calls are counted at all.
TEST_F(HostScan, LeavesOtherMetricsToFaissAndOpenMp) {
#ifdef GPUSHARD_SANITIZED
    GTEST_SKIP() << "sanitizers want to be the first library";
#endif
    write("a.index", flat_index(uniform_rows(3000, 64, 5), Metric::l1));
    write("q.npy", query_npy(uniform_rows(25, 64, 6)));
    EXPECT_THAT(counted("search", "f32", "cpu=8MiB").err, testing::Not(HasSubstr("OpenMP regions: 0")));
}

TEST_F(HostScan, SearchesOnTheThreadsThatWereAskedFor) {
    write("a.index", flat_index(uniform_rows(3000, 64, 5), Metric::l2));
    write("q.npy", query_npy(uniform_rows(25, 64, 6)));
    const auto answers = [&](const std::string& threads) {
        return json_of({"search", path("a.index"), "--devices", "cpu=8MiB", "--queries", path("q.npy"), "--threads",
                        threads, "--json"});
    };
    const Json one = answers("1");
    EXPECT_EQ(one["plan"]["options"]["threads"], 1);
    const Json three = answers("3");
    EXPECT_EQ(three["plan"]["options"]["threads"], 3);
    EXPECT_EQ(one["answers"], three["answers"]);
    EXPECT_GT(three["plan"]["devices"][0]["scratch_bytes"], one["plan"]["devices"][0]["scratch_bytes"]);
    expect_error({"plan", path("a.index"), "--devices", "cpu", "--threads", "0"}, 2);
}

}  // namespace
}  // namespace gpushard::test
