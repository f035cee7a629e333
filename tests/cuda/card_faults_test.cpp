// Every call of a load and of a search fails once and for good, each in a process of its own: Faiss aborts on most.

#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "cuda/card_rig.hpp"
#include "support/child_process.hpp"

namespace gpushard::test {
namespace {

/// The functions of CUDA that a load or a search calls, by us or inside Faiss.
constexpr const char* functions[] = {"cudaMalloc",
                                     "cudaHostAlloc",
                                     "cudaMemcpyAsync",
                                     "cudaMemsetAsync",
                                     "cudaEventCreateWithFlags",
                                     "cudaEventRecord",
                                     "cudaEventSynchronize",
                                     "cudaStreamCreateWithFlags",
                                     "cudaStreamSynchronize",
                                     "cudaDeviceSynchronize",
                                     "cudaMemGetInfo",
                                     "cudaLaunchKernel",
                                     "cublasCreate_v2",
                                     "cublasGemmEx",
                                     "cublasSgemmEx"};

std::string last_line(const std::string& text) {
    const auto end = text.find_last_not_of('\n');
    if (end == std::string::npos) return "";
    const auto begin = text.find_last_of('\n', end);
    return text.substr(begin == std::string::npos ? 0 : begin + 1,
                       end - (begin == std::string::npos ? 0 : begin + 1) + 1);
}

class CardFaultsTest : public SimulatedRig {
protected:
    void SetUp() override {
        SimulatedRig::SetUp();
        if (IsSkipped()) return;
        index_ = write_index(20'000, 32, Metric::l2);
        ::setenv("SIMCUDA_CARDS", "3x1GiB", 1);
    }
    void TearDown() override {
        ::unsetenv("FAULT_CHILD_FAULTS");
        SimulatedRig::TearDown();
    }

    ChildResult run_with(const std::string& faults, bool searches) {
        ::setenv("FAULT_CHILD_FAULTS", faults.c_str(), 1);
        std::vector<std::string> command{GPUSHARD_FAULT_CHILD, index_};
        if (searches) command.push_back("search");
        return run_child(command);
    }

    /// Whether the process ended in one of the ways it may.
    void expect_clean_end(const ChildResult& result, const std::string& faults) {
        const std::string said = faults + "\n" + result.out + result.err;
        if (result.signal == SIGABRT) {
            // A fault for good strikes several cards at once, and each may have a last word inside Faiss.
            const bool strikes_all = faults.back() == '+';
            EXPECT_THAT(strikes_all ? result.err : last_line(result.err),
                        testing::ContainsRegex("gpushard: aborted: cuda:[0-2]: Faiss called abort\\(\\) in [a-zA-Z]+;"))
                << said;
            return;
        }
        EXPECT_EQ(result.signal, 0) << said;
        EXPECT_NE(result.exit_code, 3) << said;
        if (result.exit_code == 0) return;
        EXPECT_GE(result.exit_code, 10) << said;
        EXPECT_THAT(result.out, testing::HasSubstr("error: ")) << said;
    }

    /// Fails the k-th call of `function` for k = 1, 2, ... until there is no such call; returns how many there were.
    int fail_each(const std::string& function, const std::string& suffix, bool searches,
                  const std::function<void(const ChildResult&, const std::string&)>& check) {
        int k = 1;
        for (; k < 200; ++k) {
            const std::string faults = function + ":" + std::to_string(k) + suffix;
            const ChildResult result = run_with(faults, searches);
            check(result, faults);
            if (result.signal == 0 && result.exit_code == 0 && result.out.find("recovered: ") == std::string::npos &&
                suffix != "") {
                break;
            }
            if (suffix.empty() && result.exit_code == 0 && result.out.find("recovered: ") == std::string::npos) break;
        }
        return k - 1;
    }

    std::string index_;
};

TEST_F(CardFaultsTest, AFailedCudaMallocIsRecoveredFromOrReportedWithItsNumbers) {
    for (const std::string suffix : {"", "+"}) {
        const int failures = fail_each("cudaMalloc", suffix, false, [&](const ChildResult& result, const auto& faults) {
            expect_clean_end(result, faults);
            EXPECT_EQ(result.signal, 0) << faults << result.err;
            if (result.exit_code == 0) return;
            EXPECT_THAT(result.out, testing::ContainsRegex("error: .*cuda:[0-2]")) << faults;
        });
        EXPECT_GE(failures, 3 * 3) << "stack, vectors and norms on three cards";
    }
}

TEST_F(CardFaultsTest, EveryOtherCallEndsInAnErrorOrInALastLineThatNamesTheCard) {
    for (const std::string function : functions) {
        for (const std::string suffix : {"", "+"}) {
            // A card that can never be waited for is a lost one: see the last test.
            if (function == "cudaDeviceSynchronize" && suffix == "+") continue;
            fail_each(function, suffix, false,
                      [&](const ChildResult& result, const auto& faults) { expect_clean_end(result, faults); });
        }
    }
}

TEST_F(CardFaultsTest, SearchesEndTheSameWay) {
    for (const char* const function : functions) {
        fail_each(function, "", true,
                  [&](const ChildResult& result, const auto& faults) { expect_clean_end(result, faults); });
    }
}

TEST_F(CardFaultsTest, ACardLostBetweenTheCallsOfFaissIsNamedAndTheOthersAreReleased) {
    int named = 0;
    for (const char* const call : {"cudaMemcpyAsync", "cudaEventRecord", "cudaEventSynchronize", "cudaHostAlloc"}) {
        for (const bool searches : {false, true}) {
            for (int k = 1; k < 12; ++k) {
                const std::string faults = "lose@1:" + std::string(call) + ":" + std::to_string(k);
                const ChildResult result = run_with(faults, searches);
                expect_clean_end(result, faults);
                if (result.exit_code >= 10) {
                    EXPECT_THAT(result.out, testing::HasSubstr("cuda:1")) << faults;
                    ++named;
                }
            }
        }
    }
    EXPECT_GT(named, 4);
}

}  // namespace
}  // namespace gpushard::test
