#include <csignal>
#include <iostream>
#include <map>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hostile_job.hpp"
#include "support/long_run.hpp"
#include "under_preload.hpp"

namespace gpushard::test {
namespace {

constexpr int cancelled = 6;

struct SignalCase {
    const char* job;
    const char* name;
    int signal;
};

void PrintTo(const SignalCase& tested, std::ostream* out) { *out << tested.job << ' ' << tested.name; }

std::vector<SignalCase> signal_cases() {
    std::vector<SignalCase> cases;
    for (const char* const job : {"load", "search", "generate"}) {
        cases.insert(
            cases.end(),
            {{job, "SIGTERM", SIGTERM}, {job, "SIGINT", SIGINT}, {job, "SIGHUP", SIGHUP}, {job, "SIGKILL", SIGKILL}});
    }
    return cases;
}

/// Moments of a command: just before one of its calls, by turns an allocation and another one.
class RandomMoments {
public:
    RandomMoments(std::map<std::string, long> counts, std::uint64_t seed) : counts_(std::move(counts)), random_(seed) {}

    /// "malloc:17"
    std::string next() {
        kind_ = kind_ == "malloc" ? "other" : "malloc";
        return kind_ + ":" + std::to_string(std::uniform_int_distribution<long>(1, counts_.at(kind_))(random_));
    }

private:
    std::map<std::string, long> counts_;
    std::mt19937_64 random_;
    std::string kind_;
};

class Signals : public testing::TestWithParam<SignalCase> {
protected:
    void SetUp() override {
        if (!can_preload)
            GTEST_SKIP() << "moments are calls that a library in front of the C library counts; "
                            "sanitizers have to be the first there";
    }

    /// Sends the signal at that moment, and returns how it ended.
    std::string signal_at(HostileJob& job, const std::string& moment) {
        SCOPED_TRACE(moment);
        const ChildResult result = job.run_anew({"SIGNAL_AT=" + moment + ":" + std::to_string(GetParam().signal)});
        SCOPED_TRACE(result.err);
        EXPECT_FALSE(result.was_stopped) << "it did not end";
        job.expect_whole_outputs();
        if (result.signal != 0) {
            EXPECT_EQ(result.signal, GetParam().signal);
        } else if (result.exit_code == 0) {
            job.expect_right_outputs();
        } else {
            EXPECT_EQ(result.exit_code, cancelled);
        }
        if (result.signal == 0) job.expect_nothing_else();
        return result.signal != 0 ? "ended by it" : result.exit_code == 0 ? "done before" : "exit 6";
    }

    static void expect_that_the_next_run_succeeds(HostileJob& job) {
        const ChildResult next = job.run_again();
        EXPECT_EQ(next.exit_code, 0) << "the next run: " << next.err;
        job.expect_right_outputs();
        job.expect_nothing_else();
    }
};

TEST_P(Signals, LeaveWholeOutputsAndNothingInTheWay) {
    HostileJob job(GetParam().job);
    const std::uint64_t seed = first_seed() + static_cast<std::uint64_t>(GetParam().signal);
    RandomMoments moments(job.calls().counts, seed);
    std::map<std::string, int> ends;
    const int count = is_long_run() ? 50 : 4;
    for (int i = 0; i < count && !HasFailure(); ++i) {
        const std::string moment = moments.next();
        ++ends[signal_at(job, moment)];
        SCOPED_TRACE("after " + moment);
        expect_that_the_next_run_succeeds(job);
    }
    std::cout << "hostile: " << GetParam().name << " in " << job.name() << ": " << count << " signals (seed " << seed
              << ");";
    for (const auto& [end, times] : ends) std::cout << ' ' << times << ' ' << end << ';';
    std::cout << '\n';
}

INSTANTIATE_TEST_SUITE_P(Hostile, Signals, testing::ValuesIn(signal_cases()),
                         [](const auto& tested) { return std::string(tested.param.job) + "_" + tested.param.name; });

}  // namespace
}  // namespace gpushard::test
