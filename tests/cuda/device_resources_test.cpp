#include "cuda/device_resources.hpp"

#include <memory>

#include <gmock/gmock.h>

#include <gpushard/error.hpp>

#include "cuda/card_rig.hpp"
#include "support/errors.hpp"

namespace gpushard::test {
namespace {

using faiss::gpu::AllocInfo;
using faiss::gpu::AllocRequest;
using faiss::gpu::AllocType;
using faiss::gpu::MemorySpace;

constexpr Bytes stack = 4_MiB;

class CardResources : public SimulatedRig {
protected:
    std::shared_ptr<DeviceBudget> budget = std::make_shared<DeviceBudget>("cuda:0", 64_MiB);

    static void* take(DeviceResources& resources, MemorySpace space, std::size_t bytes) {
        return resources.allocMemory(
            AllocRequest(AllocInfo(AllocType::FlatData, 0, space, resources.getDefaultStream(0)), bytes));
    }
};

TEST_F(CardResources, KeepALedgerByTypeOfAllocation) {
    const auto resources =
        DeviceResources::create(budget, {.ordinal = 0, .temp_stack = stack, .before_allocation = {}});
    EXPECT_EQ(resources->ledger().total().current, stack);
    EXPECT_EQ(card_bytes(0), stack);
    EXPECT_EQ(pinned_bytes(), 0u);

    void* const one = take(*resources, MemorySpace::Device, 1000);
    void* const two = take(*resources, MemorySpace::Device, 5000);
    const auto& flat = resources->ledger().by_type().at("FlatData");
    EXPECT_EQ(flat.current, 1024u + 5120u);
    EXPECT_EQ(flat.count, 2);
    resources->deallocMemory(0, one);
    EXPECT_EQ(flat.current, 5120u);
    EXPECT_EQ(flat.peak, 6144u);
    EXPECT_EQ(resources->ledger().total().peak, stack + 6144);
    EXPECT_EQ(budget->current(), stack + 5120);
    resources->deallocMemory(0, two);
}

TEST_F(CardResources, ServeTemporariesFromTheStackAndCountWhatOverflows) {
    const auto resources =
        DeviceResources::create(budget, {.ordinal = 0, .temp_stack = stack, .before_allocation = {}});
    const auto mallocs = card_calls("cudaMalloc");
    void* const within = take(*resources, MemorySpace::Temporary, 1_MiB);
    EXPECT_EQ(card_calls("cudaMalloc"), mallocs);
    EXPECT_EQ(resources->ledger().total().current, stack);
    void* const beyond = take(*resources, MemorySpace::Temporary, stack);
    EXPECT_EQ(resources->ledger().by_type().at("TemporaryMemoryOverflow").current, stack);
    resources->deallocMemory(0, beyond);
    resources->deallocMemory(0, within);
    EXPECT_EQ(resources->ledger().total().current, stack);
}

TEST_F(CardResources, RefuseAboveTheBudgetWithItsNumbers) {
    const auto resources =
        DeviceResources::create(budget, {.ordinal = 0, .temp_stack = stack, .before_allocation = {}});
    const auto mallocs = card_calls("cudaMalloc");
    EXPECT_THAT(message_of<InsufficientMemory>([&] { take(*resources, MemorySpace::Device, 61_MiB); }),
                testing::AllOf(testing::HasSubstr("cuda:0"), testing::HasSubstr("61.00 MiB"),
                               testing::HasSubstr("60.00 MiB"), testing::HasSubstr("budget of 64.00 MiB")));
    EXPECT_EQ(card_calls("cudaMalloc"), mallocs) << "the card was asked";
    void* const rest = take(*resources, MemorySpace::Device, 60_MiB);
    resources->deallocMemory(0, rest);
}

TEST_F(CardResources, RefuseWhatTheCardDoesNotHave) {
    set_simulated_cards("32MiB");
    const auto resources =
        DeviceResources::create(budget, {.ordinal = 0, .temp_stack = stack, .before_allocation = {}});
    EXPECT_THAT(message_of<InsufficientMemory>([&] { take(*resources, MemorySpace::Device, 40_MiB); }),
                testing::AllOf(testing::HasSubstr("cuda:0"), testing::HasSubstr("cudaMalloc of 40.00 MiB"),
                               testing::HasSubstr("28.00 MiB are free"), testing::HasSubstr("holds 4.000 MiB")));
    EXPECT_EQ(budget->current(), stack);
    void* const fits = take(*resources, MemorySpace::Device, 28_MiB);
    resources->deallocMemory(0, fits);
}

TEST_F(CardResources, FailWhereTheyAreToldTo) {
    int allocations = 0;
    const DeviceResources::Options options{
        .ordinal = 0, .temp_stack = stack, .before_allocation = [&](const std::string& type, Bytes bytes) {
            EXPECT_GT(bytes, 0u);
            EXPECT_FALSE(type.empty());
            if (++allocations == 2) throw InsufficientMemory("injected", 1);
        }};
    const auto resources = DeviceResources::create(budget, options);
    EXPECT_THROW(take(*resources, MemorySpace::Device, 1_MiB), InsufficientMemory);
    EXPECT_EQ(budget->current(), stack);
    EXPECT_EQ(card_bytes(0), stack);
}

TEST_F(CardResources, LeaveNothingWhenTheyCannotBeMade) {
    set_simulated_cards("2MiB");
    EXPECT_THROW(DeviceResources::create(budget, {.ordinal = 0, .temp_stack = stack, .before_allocation = {}}),
                 InsufficientMemory);
    EXPECT_EQ(budget->current(), 0u);
    EXPECT_EQ(open_cuda_objects(), 0u);
}

}  // namespace
}  // namespace gpushard::test
