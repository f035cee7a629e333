#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rig/fault_plan.hpp"
#include "rig/text.hpp"

namespace simcuda {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string refusal(const std::string& text) {
    try {
        parse_faults(text);
    } catch (const BadText& error) {
        return error.what();
    }
    return "accepted";
}

/// Numbers of the calls, from 1, that fail among `calls` on `card`.
std::vector<int> failing(FaultPlan& plan, int calls, int card) {
    std::vector<int> numbers;
    for (int call = 1; call <= calls; ++call) {
        if (!plan.due("cudaMalloc", card).empty()) numbers.push_back(call);
    }
    return numbers;
}

TEST(FaultText, EveryForm) {
    using Action = Fault::Action;
    EXPECT_THAT(
        parse_faults("cudaMalloc:3, cublasGemmEx@1:2+,lose@1:cudaMemcpyAsync:5,"
                     "take@1:cudaMalloc:2=10GiB,lose@2:cudaFree@0:1"),
        ElementsAre(
            Fault{.function = "cudaMalloc", .first_call = 3},
            Fault{.function = "cublasGemmEx", .counted_card = 1, .first_call = 2, .persists = true},
            Fault{.action = Action::lose, .card = 1, .function = "cudaMemcpyAsync", .counted_card = 1, .first_call = 5},
            Fault{.action = Action::take,
                  .card = 1,
                  .function = "cudaMalloc",
                  .counted_card = 1,
                  .first_call = 2,
                  .bytes = std::uint64_t{10} << 30},
            Fault{.action = Action::lose, .card = 2, .function = "cudaFree", .counted_card = 0}));
    EXPECT_THAT(parse_faults("  "), IsEmpty());
}

TEST(FaultText, WhatIsWrongIsNamed) {
    EXPECT_THAT(refusal("cudaMalloc"), HasSubstr("\"cudaMalloc\" is not a fault such as"));
    EXPECT_THAT(refusal("malloc:1"), HasSubstr("not a function of CUDA"));
    EXPECT_THAT(refusal("cudaMalloc:0"), HasSubstr("counted from 1"));
    EXPECT_THAT(refusal("cudaMalloc:x"), HasSubstr("is not a number"));
    EXPECT_THAT(refusal("cudaMalloc:1=4GiB"), HasSubstr("take, and nothing else"));
    EXPECT_THAT(refusal("take@0:cudaMalloc:1"), HasSubstr("take, and nothing else"));
    EXPECT_THAT(refusal("lose:cudaMalloc:1"), HasSubstr("lose needs a card"));
}

TEST(FaultPlan, OnceAndPersistently) {
    FaultPlan plan;
    plan.set(parse_faults("cudaMalloc:3"));
    EXPECT_THAT(failing(plan, 6, 0), ElementsAre(3));
    plan.set(parse_faults("cudaMalloc:3+"));
    EXPECT_THAT(failing(plan, 6, 0), ElementsAre(3, 4, 5, 6)) << "calls count from the new plan on";
    plan.set({});
    EXPECT_THAT(failing(plan, 6, 0), IsEmpty());
}

TEST(FaultPlan, CountsOnlyTheCardItNames) {
    FaultPlan plan;
    plan.set(parse_faults("cudaMalloc@1:2"));
    EXPECT_THAT(failing(plan, 5, 0), IsEmpty());
    EXPECT_THAT(failing(plan, 5, 1), ElementsAre(2));
}

}  // namespace
}  // namespace simcuda
