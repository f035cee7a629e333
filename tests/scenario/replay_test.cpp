#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenario.hpp"

namespace gpushard::test {
namespace {

using testing::HasSubstr;

class Replay : public ScenarioFolder {
protected:
    Replay() { index_ = write("some.index", flat_index(uniform_rows(5'000, 32, 1), Metric::l2)); }

    std::string saved_plan(const Arguments& options) {
        Arguments command = {"plan", index_, "--json"};
        command.insert(command.end(), options.begin(), options.end());
        const ChildResult result = run_gpushard(command);
        EXPECT_EQ(result.exit_code, 0) << result.err;
        return write("plan.json", result.out);
    }

    std::string index_;
};

TEST_F(Replay, GivesTheSamePlanByteForByte) {
    for (const Arguments& options : {Arguments{"--devices", "cpu=1MiB,cpu=2MiB", "--strategy", "proportional"},
                                     Arguments{"--devices", "cpu=4MiB*3", "--precision", "f16", "--min-devices", "2"},
                                     Arguments{"--devices", "cpu=500KiB", "--spill", "1MiB"},
                                     Arguments{"--devices", "2xA100-40GB,T4", "--k", "100"}}) {
        const std::string plan = saved_plan(options);
        const ChildResult again = run_gpushard({"plan", index_, "--plan", plan, "--json"});
        EXPECT_EQ(again.exit_code, 0) << again.err;
        EXPECT_EQ(again.out, read_file(plan));
        EXPECT_EQ(run_gpushard({"plan", "--plan", plan, "--json"}).out, read_file(plan));
    }
}

TEST_F(Replay, LoadsExactlyThatPlacement) {
    const std::string plan = saved_plan({"--devices", "cpu=1MiB,cpu=2MiB", "--strategy", "proportional"});
    const Json planned = Json::parse(read_file(plan));
    const Json loaded = json_of({"load", index_, "--plan", plan, "--quiet"});
    ASSERT_EQ(loaded["devices"].size(), 2u);
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(loaded["devices"][i]["rows"], planned["devices"][i]["rows"]);
        EXPECT_EQ(loaded["devices"][i]["spec"], planned["devices"][i]["spec"]);
    }
    EXPECT_EQ(loaded["fingerprint"], planned["fingerprint"]);
}

TEST_F(Replay, WhatALoadPrintsCanBeReplayed) {
    write("loaded.json", run_gpushard({"load", index_, "--devices", "cpu=1MiB*2", "--json", "--quiet"}).out);
    EXPECT_EQ(json_of({"plan", index_, "--plan", path("loaded.json")})["devices"].size(), 2u);
}

TEST_F(Replay, FindsTheIndexWhereItHasMoved) {
    const std::string plan = saved_plan({"--devices", "cpu=1MiB*2"});
    const std::string moved = path("moved.index");
    std::filesystem::rename(index_, moved);
    expect_error({"load", "--plan", plan}, 4, {"some.index"});
    EXPECT_EQ(json_of({"load", moved, "--plan", plan, "--quiet"})["index"]["file"], moved);
}

TEST_F(Replay, RefusesAnIndexThatChanged) {
    const std::string plan = saved_plan({"--devices", "cpu=1MiB*2"});
    write("some.index", flat_index(uniform_rows(5'000, 32, 2), Metric::l2));
    for (const char* command : {"plan", "load"}) expect_error({command, index_, "--plan", plan}, 4, {"another index"});
}

TEST_F(Replay, RefusesADeviceThatIsNotThere) {
    Json plan = Json::parse(read_file(saved_plan({"--devices", "2xT4"})));
    for (Json& device : plan["devices"]) device["planning_only"] = false;
    plan["devices"][0]["spec"] = "cuda:0";
    plan["devices"][1]["spec"] = "cuda:1";
    const std::string edited = write("cards.json", plan.dump());
    for (const char* command : {"plan", "load"}) expect_error({command, index_, "--plan", edited}, 5);
}

TEST_F(Replay, RefusesMemoryThatIsNotThere) {
    const std::string huge = path("huge.index");
    write("huge.index", flat_index_header(std::int64_t{1} << 30, 768, Metric::l2));
    std::filesystem::resize_file(huge, 45 + (std::uintmax_t{768} << 32));
    const ChildResult planned = run_gpushard({"plan", huge, "--devices", "cpu=2TiB*2", "--json"});
    ASSERT_EQ(planned.exit_code, 0) << planned.err;
    const std::string plan = write("plan.json", planned.out);
    for (const char* command : {"plan", "load"}) expect_error({command, huge, "--plan", plan}, 3);
}

TEST_F(Replay, ASearchMayAskForAnotherK) {
    const std::string plan = saved_plan({"--devices", "cpu=2MiB*2", "--k", "20"});
    const std::string queries = write("q.npy", query_npy(uniform_rows(7, 32, 3)));
    const Arguments search = {"search", index_,  "--plan",        plan,     "--queries",
                              queries,  "--out", path("ids.npy"), "--quiet"};
    EXPECT_EQ(json_of(search)["k"], 20);
    EXPECT_EQ(read_ids(folder_ / "ids.npy").columns, 20);
    Arguments fewer = search;
    fewer.insert(fewer.end(), {"--k", "5"});
    EXPECT_EQ(json_of(fewer)["k"], 5);
}

}  // namespace
}  // namespace gpushard::test
