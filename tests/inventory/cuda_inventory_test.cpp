#include "cuda/cuda_inventory.hpp"

#include <cuda_runtime_api.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/error.hpp>

#include "cuda/card_contexts.hpp"
#include "device/pci_id.hpp"
#include "support/errors.hpp"
#include "support/simulated_cards.hpp"

namespace gpushard {
namespace {

using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

/// The rig is typed where this program is registered: a card of 80 GiB of which 60 are taken, and four of 24 GiB. Which
/// context a test makes stays until the process ends, so each has a card of its own for it.
class CudaCards : public testing::Test {
protected:
    void SetUp() override {
        if (!test::simulated_cards_are_there()) GTEST_SKIP() << "these tests know the cards, which are simulated";
    }
};

TEST_F(CudaCards, AreDescribed) {
    const std::vector<DeviceInfo> cards = cuda_cards();
    ASSERT_EQ(cards.size(), 5u);
    for (std::size_t i = 0; i < cards.size(); ++i) {
        EXPECT_EQ(cards[i].spec, "cuda:" + std::to_string(i));
        EXPECT_EQ(cards[i].kind, DeviceKind::cuda);
        EXPECT_FALSE(cards[i].planning_only);
        EXPECT_THAT(cards[i].name, StartsWith("Simulated"));
        EXPECT_THAT(cards[i].uuid, StartsWith("GPU-"));
        EXPECT_EQ(cards[i].uuid.size(), 40u);
        EXPECT_EQ(canonical_pci(cards[i].pci), cards[i].pci);
        EXPECT_NEAR(cards[i].bytes_per_second, 1e12, 1e9);
        EXPECT_EQ(cards[i].peers.size(), 4u);
    }
    EXPECT_EQ(cards[0].total_bytes, 80_GiB);
    EXPECT_EQ(cards[0].free_bytes, 20_GiB);
    EXPECT_EQ(cards[0].compute_capability, "8.0");
    EXPECT_EQ(cards[0].numa_node, 1);
    EXPECT_EQ(cards[1].compute_capability, "9.0");
    EXPECT_EQ(cards[1].numa_node, 0);
    EXPECT_THAT(cards[1].peers, ElementsAre("cuda:0", "cuda:2", "cuda:3", "cuda:4"));
    EXPECT_THAT(cards[1].holders, IsEmpty());
    ASSERT_EQ(cards[0].holders.size(), 1u);
    EXPECT_EQ(cards[0].holders[0].bytes, 60_GiB);
}

TEST_F(CudaCards, AreNotTouched) {
    const Bytes set = test::card_calls("cudaSetDevice");
    const std::vector<DeviceInfo> cards = cuda_cards();
    free_bytes_of_card(cards[2]);
    memory_holders(cards[2]);
    EXPECT_EQ(test::card_calls("cudaSetDevice"), set);
    EXPECT_EQ(test::card_context_bytes(2), 0u);
    EXPECT_EQ(cards[2].context_bytes, assumed_context_bytes);
    EXPECT_EQ(cards[2].free_bytes, 24_GiB);
    EXPECT_FALSE(has_context(2));
}

TEST_F(CudaCards, AreAskedAgain) {
    const DeviceInfo card = cuda_cards()[1];
    test::take_card_memory(1, 5_GiB);
    EXPECT_EQ(free_bytes_of_card(card), 19_GiB);
    const std::vector<MemoryHolder> holders = memory_holders(card);
    ASSERT_EQ(holders.size(), 1u);
    EXPECT_EQ(holders[0].bytes, 5_GiB);
    test::give_card_memory(1, 5_GiB);
    EXPECT_EQ(free_bytes_of_card(card), 24_GiB);
    EXPECT_THAT(memory_holders(card), IsEmpty());
}

TEST_F(CudaCards, WithAContextOfThisProcessHaveItPaid) {
    std::size_t free = 0;
    std::size_t total = 0;
    ASSERT_EQ(cudaSetDevice(3), cudaSuccess);
    ASSERT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
    note_context(3);
    EXPECT_TRUE(has_context(3));
    const std::vector<DeviceInfo> cards = cuda_cards();
    EXPECT_EQ(cards[3].context_bytes, 0u);
    EXPECT_EQ(cards[3].free_bytes, 24_GiB - 300_MiB);
    EXPECT_THAT(cards[3].holders, IsEmpty()) << "this process is no other one";
    EXPECT_EQ(cards[1].context_bytes, assumed_context_bytes);
}

TEST_F(CudaCards, AreMeasuredOnce) {
    const DeviceInfo card = cuda_cards()[4];
    const DeviceInfo measured = measure_context(card);
    EXPECT_TRUE(measured.context_measured);
    EXPECT_EQ(measured.context_bytes, 300_MiB);
    EXPECT_EQ(measured.free_bytes, card.free_bytes);
    EXPECT_EQ(test::card_bytes(4), 0u) << "what was allocated to measure is free again";
    EXPECT_TRUE(has_context(4));
    const DeviceInfo again = measure_context(card);
    EXPECT_FALSE(again.context_measured);
    EXPECT_EQ(again.context_bytes, assumed_context_bytes);
}

TEST_F(CudaCards, AreNotMeasuredWhereFaissWouldRunOutOfMemory) {
    const DeviceInfo card = cuda_cards()[2];
    const Bytes taken = test::take_card_memory(2, 24_GiB - 1000_MiB);
    EXPECT_THAT(message_of<DeviceError>([&] { measure_context(card); }), HasSubstr("cuda:2 has 1000.0 MiB free"));
    test::give_card_memory(2, taken);
    EXPECT_EQ(test::card_context_bytes(2), 0u);
}

TEST_F(CudaCards, AreFoundByUuidFirst) {
    DeviceInfo card = cuda_cards()[3];
    card.spec = "cuda:0=1GiB";
    EXPECT_EQ(ordinal_of_card(card), 3);
    card.uuid.clear();
    EXPECT_EQ(ordinal_of_card(card), 0);
    for (const char* spec : {"cuda:5", "cuda:", "cuda:x", "cuda:1x", "cuda:-1", "A100"}) {
        card.spec = spec;
        EXPECT_THAT(message_of<DeviceError>([&] { ordinal_of_card(card); }), HasSubstr("is not there")) << spec;
    }
    card.spec = "cuda:0";
    card.uuid = "GPU-00000000-0000-0000-0000-000000000000";
    EXPECT_THAT(message_of<DeviceError>([&] { free_bytes_of_card(card); }), HasSubstr(card.uuid));
}

TEST(MeasureContext, IsOfCardsOfThisMachine) {
    DeviceInfo host;
    host.spec = "cpu";
    EXPECT_THAT(message_of<DeviceError>([&] { measure_context(host); }), HasSubstr("cpu is no card"));
    EXPECT_THAT(message_of<DeviceError>([&] { measure_context(describe(known_cards().front())); }),
                HasSubstr("is no card of this machine"));
}

}  // namespace
}  // namespace gpushard
