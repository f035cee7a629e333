#include "simcuda/kernels/mistakes.hpp"

#include <cuda_runtime_api.h>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/simulated_cards.hpp"

namespace gpushard::test {
namespace {

/// A lost card stays lost, so each begins with new ones.
void use_new_cards() {
    set_simulated_cards("2x64MiB");
    cudaGetLastError();
    clear_card_findings();
}

/// "" where CUDA saw nothing wrong.
std::string error_of(const Mistake& mistake) {
    try {
        mistake.make();
        return "";
    } catch (const std::runtime_error& error) {
        return error.what();
    }
}

TEST(Mistakes, AreReportedWithKernelThreadLineAndAllocation) {
    if (!simulated_cards_are_there()) GTEST_SKIP() << "real cards report no mistakes";
    for (const Mistake& mistake : mistakes()) {
        SCOPED_TRACE(mistake.name);
        use_new_cards();
        EXPECT_EQ(error_of(mistake),
                  mistake.stops ? mistake.name + ": " + cudaGetErrorString(cudaErrorLaunchFailure) : "");
        const std::vector<std::string> findings = card_findings();
        ASSERT_EQ(findings.size(), 1U) << testing::PrintToString(findings);
        EXPECT_THAT(findings.front(), testing::HasSubstr(mistake.name));
        EXPECT_THAT(findings.front(), testing::ContainsRegex("line [0-9]+ `"));
        EXPECT_THAT(findings.front(), testing::ContainsRegex("module [0-9]+ of test_simcuda_kernels]"));
        for (const std::string& words : mistake.words) EXPECT_THAT(findings.front(), testing::HasSubstr(words));
    }
    RecordProperty("mistakes", static_cast<int>(mistakes().size()));
    clear_card_findings();
}

TEST(Mistakes, CorrectKernelsHaveNone) {
    if (!simulated_cards_are_there()) GTEST_SKIP() << "real cards report no mistakes";
    use_new_cards();
    EXPECT_NO_THROW(launch_correct_kernels());
    EXPECT_THAT(card_findings(), testing::IsEmpty());
}

}  // namespace
}  // namespace gpushard::test
