#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenario.hpp"

namespace gpushard::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const char* const oom_line =
    "StandardGpuResources: alloc fail type TemporaryMemoryOverflow dev 0 space Device stream 0xbcdba10 size "
    "32279537664 "
    "bytes (cudaMalloc error out of memory [2])";

class ExplainCommand : public ScenarioFolder {};

TEST_F(ExplainCommand, TakesAnArgumentAFileOrStandardInput) {
    const std::string log = write("run.log", std::string("epoch 1\n") + oom_line + "\n");
    ChildSetup typed;
    typed.stdin_path = log;
    for (const auto& [arguments, setup] : {std::pair<Arguments, ChildSetup>{{"explain", oom_line}, {}},
                                           {{"explain", "--file", log}, {}},
                                           {{"explain"}, typed},
                                           {{"explain", "--file", "-"}, typed}}) {
        const ChildResult result = run_gpushard(arguments, setup);
        EXPECT_EQ(result.exit_code, 0);
        EXPECT_EQ(result.err, "");
        EXPECT_THAT(result.out, AllOf(HasSubstr("21,015,324 x 768 x 2 bytes (float16)"), HasSubstr("130.73 GB"),
                                      HasSubstr("copyFrom"), HasSubstr("gpushard on one 40 GB card")));
    }
}

TEST_F(ExplainCommand, JsonHasTheNumbers) {
    const Json json = json_of({"explain", oom_line});
    EXPECT_EQ(json["recognised"], true);
    EXPECT_EQ(json["cards"], Json::array({0}));
    EXPECT_EQ(json["findings"][0]["id"], "faiss-copyfrom-float16-copy");
    EXPECT_EQ(json["findings"][0]["kind"], "insufficient_memory");
    EXPECT_EQ(json["findings"][0]["requested_bytes"], 32'279'537'664);
    EXPECT_EQ(json["findings"][0]["readings"][0]["rows"], 21'015'324);
    EXPECT_EQ(json["stock_peak_bytes"], 130'728'763'392);
    EXPECT_EQ(json["ways_out"].size(), 2u);
}

TEST_F(ExplainCommand, ThePlanItNamesWorks) {
    const std::string index = write("some.index", flat_index(uniform_rows(4'000, 48, 1), Metric::inner_product));
    const Json json = json_of({"explain", "failed to cudaMalloc 768000 bytes (error 2 out of memory)", "--index", index,
                               "--devices", "cpu=1MiB*2"});
    EXPECT_EQ(json["findings"][0]["id"], "faiss-cudamalloc-float32");
    ASSERT_TRUE(json.contains("plan"));
    EXPECT_EQ(json["plan_command"], "gpushard load " + index + " --devices 'cpu=1MiB*2'");
    EXPECT_EQ(run_gpushard({"load", index, "--devices", "cpu=1MiB*2"}).exit_code, 0);
}

TEST_F(ExplainCommand, TraceSaysWhichPatternOfWhichEntryMatched) {
    const ChildResult result = run_gpushard({"explain", "--trace", oom_line});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_THAT(result.out, AllOf(HasSubstr("\ntrace\n"), HasSubstr("matched      faiss-temporary-overflow: a cause"),
                                  HasSubstr("by type TemporaryMemoryOverflow"), HasSubstr("'amount:whole_f16' holds")));
    const Json json = json_of({"explain", "--trace", oom_line});
    EXPECT_EQ(json["trace"][0]["candidates"][0]["id"], "faiss-temporary-overflow");
    EXPECT_FALSE(json_of({"explain", oom_line}).contains("trace"));
}

TEST_F(ExplainCommand, AGuessAndANoticeAreCalledSo) {
    EXPECT_THAT(run_gpushard({"explain", "Killed"}).out, StartsWith("a guess: "));
    EXPECT_EQ(json_of({"explain", "Killed"})["findings"][0]["is_guess"], true);
    const ChildResult notice = run_gpushard({"explain", "INFO Loading faiss with AVX2 support."});
    EXPECT_EQ(notice.exit_code, 0);
    EXPECT_THAT(notice.out, StartsWith("no error: "));
}

TEST_F(ExplainCommand, NothingRecognisedIsSaidAndEndsWithOne) {
    const ChildResult result = run_gpushard({"explain", "all is well"});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.out, StartsWith("nothing in 1 lines is known to the catalogue"));
    EXPECT_EQ(result.err, "");
}

TEST_F(ExplainCommand, WrongCallsAreOneLine) {
    expect_error({"explain", "x", "--file", "y"}, 2, {"both a text and --file"});
    expect_error({"explain", "--file", path("none.log")}, 4, {"none.log", "cannot be opened"});
    expect_error({"explain", "--file", path("")}, 4, {"folder"});
    expect_error({"explain", "x", "--dim", "0"}, 2, {"--dim"});
    expect_error({"explain", "x", "--index", path("none.index")}, 4, {"none.index"});
    const std::string own = write("own.json", R"({"entries": [{"id": "a"}]})");
    expect_error({"explain", "x", "--catalogue", own}, 4, {"own.json", "entries[0].kind is missing"});
}

}  // namespace
}  // namespace gpushard::test
