#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hanging_child.hpp"
#include "scenario.hpp"

namespace gpushard::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class Stop : public ScenarioFolder {
protected:
    /// Sends the signal as soon as the first line of progress has come.
    static ChildSetup signal_at_first_progress(int signal) {
        ChildSetup setup;
        setup.on_stderr = [signal, sent = false](const std::string& err, pid_t child) mutable {
            if (sent || err.find("%") == std::string::npos) return;
            sent = true;
            ::kill(child, signal);
        };
        return setup;
    }
};

TEST_F(Stop, GeneratingLeavesNothingBehind) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        const ChildResult result = run_gpushard({"generate", "--out", path("made.index"), "--count", "1000000", "--dim",
                                                 "256", "--threads", "1", "--json", "--queries", path("q.npy")},
                                                signal_at_first_progress(signal));
        EXPECT_EQ(result.exit_code, 6) << result.err;
        EXPECT_EQ(Json::parse(result.out)["error"]["kind"], "cancelled");
        EXPECT_THAT(files(), IsEmpty());
    }
}

TEST_F(Stop, LoadingIsCancelled) {
    const std::string index = write("zeros.index", flat_index_header(1 << 20, 256, Metric::l2));
    std::filesystem::resize_file(index, 45 + (std::uintmax_t{1} << 30));
    const ChildResult result =
        run_gpushard({"load", index, "--devices", "cpu=1GiB*2"}, signal_at_first_progress(SIGINT));
    EXPECT_EQ(result.exit_code, 6) << result.err;
    EXPECT_THAT(result.err, HasSubstr("gpushard: error: "));
    EXPECT_EQ(result.out, "");
}

// Sanitizers must be the first library that is loaded.
#ifndef GPUSHARD_SANITIZED
TEST_F(Stop, AnIgnoredSignalStaysIgnored) {
    std::string ignored;
    ChildSetup setup = hang_in("pwrite:2", [&](pid_t child) {
        std::ifstream status("/proc/" + std::to_string(child) + "/status");
        for (std::string line; std::getline(status, line);) {
            if (line.rfind("SigIgn:", 0) == 0) ignored = line.substr(line.find_first_not_of("SigIgn: \t"));
        }
        ::kill(child, SIGTERM);
        ::kill(child, SIGINT);
    });
    setup.ignored_signals = {SIGHUP};
    EXPECT_EQ(run_gpushard({"generate", "--out", path("made.index"), "--count", "10", "--dim", "4"}, setup).exit_code,
              6);
    ASSERT_FALSE(ignored.empty());
    const unsigned long long signals = std::stoull(ignored, nullptr, 16);
    EXPECT_TRUE(signals >> (SIGHUP - 1) & 1);
    EXPECT_FALSE(signals >> (SIGTERM - 1) & 1);
}
#endif

TEST_F(Stop, AReaderThatGoesAwayIsNoError) {
    const std::string index = write("some.index", flat_index(uniform_rows(10, 4, 1), Metric::l2));
    const ChildResult result = run_gpushard({"inspect", index}, {.nobody_reads_stdout = true});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.err, "");
}

TEST_F(Stop, AFullStdoutIsAnError) {
    const std::string index = write("some.index", flat_index(uniform_rows(10, 4, 1), Metric::l2));
    const ChildResult result = run_gpushard({"inspect", index}, {.stdout_path = "/dev/full"});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr("gpushard: error: standard output cannot be written: No space left on device"));
}

#ifndef GPUSHARD_SANITIZED
/// A command that hangs at some point, in a call that never returns and asks nobody whether to stop.
struct Hang {
    const char* what;
    const char* command;
    const char* call;  ///< as for `hang_in`
    int signal;
    int second = 0;  ///< another, of another kind: two of one kind may come as one; 0: none
};

class StopAtAnyMoment : public Stop, public testing::WithParamInterface<Hang> {};

TEST_P(StopAtAnyMoment, EndsAndLeavesEverythingAsItWas) {
    const Rows rows = uniform_rows(5'000, 32, 1);
    const std::string index = write("some.index", flat_index(rows, Metric::l2));
    const std::string queries = write("q.npy", query_npy(uniform_rows(7, 32, 3)));
    write("ids.npy", npy("<i8", "(1, 1)", std::vector<std::int64_t>{7}));
    write("old.index", "old");
    const std::map<std::string, Arguments> commands = {
        {"load", {"load", index}},
        {"bench", {"bench", index, "--queries", queries}},
        {"plan", {"plan", index}},
        {"search", {"search", index, "--queries", queries, "--out", path("ids.npy")}},
        {"generate", {"generate", "--out", path("new.index"), "--count", "10", "--dim", "4"}},
        {"replace", {"generate", "--out", path("old.index"), "--count", "10", "--dim", "4", "--force"}},
    };
    const std::vector<std::string> names = files();
    bool hung = false;
    const auto stop = [&](pid_t child) {
        hung = true;
        ::kill(child, GetParam().signal);
        if (GetParam().second != 0) ::kill(child, GetParam().second);
    };
    const ChildResult result = run_gpushard(commands.at(GetParam().command), hang_in(GetParam().call, stop));
    EXPECT_TRUE(hung);
    EXPECT_EQ(result.exit_code, 6) << result.err << result.signal;
    EXPECT_THAT(result.err, testing::EndsWith("\ngpushard: error: cancelled\n"));
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(files(), names);
    EXPECT_EQ(read_ids(folder_ / "ids.npy").values, std::vector<std::int64_t>{7});
    EXPECT_EQ(read_file(folder_ / "old.index"), "old");
}

INSTANTIATE_TEST_SUITE_P(Calls, StopAtAnyMoment,
                         testing::Values(Hang{"planning", "plan", "pread:1", SIGTERM},
                                         Hang{"planning_a_search", "search", "pread:1", SIGINT},
                                         Hang{"loading", "load", "large_pread:1", SIGHUP},
                                         Hang{"loading_for_bench", "bench", "large_pread:1", SIGTERM},
                                         Hang{"beginning_outputs", "search", "pwrite:1", SIGTERM},
                                         Hang{"between_batches", "search", "pwrite:2", SIGTERM},
                                         Hang{"between_batches_twice", "search", "pwrite:2", SIGINT, SIGTERM},
                                         Hang{"syncing", "search", "fsync:1", SIGINT, SIGHUP},
                                         Hang{"generating", "generate", "pwrite:2", SIGHUP, SIGTERM},
                                         Hang{"replacing_what_was_generated", "replace", "renameat:1", SIGTERM,
                                              SIGINT}),
                         [](const auto& hang) { return hang.param.what; });
#endif

}  // namespace
}  // namespace gpushard::test
