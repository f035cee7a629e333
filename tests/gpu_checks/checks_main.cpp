#include <cstdio>
#include <exception>

#include <gtest/gtest.h>

#include <gpushard/abort_report.hpp>

#include "gpu_checks/card_under_test.hpp"

namespace {

/// GoogleTest's JSON leaves out why a test was skipped.
class SkipReasons : public testing::EmptyTestEventListener {
    void OnTestPartResult(const testing::TestPartResult& result) override {
        if (result.skipped()) testing::Test::RecordProperty("why_skipped", result.message());
    }
};

}  // namespace

/// GoogleTest's own main, after a look for a card: without one there is nothing to check (exit 5).
int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    if (testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();
    try {
        gpushard::test::card();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "gpu_checks: %s\n", error.what());
        return 5;
    }
    testing::UnitTest::GetInstance()->listeners().Append(new SkipReasons);
    gpushard::install_abort_report();
    return RUN_ALL_TESTS();
}
