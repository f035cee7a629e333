#include <algorithm>
#include <csignal>
#include <iostream>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hostile_job.hpp"
#include "named_frames.hpp"
#include "support/long_run.hpp"
#include "under_preload.hpp"

namespace gpushard::test {
namespace {

struct FailingCase {
    const char* job;
    const char* kind;
    long most;  ///< how many of its calls fail in a short run
};

void PrintTo(const FailingCase& tested, std::ostream* out) { *out << tested.job << ' ' << tested.kind; }

std::vector<FailingCase> failing_cases() {
    std::vector<FailingCase> cases;
    const auto add = [&](const char* job, const std::vector<const char*>& kinds) {
        cases.push_back({job, "malloc", 24});
        for (const char* const kind : kinds) cases.push_back({job, kind, 8});
    };
    add("load", {"mmap", "pthread_create", "open", "read", "write", "close"});
    add("search", {"mmap", "pthread_create", "open", "read", "write", "fsync", "rename", "close"});
    add("generate", {"pthread_create", "open", "read", "write", "fsync", "rename", "close"});
    return cases;
}

/// A failure that a library answers by ending the process, whatever the caller does.
struct EndOfItsOwn {
    const char* kind;    ///< the call that failed
    const char* caller;  ///< whose call it was: a pattern of the frames that led to it
    int exit_code;       ///< -1 where it is a signal
    int signal;
    const char* says;    ///< a pattern of what is said on stderr
    const char* reason;  ///< who ends it, and why
};

const std::vector<EndOfItsOwn>& ends_of_their_own() {
    static const std::vector<EndOfItsOwn> list = {
        {"malloc", "libgomp\\.so", 1, 0, "libgomp: Out of memory allocating",
         "libgomp: exits where it has no memory for a team or a thread's settings"},
        {"pthread_create", "libgomp\\.so", 1, 0, "libgomp: Thread creation failed",
         "libgomp: exits where it cannot start a thread"},
        {"malloc", "std::filesystem::__cxx11::path::operator/=", -1, SIGABRT, "free\\(\\): double free",
         "libstdc++ 12: path::operator/= frees its parts twice where it has no memory for more"},
        {"malloc", "CLI::App::get_option_no_throw", -1, SIGABRT, "terminate called .*bad_alloc",
         "CLI11: looking an option up by its name is noexcept, and copies the name"},
    };
    return list;
}

const EndOfItsOwn* end_of_its_own(const std::string& kind, const ChildResult& result, const std::string& failed_at) {
    if (result.exit_code == 0 || failed_at.empty()) return nullptr;
    const auto said = [&](const EndOfItsOwn& end) {
        return kind == end.kind && result.exit_code == end.exit_code && result.signal == end.signal &&
               std::regex_search(result.err, std::regex(end.says));
    };
    const auto& list = ends_of_their_own();
    if (std::ranges::none_of(list, said)) return nullptr;
    const std::string frames = named_frames(failed_at);
    const auto found = std::ranges::find_if(
        list, [&](const EndOfItsOwn& end) { return said(end) && std::regex_search(frames, std::regex(end.caller)); });
    return found == list.end() ? nullptr : &*found;
}

/// 1, ..., count; or `most` of them, evenly spread, with the first and the last.
std::vector<long> chosen_of(long count, long most) {
    std::vector<long> chosen;
    const long steps = std::min(count, most);
    for (long i = 0; i < steps; ++i) chosen.push_back(steps == 1 ? 1 : 1 + i * (count - 1) / (steps - 1));
    return chosen;
}

/// One line that says what is wrong, and indented ones that say what to try.
void expect_clear_error(const std::string& err) {
    EXPECT_EQ(err.rfind("gpushard: error: ", 0), 0u) << err;
    std::istringstream lines(err);
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) EXPECT_EQ(line.rfind("  ", 0), 0u) << line;
}

class FailingCalls : public testing::TestWithParam<FailingCase> {
protected:
    void SetUp() override {
        if (!can_preload)
            GTEST_SKIP() << "calls fail by a library in front of the C library; sanitizers have to be the "
                            "first there";
    }

    /// Has the k-th call fail, and returns how it ended.
    std::string fail(HostileJob& job, long k) {
        const std::string moment = std::string(GetParam().kind) + ":" + std::to_string(k);
        SCOPED_TRACE(moment);
        const ChildResult result = job.run_anew({"FAILING_CALL=" + moment});
        const std::string failed_at = job.calls().failed_at;
        SCOPED_TRACE(failed_at + "\n" + result.err);
        EXPECT_FALSE(result.was_stopped) << "it did not end";
        job.expect_whole_outputs();
        if (const EndOfItsOwn* const end = end_of_its_own(GetParam().kind, result, failed_at)) {
            expect_that_the_next_run_succeeds(job);
            return end->reason;
        }
        EXPECT_EQ(result.signal, 0);
        job.expect_nothing_else();
        if (result.exit_code == 0) {
            job.expect_right_outputs();
            return failed_at.empty() ? "not reached" : "right answer";
        }
        EXPECT_LE(result.exit_code, 6);
        expect_clear_error(result.err);
        return "clean error";
    }

    static void expect_that_the_next_run_succeeds(HostileJob& job) {
        const ChildResult next = job.run_again();
        EXPECT_EQ(next.exit_code, 0) << "the next run: " << next.err;
        job.expect_right_outputs();
        job.expect_nothing_else();
    }
};

TEST_P(FailingCalls, EndInACleanErrorOrTheAnswer) {
    HostileJob job(GetParam().job);
    const long count = job.calls().counts.at(GetParam().kind);
    ASSERT_GT(count, 0);
    const std::vector<long> chosen = chosen_of(count, is_long_run() ? count : GetParam().most);
    std::map<std::string, int> ends;
    for (const long k : chosen) {
        ++ends[fail(job, k)];
    }
    std::cout << "hostile: " << GetParam().kind << " in " << job.name() << ": " << chosen.size() << " failures of "
              << count << " calls;";
    for (const auto& [end, times] : ends) {
        const bool is_own =
            std::ranges::any_of(ends_of_their_own(), [&](const auto& one) { return one.reason == end; });
        std::cout << ' ' << times << (is_own ? " aborted by " : " ") << end << ';';
    }
    std::cout << '\n';
}

INSTANTIATE_TEST_SUITE_P(Hostile, FailingCalls, testing::ValuesIn(failing_cases()),
                         [](const auto& tested) { return std::string(tested.param.job) + "_" + tested.param.kind; });

}  // namespace
}  // namespace gpushard::test
