#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/printable_text.hpp>

#include "scenario.hpp"

namespace gpushard::test {
namespace {

using testing::HasSubstr;

constexpr int usage = 2;
constexpr int bad_file = 4;

/// An index of 4,000 x 8 in five parts of equal size, one of them with a name that a shell would cut.
class PartsOfAnIndex : public ScenarioFolder {
protected:
    PartsOfAnIndex() {
        const std::string bytes = flat_index(rows_, Metric::inner_product);
        const std::size_t size = bytes.size() / 5;
        EXPECT_EQ(bytes.size() % 5, 0u) << "equal sizes are what cannot be told from each other";
        for (std::size_t i = 0; i < 5; ++i) {
            parts_.push_back(
                write("a part_a" + std::string(1, static_cast<char>('a' + i)), bytes.substr(i * size, size)));
        }
        queries_ = write("queries.npy", query_npy(uniform_rows(3, 8, 4)));
    }

    /// Every command that takes an index, for these files.
    std::vector<Arguments> commands(const Arguments& files) const {
        std::vector<Arguments> commands = {{"inspect"},
                                           {"plan"},
                                           {"load"},
                                           {"search", "--queries", queries_},
                                           {"bench", "--queries", queries_, "--repeat", "1"}};
        for (Arguments& command : commands) command.insert(command.begin() + 1, files.begin(), files.end());
        return commands;
    }

    Rows rows_ = uniform_rows(4'000, 8, 3);
    Arguments parts_;
    std::string queries_;
};

TEST_F(PartsOfAnIndex, InAnotherOrderAreRefusedWithALineThatCanBePasted) {
    Arguments swapped = parts_;
    std::swap(swapped[1], swapped[2]);
    std::string in_order;
    for (const std::string& part : parts_) in_order += " " + shell_quoted(part);
    for (const Arguments& command : commands(swapped)) {
        expect_error(command, usage, {"a part_ac is named before a part_ab"});
        EXPECT_THAT(run_gpushard(command).err, HasSubstr("  try: gpushard " + command.front() + in_order));
    }
    Arguments inspect = {"inspect", "--json"};
    inspect.insert(inspect.end(), swapped.begin(), swapped.end());
    const std::string err = run_gpushard(inspect).err;
    const std::size_t begin = err.find("try: gpushard ") + 14;
    const std::string line = std::string(GPUSHARD_PROGRAM) + " " + err.substr(begin, err.find('\n', begin) - begin);
    const ChildResult pasted = run_child({"/bin/sh", "-c", line});
    EXPECT_EQ(pasted.exit_code, 0) << line << pasted.err;
    EXPECT_EQ(Json::parse(pasted.out)["count"], 4'000);
}

TEST_F(PartsOfAnIndex, AreReadAsGivenWhereThatIsAskedFor) {
    Arguments swapped = parts_;
    std::swap(swapped[1], swapped[2]);
    swapped.emplace_back("--parts-as-given");
    for (Arguments command : commands(swapped)) {
        if (command.front() == "bench") continue;  // takes no parts
        EXPECT_EQ(run_gpushard(command).exit_code, 0) << command.front();
    }
    const std::string plan = write("plan.json", run_gpushard([&] {
                                                    Arguments command = {"plan", "--json"};
                                                    command.insert(command.end(), swapped.begin(), swapped.end());
                                                    return command;
                                                }())
                                                    .out);
    expect_error({"load", "--plan", plan}, usage, {"is named before"});
    expect_error({"plan", "--plan", plan}, usage, {"is named before"});
    EXPECT_EQ(run_gpushard({"load", "--plan", plan, "--parts-as-given"}).exit_code, 0);
}

TEST_F(PartsOfAnIndex, AreFoundBesideTheFirstAndNoted) {
    for (const Arguments& command : commands({parts_[0]})) {
        const ChildResult result = run_gpushard(command);
        if (command.front() == "bench") {
            EXPECT_THAT(result.err, HasSubstr("an index in several parts cannot be compared"));
            continue;
        }
        EXPECT_EQ(result.exit_code, 0) << result.err;
        EXPECT_THAT(result.err, HasSubstr(" is the first of 5 parts, which are read with it:"));
    }
    const Json of_one = json_of({"search", parts_[0], "--queries", queries_, "--out", path("one.npy"), "--quiet"});
    write("whole.index", flat_index(rows_, Metric::inner_product));
    json_of({"search", path("whole.index"), "--queries", queries_, "--out", path("whole.npy"), "--quiet"});
    EXPECT_EQ(read_file(path("one.npy")), read_file(path("whole.npy")));
    EXPECT_EQ(json_of({"load", parts_[0], "--verify", "20", "--quiet"})["index"]["files"].size(), 5u);

    std::filesystem::remove(parts_[3]);
    for (const Arguments& command : commands({parts_[0]})) expect_error(command, bad_file, {"a part_ad is missing"});
    for (const Arguments& command : commands({parts_[2]})) expect_error(command, usage, {"is piece 3 of 3", "part_aa"});
}

TEST_F(PartsOfAnIndex, AreAFindingOfTheDoctorAndOfExplain) {
    const ChildResult doctor = run_gpushard({"doctor", "--index", parts_[1], parts_[0], "--json"});
    EXPECT_THAT(doctor.out, HasSubstr("is named before"));
    expect_error({"explain", "out of memory", "--index", parts_[1], parts_[0]}, usage, {"is named before"});
    const ChildResult explained =
        run_gpushard({"explain", "cudaErrorMemoryAllocation: out of memory", "--index", parts_[0]});
    EXPECT_EQ(explained.exit_code, 0);
    EXPECT_THAT(explained.err, HasSubstr(" is the first of 5 parts"));
}

}  // namespace
}  // namespace gpushard::test
