#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/printable_text.hpp>

#include "scenario.hpp"

namespace gpushard::test {
namespace {

/// Flags that stand alone; all others take a value.
bool stands_alone(const std::string& flag) { return flag == "--force" || flag == "--parts-as-given"; }

/// What a line of advice tells to type: a whole command, or flags for the one that failed; empty where it is prose.
std::string pasted(const std::string& advice, const std::string& failed) {
    const auto command = advice.find("gpushard ");
    if (command != std::string::npos) return advice.substr(command);
    if (advice.rfind("--", 0) != 0) return {};
    std::istringstream words(advice);
    std::string flag, value;
    words >> flag >> value;
    if (stands_alone(flag.substr(0, flag.find(',')))) return failed + " " + flag.substr(0, flag.find(','));
    return failed + " " + flag + " " + value.substr(0, value.find(','));
}

std::vector<std::string> advice_of(const std::string& err) {
    const std::string mark = "  try: ";
    std::vector<std::string> advice;
    std::istringstream lines(err);
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind(mark, 0) == 0) advice.push_back(line.substr(mark.size()));
    }
    return advice;
}

/// A folder whose name a shell has to be told literally, and the tool by its name on the PATH.
class Hints : public ScenarioFolder {
protected:
    Hints() {
        std::filesystem::create_directories(home_);
        std::filesystem::create_symlink(GPUSHARD_PROGRAM, folder_ / "gpushard");
        index_ = put("some.index", flat_index(rows_, Metric::inner_product));
        queries_ = put("q.npy", query_npy(rows_));
    }

    std::string put(const std::string& name, const std::string& bytes) const {
        write_file(home_ / name, bytes);
        return (home_ / name).string();
    }

    ChildResult shell(const std::string& line) const {
        return run_child({"/bin/sh", "-c", "PATH=" + shell_quoted(folder_.path().string()) + ":$PATH; " + line});
    }

    /// Runs what is advised when the command fails, and returns how much of it could be pasted.
    int follow(const std::vector<std::string>& words, int exit_code) {
        std::string failed = "gpushard";
        for (const std::string& word : words) failed += " " + shell_quoted(word);
        SCOPED_TRACE(failed);
        const ChildResult result = shell(failed);
        EXPECT_EQ(result.exit_code, exit_code) << result.err;
        int pastes = 0;
        for (const std::string& advice : advice_of(result.err)) {
            const std::string line = pasted(advice, failed);
            // --parts-as-given is for who knows better than the names, which nobody does here.
            if (line.empty() || line.find("FILE") != std::string::npos || line.find("-as-given") != std::string::npos) {
                continue;
            }
            const ChildResult followed = shell(line);
            EXPECT_EQ(followed.exit_code, 0) << line << "\n" << followed.err;
            ++pastes;
        }
        return pastes;
    }

    const Rows rows_ = uniform_rows(2000, 64, 3);
    const std::filesystem::path home_ = folder_ / "it's $HOME; a \"folder\"";
    std::string index_;
    std::string queries_;
};

TEST_F(Hints, OfPlansThatDoNotFitArePlansThatDo) {
    EXPECT_GE(follow({"plan", index_, "--devices", "cpu=300KiB"}, 3), 1);
    EXPECT_GE(follow({"plan", index_, "--devices", "cpu=300KiB,cpu=100KiB", "--max-batch", "4096"}, 3), 1);
    EXPECT_GE(follow({"plan", "--count", "21015324", "--dim", "768", "--metric", "ip", "--devices", "A100-40GB"}, 3),
              4);
    EXPECT_GE(follow({"plan", "--count", "21015324", "--dim", "768", "--devices", "2xA100-40GB", "--strategy",
                      "replicate", "--replicas", "2"},
                     3),
              3);
}

TEST_F(Hints, OfPartsAreTheRightOrder) {
    const std::string bytes = flat_index(rows_, Metric::inner_product);
    const std::size_t third = bytes.size() / 3;
    const std::vector<std::string> parts = {put("part_aa", bytes.substr(0, third)),
                                            put("part_ab", bytes.substr(third, third)),
                                            put("part_ac", bytes.substr(2 * third))};
    EXPECT_EQ(follow({"search", parts[0], parts[2], parts[1], "--queries", queries_, "--devices", "cpu"}, 2), 1);
    EXPECT_EQ(follow({"inspect", parts[1], parts[0], parts[2]}, 2), 1);
    EXPECT_EQ(follow({"plan", parts[2], parts[1], parts[0], "--devices", "cpu"}, 2), 1);
    EXPECT_EQ(follow({"inspect", parts[1]}, 2), 1);
}

TEST_F(Hints, OfFilesAndFoldersNameTheIndex) {
    std::filesystem::create_directory(home_ / "faiss index");
    put("faiss index/index.faiss", flat_index(rows_, Metric::l2));
    put("faiss index/index.pkl", std::string("\x80\x04\x95\x10\0\0\0\0\0\0\0}.", 13));
    EXPECT_GE(follow({"inspect", (home_ / "faiss index").string()}, 4), 1);
    EXPECT_GE(follow({"inspect", (home_ / "faiss index" / "index.pkl").string()}, 4), 1);
}

TEST_F(Hints, OfSearches) {
    const std::string raw = put("raw", std::string(64 * 4 * 10, '\0'));
    EXPECT_EQ(follow({"search", index_, "--queries", raw, "--devices", "cpu"}, 4), 1);
    EXPECT_EQ(follow({"search", index_, "--queries", queries_, "--devices", "cpu", "--k", "5000"}, 2), 1);
    const std::string other = put("other", flat_index(rows_, Metric::l2));
    EXPECT_EQ(follow({"search", index_, "--queries", queries_, "--devices", "cpu", "--out", other}, 2), 1);
    EXPECT_EQ(follow({"generate", "--out", index_, "--count", "10", "--dim", "64"}, 2), 1);
}

TEST_F(Hints, OfWordsThatAreNotKnown) {
    EXPECT_GE(follow({"plan", index_, "--devices", "4xA100-41GB"}, 2), 1);
    EXPECT_EQ(follow({"plan", index_, "--divices", "cpu"}, 2), 1);
    EXPECT_EQ(follow({"serch", index_}, 2), 1);
    EXPECT_EQ(follow({"load", index_, "--devices", "A100-40GB"}, 5), 1);
}

TEST_F(Hints, OfReplayedPlans) {
    const ChildResult plan = shell("gpushard plan " + shell_quoted(index_) + " --devices cpu --json");
    ASSERT_EQ(plan.exit_code, 0) << plan.err;
    const std::string saved = put("plan.json", plan.out);
    write_file(index_, flat_index(uniform_rows(2000, 64, 4), Metric::inner_product));
    EXPECT_EQ(follow({"load", "--plan", saved}, 4), 1);
}

}  // namespace
}  // namespace gpushard::test
