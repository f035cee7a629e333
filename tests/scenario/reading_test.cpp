#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenario.hpp"

namespace gpushard::test {
namespace {

using testing::HasSubstr;

constexpr int bad_file = 4;
constexpr int device = 5;

class Reading : public ScenarioFolder {
protected:
    Reading() { index_ = write("some.index", flat_index(uniform_rows(500, 8, 1), Metric::l2)); }

    /// Every option and argument that names a file to read, with this one; commands end whatever it is.
    std::vector<Arguments> commands(const std::string& file) const {
        return {{"inspect", file},
                {"inspect", index_, file},
                {"plan", index_, "--plan", file},
                {"load", "--plan", file},
                {"plan", index_, "--devices", "@" + file},
                {"search", index_, "--queries", file},
                {"explain", "--file", file},
                {"explain", "out of memory", "--catalogue", file},
                {"explain", "out of memory", "--index", file}};
    }

    std::string shell(const std::string& script) const {
        const ChildResult result = run_child({"/bin/bash", "-c", "g=" + std::string(GPUSHARD_PROGRAM) + "\n" + script});
        EXPECT_EQ(result.exit_code, 0) << script << "\n" << result.err;
        return result.out;
    }

    std::string index_;
};

TEST_F(Reading, WhatMightNeverBeginOrEndIsRefusedAtOnce) {
    ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
    for (const std::string& file : {path("pipe"), std::string("/dev/zero"), std::string("/dev/null"), path("")}) {
        for (const Arguments& command : commands(file)) {
            if (command[0] == "search" && file == path("pipe")) continue;  // queries may come from one
            expect_error(command, bad_file, {file});
        }
    }
}

TEST_F(Reading, APipeOfTheShellIsAFile) {
    const std::string index = " '" + index_ + "'";
    const std::string rig =
        write("rig.json", R"({"devices": [{"spec": "cuda:0", "name": "a card", "total_bytes": 8589934592}]})");
    EXPECT_THAT(shell("$g plan" + index + " --devices @<(cat '" + rig + "')"), HasSubstr("500 x 8"));
    EXPECT_THAT(shell("$g plan" + index + " --devices cpu --json | $g load --plan /dev/stdin"), HasSubstr("loaded"));
    const std::string error = "echo 'cudaErrorMemoryAllocation: out of memory'";
    EXPECT_THAT(shell(error + " | $g explain"), HasSubstr("line 1"));
    EXPECT_THAT(shell(error + " | $g explain --file -"), HasSubstr("line 1"));
    EXPECT_THAT(shell("$g explain --file <(" + error + ")"), HasSubstr("line 1"));
}

TEST_F(Reading, APathThatIsNotUtf8SurvivesAPlan) {
    for (const std::string& name : {std::string("bad\xff\xfename.index"), std::string("c1\xc2\x9b\x9b%41.index")}) {
        const std::string moved = path(name);
        std::filesystem::copy_file(index_, moved);
        const ChildResult plan = run_gpushard({"plan", moved, "--json"});
        ASSERT_EQ(plan.exit_code, 0) << plan.err;
        for (const char* command : {"plan", "load"}) {
            const ChildResult replayed = run_gpushard({command, "--plan", write("plan.json", plan.out)});
            EXPECT_EQ(replayed.exit_code, 0) << replayed.err;
        }
    }
}

/// Whatever a file is called, nothing but its letters reaches the terminal.
TEST_F(Reading, ControlCharactersOfNamesReachNoTerminal) {
    for (const std::string& name : {std::string("\xc2\x9b"
                                                "31m\x1b[2J"),
                                    std::string("\x9b"
                                                "31m\x85")}) {
        std::vector<Arguments> commands = this->commands(path(name));
        std::filesystem::copy_file(index_, path(name + "there"));
        for (Arguments& command : this->commands(path(name + "there"))) commands.push_back(command);
        for (Arguments command : commands) {
            for (int json = 0; json < 2; ++json) {
                const ChildResult result = run_gpushard(command);
                for (const std::string& text : {result.out, result.err}) {
                    EXPECT_EQ(text.find_first_of("\x1b\x9b\x85"), std::string::npos) << command[0] << text;
                }
                command.emplace_back("--json");
            }
        }
    }
}

TEST_F(Reading, FewDescriptorsAreSaidToBeTooFew) {
    const std::string command =
        "ulimit -n 4; exec " + std::string(GPUSHARD_PROGRAM) + " plan '" + index_ + "' --devices cpu";
    const ChildResult result = run_child({"/bin/sh", "-c", command});
    EXPECT_EQ(result.exit_code, device) << result.err;
    EXPECT_THAT(result.err,
                HasSubstr("how much memory the host has is unknown: /proc/meminfo cannot be read: Too many"));
    EXPECT_THAT(result.err, HasSubstr("ulimit -n 1024"));
}

}  // namespace
}  // namespace gpushard::test
