#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "random_command.hpp"
#include "support/long_run.hpp"
#include "under_preload.hpp"

namespace gpushard::test {
namespace {

using testing::IsEmpty;

/// Commands are shared out to as many cases, which run side by side.
constexpr int cases = 4;

int commands_of_a_case() { return (is_long_run() ? 10'000 : 200) / cases; }

ChildSetup setup_for(const RandomCommand& command, const Sandbox& sandbox, const TempDir& reports) {
    ChildSetup setup;
    setup.folder = sandbox.path().string();
    setup.largest_file_bytes = 16 << 20;
    // What multiplies the work may take for ever, and is stopped soon; nothing else should ever have to be.
    setup.patience = std::chrono::seconds(command.may_take_long ? 2 : 120);
    if (can_preload) {
        setup.largest_data_bytes = std::uint64_t{4} << 30;
        setup.environment = preload_environment({"WRITES_REPORT=" + (reports / "writes").string()});
    }
    return setup;
}

void expect_a_known_end(const RandomCommand& command, const ChildResult& result) {
    EXPECT_FALSE(result.hung) << "it did not end when it was asked to";
    if (result.was_stopped) {
        EXPECT_TRUE(command.may_take_long) << "it did not end";
        // It may also have come to its own end meanwhile.
        EXPECT_TRUE(result.signal == SIGTERM || (result.exit_code >= 0 && result.exit_code <= 6)) << result.exit_code;
        return;
    }
    EXPECT_EQ(result.signal, 0);
    EXPECT_GE(result.exit_code, 0);
    EXPECT_LE(result.exit_code, 6);
    // Those two also end with another code for what they found.
    const bool tells = command.name() == "explain" || command.name() == "doctor";
    if (result.exit_code > 0 && !tells) {
        EXPECT_THAT(result.err, testing::HasSubstr("gpushard: error: "));
    }
}

/// A byte that makes a terminal do something, or the second of a C1 control character in UTF-8.
bool is_control(const std::string& text, std::size_t at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20) return byte != '\n' && byte != '\t';
    return byte == 0x7f || (at > 0 && text[at - 1] == '\xc2' && byte >= 0x80 && byte < 0xa0);
}

void expect_harmless(const std::string& text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        ASSERT_FALSE(is_control(text, i)) << "a control character at " << i << " of: " << testing::PrintToString(text);
    }
}

void expect_bounded(const std::string& text) {
    std::istringstream lines(text);
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) ASSERT_LT(line.size(), 2000u) << line.substr(0, 300);
    EXPECT_LT(count, 300);
}

/// Whether a difference is what the command was called for.
bool was_asked_for(const std::string& difference, const RandomCommand& command) {
    const std::string name = difference.substr(difference.find(": ") + 2);
    const auto is_among = [&](const std::vector<std::string>& names) {
        return std::find(names.begin(), names.end(), name) != names.end();
    };
    if (difference.starts_with("new: "))
        return is_among(command.writes) || (name == "nothing" && command.has("dangling"));
    if (difference.starts_with("gone: ")) return false;
    // Other names of an old output are touched with it.
    const auto is_old = [](const std::string& written) {
        return std::ranges::find(Sandbox::old_outputs(), written) != Sandbox::old_outputs().end();
    };
    return is_among(Sandbox::old_outputs()) && std::ranges::any_of(command.writes, is_old);
}

void expect_only_what_was_asked_for(const RandomCommand& command, const ChildResult& result,
                                    const std::vector<std::string>& differences) {
    if (result.exit_code > 0) {
        EXPECT_THAT(differences, IsEmpty()) << "a command that failed";
    }
    if (result.signal != 0) return;  // the next run removes its temporary files
    for (const std::string& difference : differences) EXPECT_TRUE(was_asked_for(difference, command)) << difference;
}

void expect_writes_inside(const Sandbox& sandbox, const TempDir& reports) {
    if (!std::filesystem::exists(reports / "writes")) return;
    std::istringstream paths(read_file(reports / "writes"));
    for (std::string path; std::getline(paths, path);) {
        const std::string normal = std::filesystem::path(path).lexically_normal().string();
        // The kernel's own counters of the process are reset there (bench measures the peak of a phase).
        const bool is_no_file = normal == "/dev/null" || normal == "/proc/self/clear_refs";
        EXPECT_TRUE(is_no_file || normal.starts_with(sandbox.path().string() + "/")) << "written: " << path;
    }
}

/// Behind "--" there are no options.
bool asks_for_json(const RandomCommand& command) {
    const auto end = std::ranges::find(command.arguments, "--");
    return std::find(command.arguments.begin(), end, "--json") != end;
}

/// Runs one, and returns how it ended.
std::string run(const RandomCommand& command, const Sandbox& sandbox) {
    SCOPED_TRACE(command.text());
    const TempDir reports;
    const auto before = facts_of(sandbox.path());
    const ChildResult result = run_gpushard(command.arguments, setup_for(command, sandbox, reports));
    expect_a_known_end(command, result);
    expect_only_what_was_asked_for(command, result, differences(before, facts_of(sandbox.path())));
    expect_writes_inside(sandbox, reports);
    expect_bounded(result.err);
    expect_harmless(result.err);
    expect_harmless(result.out);
    if (asks_for_json(command) && result.signal == 0 && !result.was_stopped) {
        EXPECT_TRUE(Json::accept(result.out)) << result.out;
    }
    if (result.was_stopped) return "stopped";
    return result.signal != 0 ? "signal " + std::to_string(result.signal) : "exit " + std::to_string(result.exit_code);
}

class RandomCommands : public testing::TestWithParam<int> {};

TEST_P(RandomCommands, ChangeNoInputAndAlwaysEnd) {
    const std::vector<ListedCommand> commands = listed_commands();
    std::map<std::string, int> ends;
    const std::uint64_t first =
        first_seed() * 1'000'000 + static_cast<std::uint64_t>(GetParam() * commands_of_a_case());
    for (int i = 0; i < commands_of_a_case() && !HasFailure(); ++i) {
        const Sandbox sandbox;
        SCOPED_TRACE("seed " + std::to_string(first + i));
        ++ends[run(CommandMaker(commands, sandbox, first + i).make(), sandbox)];
    }
    std::cout << "hostile: random: " << commands_of_a_case() << " commands (from seed " << first << ");";
    for (const auto& [end, count] : ends) std::cout << ' ' << count << " x " << end << ';';
    std::cout << '\n';
}

INSTANTIATE_TEST_SUITE_P(Share, RandomCommands, testing::Range(0, cases));

TEST(HelpTexts, ListTheOptionsThatCommandsAreMadeOf) {
    const std::vector<ListedCommand> commands = listed_commands();
    const auto search = std::ranges::find(commands, "search", &ListedCommand::name);
    ASSERT_NE(search, commands.end());
    const auto option = [&](const std::string& name) {
        return *std::ranges::find(search->options, name, &ListedOption::name);
    };
    EXPECT_EQ(option("--k").value, "N");
    EXPECT_TRUE(option("--queries").is_required);
    EXPECT_FALSE(option("--queries").is_output);
    EXPECT_TRUE(option("--out").is_output);
    EXPECT_TRUE(option("--json").is_flag());
    EXPECT_TRUE(search->options.front().is_positional());
    EXPECT_EQ(search->options.front().value, "FILE");
}

}  // namespace
}  // namespace gpushard::test
