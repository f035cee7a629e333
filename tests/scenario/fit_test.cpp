#include <algorithm>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenario.hpp"

namespace gpushard::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;

/// `plan --fit` for FlashRAG's wiki_100w_e5_index: its true header and size, and zeros for vectors.
class Fit : public ScenarioFolder {
protected:
    Fit() {
        index_ = write("wiki.index", flat_index_header(21'015'324, 768, Metric::inner_product));
        std::filesystem::resize_file(index_, 64'559'075'373);
    }

    std::string index_;
};

TEST_F(Fit, ListsTheSmallestRigs) {
    const ChildResult text = run_gpushard({"plan", index_, "--fit"});
    EXPECT_EQ(text.exit_code, 0);
    EXPECT_THAT(text.out, AllOf(ContainsRegex("1xA100-40GB +f16, bf16"), ContainsRegex("2xA100-40GB +f32")));

    const Json fit = json_of({"plan", index_, "--fit", "--precision", "f16", "--max-cards", "1"});
    EXPECT_EQ(fit["fits"], true);
    EXPECT_EQ(fit["max_cards"], 1);
    for (const Json& rig : fit["rigs"]) {
        EXPECT_EQ(rig["count"], 1);
        EXPECT_EQ(rig["precision"], "f16");
        EXPECT_EQ(run_gpushard({"plan", index_, "--precision", "f16", "--devices", rig["spec"]}).exit_code, 0) << rig;
    }
}

TEST_F(Fit, CountsReplicasAndSpill) {
    const auto count = [&](Arguments options) {
        options.insert(options.begin(), {"plan", index_, "--fit", "--precision", "f32"});
        const Json fit = json_of(options);
        for (const Json& rig : fit["rigs"]) {
            if (rig["card"] == "A100-40GB") return rig["count"].get<int>();
        }
        return 0;
    };
    EXPECT_EQ(count({}), 2);
    EXPECT_EQ(count({"--replicas", "2"}), 4);
    EXPECT_EQ(count({"--spill", "24GiB"}), 1);
}

TEST_F(Fit, SaysWhatCannotBe) {
    expect_error({"plan", index_, "--fit", "--max-cards", "1", "--replicas", "2"}, 3, {"fits no rig of up to 1"});
    expect_error({"plan", index_, "--fit", "--devices", "cpu"}, 2, {"--fit"});
    expect_error({"plan", index_, "--max-cards", "4"}, 2, {"--fit"});
    expect_error({"plan", path("missing"), "--fit"}, 4, {"missing"});
}

TEST_F(Fit, IsATableThatFitsAScreen) {
    const std::string text = run_gpushard({"plan", index_, "--fit"}).out;
    EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 40) << text;
}

/// Plans of an index that is not there.
class PlanOfNoFile : public ScenarioFolder {};

TEST_F(PlanOfNoFile, IsThatOfAFileOfThisSize) {
    const std::string index = write("wiki.index", flat_index_header(21'015'324, 768, Metric::inner_product));
    std::filesystem::resize_file(index, 64'559'075'373);
    Json of_file = json_of({"plan", index, "--devices", "2xA100-40GB"});
    Json of_none = json_of({"plan", "--count", "21015324", "--dim", "768", "--devices", "2xA100-40GB"});
    EXPECT_EQ(of_none["index"]["file"], nullptr);
    EXPECT_EQ(of_none["index"]["files"], Json::array());
    EXPECT_EQ(of_none["fingerprint"], "");
    EXPECT_EQ(of_none["devices"], of_file["devices"]);
    EXPECT_EQ(of_none["totals"], of_file["totals"]);
    const ChildResult text =
        run_gpushard({"plan", "--count", "21M", "--dim", "768", "--metric", "l2", "--devices", "20GiB,4x24GiB"});
    EXPECT_EQ(text.exit_code, 0) << text.err;
    EXPECT_THAT(text.out, AllOf(HasSubstr("(no file)"), HasSubstr("21,000,000 x 768, l2"), HasSubstr("is of no file"),
                                HasSubstr("bandwidth of 20GiB is not known")));
    EXPECT_THAT(run_gpushard({"plan", "--count", "21,015,324", "--dim", "768", "--fit"}).out,
                ContainsRegex("1xA100-40GB +f16, bf16"));
}

TEST_F(PlanOfNoFile, CannotBeReplayed) {
    const std::string plan = write(
        "plan.json", run_gpushard({"plan", "--count", "1000", "--dim", "8", "--devices", "cpu=1GiB", "--json"}).out);
    const std::string index = write("some.index", flat_index(uniform_rows(1000, 8, 1), Metric::inner_product));
    for (const Arguments& command : {Arguments{"load", "--plan", plan}, Arguments{"load", index, "--plan", plan},
                                     Arguments{"plan", "--plan", plan}}) {
        expect_error(command, 2, {"the plan is of no file", "neither loaded nor replayed"});
    }
}

TEST_F(PlanOfNoFile, TakesNumbersAsPeopleWriteThem) {
    const struct {
        const char* typed;
        std::int64_t count;
    } counts[] = {{"21015324", 21'015'324},   {"21,015,324", 21'015'324},
                  {"21_015_324", 21'015'324}, {"21'015'324", 21'015'324},
                  {"21M", 21'000'000},        {"21m", 21'000'000},
                  {"1.5M", 1'500'000},        {"100k", 100'000},
                  {"1e6", 1'000'000},         {"2.1e7", 21'000'000},
                  {"1E+6", 1'000'000},        {"0.02B", 20'000'000},
                  {"1,000", 1'000},           {"5.0", 5},
                  {"1G", 1'000'000'000}};
    for (const auto& [typed, count] : counts) {
        const Json plan = json_of({"plan", "--count", typed, "--dim", "2", "--devices", "B300"});
        EXPECT_EQ(plan["index"]["count"], count) << typed;
    }
    for (const char* typed : {"", "-1", "many", "1.5", "1,00", "1,0000", "21,015324", ",100", "1.000.000", "1e",
                              "1e999", "99999999999999999999", "1e30", "10GiB", "1 2"}) {
        expect_error({"plan", "--count", typed, "--dim", "2", "--devices", "cpu"}, 2, {"--count"});
    }
}

TEST_F(PlanOfNoFile, RefusesWhatContradictsItself) {
    const std::string index = write("some.index", flat_index(uniform_rows(10, 8, 1), Metric::inner_product));
    expect_error({"plan", "--count", "10"}, 2, {"--count was given without --dim"});
    expect_error({"plan", "--dim", "10"}, 2, {"--dim was given without --count"});
    expect_error({"plan", index, "--count", "10", "--dim", "8"}, 2, {"both an index file and --count"});
    expect_error({"plan", "--metric", "ip", index}, 2, {"--count"});
    expect_error({"plan", "--plan", path("p.json"), "--count", "10", "--dim", "8"}, 2, {"--plan"});
    expect_error({"plan", "--count", "10", "--dim", "1048577"}, 2, {"--dim"});
    expect_error({"plan", "--count", "9e18", "--dim", "8"}, 2, {"vector count"});
    expect_error({"plan", "--count", "10", "--dim", "8", "--metric", "cosine"}, 2,
                 {"--metric", "cosine", "unit length"});
    expect_error({"plan", "--count", "21M", "--dim", "768", "--devices", "20GiB"}, 3, {"does not fit"});
}

TEST_F(PlanOfNoFile, CanBeExplainedWith) {
    const ChildResult result = run_gpushard(
        {"explain", "--count", "21015324", "--dim", "768", "--devices", "A100-40GB", "--precision", "f16",
         "StandardGpuResources: alloc fail type TemporaryMemoryOverflow dev 0 space Device stream 0xbcdba10 "
         "size 32279537664 bytes (cudaMalloc error out of memory [2])"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("21,015,324 x 768"));
    expect_error({"explain", "--count", "10", "x"}, 2, {"without --dim"});
}

}  // namespace
}  // namespace gpushard::test
