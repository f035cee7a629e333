// What searches on the host call, and how they end.

#include <chrono>
#include <csignal>
#include <string>

#include <gmock/gmock.h>

#include <gpushard/bytes.hpp>

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
    Bytes scratch = 0;
    for (const std::string threads : {"1", "3"}) {
        const Json plan = json_of({"plan", path("a.index"), "--devices", "cpu=8MiB", "--threads", threads});
        EXPECT_EQ(plan["options"]["threads"], std::stoi(threads));
        EXPECT_GT(plan["devices"][0]["scratch_bytes"].get<Bytes>(), scratch);
        scratch = plan["devices"][0]["scratch_bytes"].get<Bytes>();
        const ChildResult found =
            run_gpushard({"search", path("a.index"), "--devices", "cpu=8MiB", "--queries", path("q.npy"), "--threads",
                          threads, "--out", path("ids" + threads + ".npy"), "--distances", path(threads + ".npy")});
        EXPECT_EQ(found.exit_code, 0) << found.err;
    }
    EXPECT_EQ(read_file(path("ids1.npy")), read_file(path("ids3.npy")));
    EXPECT_EQ(read_file(path("1.npy")), read_file(path("3.npy")));
    expect_error({"plan", path("a.index"), "--devices", "cpu", "--threads", "0"}, 2);
}

}  // namespace
}  // namespace gpushard::test
