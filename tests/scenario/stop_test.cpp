#include <csignal>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace gpushard::test
