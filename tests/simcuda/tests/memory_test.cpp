#include <thread>
#include <vector>

#include "simcuda/tests/simulated_rig.hpp"

namespace gpushard::test {
namespace {

using CardMemory = SimulatedRig;
using HostMemoryOfCards = SimulatedRig;

TEST_F(CardMemory, RefusesTheFirstByteAboveTheCard) {
    use("1000000:used=1000");
    DeviceBuffer first(400'000);
    ASSERT_EQ(first.error(), cudaSuccess);
    EXPECT_EQ(DeviceBuffer(599'001).error(), cudaErrorMemoryAllocation);
    EXPECT_EQ(card_bytes(0), 400'000U);
    DeviceBuffer rest(599'000);
    EXPECT_EQ(rest.error(), cudaSuccess);
    EXPECT_EQ(free_bytes_on(0), 0U);
    EXPECT_EQ(DeviceBuffer(1).error(), cudaErrorMemoryAllocation);
    EXPECT_EQ(card_peak_bytes(0), 999'000U);
    EXPECT_EQ(card_calls("cudaMalloc", 0), 4U);
}

TEST_F(CardMemory, ASizeThatOverflowsIsRefused) {
    EXPECT_EQ(DeviceBuffer(~std::size_t{0}).error(), cudaErrorMemoryAllocation);
    use("1GiB:granularity=2MiB");
    EXPECT_EQ(DeviceBuffer(~std::size_t{0}).error(), cudaErrorMemoryAllocation);
}

TEST_F(CardMemory, PeakIsTheHighestAndCanBeReset) {
    { DeviceBuffer(600_MiB).error(); }
    DeviceBuffer kept(100_MiB);
    EXPECT_EQ(card_peak_bytes(0), 600_MiB);
    reset_card_peaks();
    EXPECT_EQ(card_peak_bytes(0), 100_MiB);
}

TEST_F(CardMemory, ContextIsChargedWhereTheCardIsFirstUsed) {
    use("2x1GiB:context=300MiB");
    int count = 0;
    cudaDeviceProp properties{};
    ASSERT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
    ASSERT_EQ(cudaGetDeviceProperties(&properties, 1), cudaSuccess);
    EXPECT_EQ(card_context_bytes(0) + card_context_bytes(1), 0U) << "asking makes no context";
    ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
    EXPECT_EQ(card_context_bytes(0), 0U);
    EXPECT_EQ(card_context_bytes(1), 300_MiB);
    EXPECT_EQ(free_bytes_on(1), 724_MiB);
    EXPECT_EQ(card_bytes(1), 0U) << "the context is no allocation";
    EXPECT_EQ(DeviceBuffer(724_MiB + 1, 1).error(), cudaErrorMemoryAllocation);
    ASSERT_EQ(cudaDeviceReset(), cudaSuccess);
    EXPECT_EQ(card_context_bytes(1), 0U);
}

TEST_F(CardMemory, AContextThatDoesNotFitIsRefused) {
    use("1GiB:used=800MiB:context=300MiB");
    EXPECT_EQ(cudaSetDevice(0), cudaErrorMemoryAllocation);
    EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
}

TEST_F(CardMemory, RoundsWhereTheRigSaysSo) {
    use("1GiB:granularity=2MiB");
    DeviceBuffer buffer(1);
    EXPECT_EQ(card_bytes(0), 2_MiB);
}

TEST_F(CardMemory, OthersTakeAndGiveBack) {
    DeviceBuffer buffer(600_MiB);
    EXPECT_EQ(take_card_memory(0, 300_MiB), 300_MiB);
    EXPECT_EQ(free_bytes_on(0), 124_MiB);
    EXPECT_EQ(DeviceBuffer(200_MiB).error(), cudaErrorMemoryAllocation);
    EXPECT_EQ(take_card_memory(0, 300_MiB), 124_MiB) << "only what is free can be taken";
    EXPECT_EQ(give_card_memory(0, 1_GiB), 424_MiB);
    EXPECT_EQ(free_bytes_on(0), 424_MiB);
}

TEST_F(CardMemory, OnlyWhatWasAllocatedIsFreedAndOnce) {
    void* data = nullptr;
    ASSERT_EQ(cudaMalloc(&data, 1000), cudaSuccess);
    EXPECT_EQ(cudaFree(static_cast<char*>(data) + 1), cudaErrorInvalidValue);
    EXPECT_EQ(cudaFree(&data), cudaErrorInvalidValue);
    EXPECT_EQ(cudaFree(data), cudaSuccess);
    EXPECT_EQ(cudaFree(data), cudaErrorInvalidValue);
    EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
    EXPECT_EQ(card_bytes(0), 0U);
}

TEST_F(CardMemory, AnAllocationBelongsToTheCurrentCardWhoeverFreesIt) {
    void* data = nullptr;
    ASSERT_EQ(cudaSetDevice(2), cudaSuccess);
    ASSERT_EQ(cudaMalloc(&data, 1_MiB), cudaSuccess);
    EXPECT_EQ(card_bytes(2), 1_MiB);
    ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
    ASSERT_EQ(cudaFree(data), cudaSuccess);
    EXPECT_EQ(card_bytes(2), 0U);
    EXPECT_EQ(card_calls("cudaFree", 2), 1U);
}

TEST_F(CardMemory, PointersKnowWhereTheyLie) {
    DeviceBuffer device(1000, 3);
    cudaPointerAttributes attributes{};
    ASSERT_EQ(cudaPointerGetAttributes(&attributes, device.data() + 999), cudaSuccess);
    EXPECT_EQ(attributes.type, cudaMemoryTypeDevice);
    EXPECT_EQ(attributes.device, 3);
    EXPECT_EQ(attributes.hostPointer, nullptr);

    ASSERT_EQ(cudaPointerGetAttributes(&attributes, device.data() + 1000), cudaSuccess);
    EXPECT_EQ(attributes.type, cudaMemoryTypeUnregistered) << "one past the end";

    void* pinned = nullptr;
    ASSERT_EQ(cudaHostAlloc(&pinned, 1000, cudaHostAllocDefault), cudaSuccess);
    ASSERT_EQ(cudaPointerGetAttributes(&attributes, pinned), cudaSuccess);
    EXPECT_EQ(attributes.type, cudaMemoryTypeHost);
    EXPECT_EQ(attributes.hostPointer, pinned);
    ASSERT_EQ(cudaFreeHost(pinned), cudaSuccess);

    const int on_stack = 0;
    ASSERT_EQ(cudaPointerGetAttributes(&attributes, &on_stack), cudaSuccess);
    EXPECT_EQ(attributes.type, cudaMemoryTypeUnregistered);

    char* const freed = device.data();
    ASSERT_EQ(device.free(), cudaSuccess);
    ASSERT_EQ(cudaPointerGetAttributes(&attributes, freed), cudaSuccess);
    EXPECT_EQ(attributes.type, cudaMemoryTypeUnregistered);
}

TEST_F(CardMemory, ManagedMemoryIsChargedAndReachableFromBothSides) {
    int* data = nullptr;
    ASSERT_EQ(cudaMallocManaged(reinterpret_cast<void**>(&data), 1_MiB, cudaMemAttachGlobal), cudaSuccess);
    EXPECT_EQ(card_bytes(0), 1_MiB);
    data[7] = 42;
    DeviceBuffer copy(1_MiB);
    ASSERT_EQ(cudaMemcpy(copy.data(), data, 1_MiB, cudaMemcpyHostToDevice), cudaSuccess);
    data[7] = 0;
    ASSERT_EQ(cudaMemcpy(data, copy.data(), 1_MiB, cudaMemcpyDefault), cudaSuccess);
    EXPECT_EQ(data[7], 42);
    cudaPointerAttributes attributes{};
    ASSERT_EQ(cudaPointerGetAttributes(&attributes, data), cudaSuccess);
    EXPECT_EQ(attributes.type, cudaMemoryTypeManaged);
    ASSERT_EQ(cudaFree(data), cudaSuccess);
}

TEST_F(CardMemory, TheHostCannotTouchDeviceMemory) {
    DeviceBuffer buffer(1000);
    EXPECT_DEATH(buffer.data()[0] = 1, "");
}

TEST_F(CardMemory, TheRigStaysAsLongAsMemoryIsAllocated) {
    DeviceBuffer buffer(1000);
    EXPECT_THROW(set_simulated_cards("1GiB"), std::logic_error);
    EXPECT_EQ(simulated_card_count(), 4);
}

TEST_F(CardMemory, ManySmallAllocationsInAnyOrder) {
    std::vector<void*> pointers(20'000);
    for (std::size_t i = 0; i < pointers.size(); ++i) ASSERT_EQ(cudaMalloc(&pointers[i], 1 + i % 9000), cudaSuccess);
    EXPECT_EQ(card_allocations(0), pointers.size());
    for (std::size_t i = 0; i < pointers.size(); i += 2) ASSERT_EQ(cudaFree(pointers[i]), cudaSuccess);
    for (std::size_t i = 0; i < pointers.size(); i += 2) ASSERT_EQ(cudaMalloc(&pointers[i], 777), cudaSuccess);
    for (void* const pointer : pointers) ASSERT_EQ(cudaFree(pointer), cudaSuccess);
    EXPECT_EQ(card_bytes(0), 0U);
}

TEST_F(CardMemory, EveryThreadHasItsOwnCurrentCard) {
    std::vector<std::thread> threads;
    for (int ordinal = 0; ordinal < 4; ++ordinal) {
        threads.emplace_back([ordinal] {
            int current = -1;
            cudaGetDevice(&current);
            EXPECT_EQ(current, 0) << "a new thread begins on the first card";
            for (int round = 0; round < 200; ++round) {
                const int value = ordinal * 1000 + round;
                DeviceBuffer buffer(5000, ordinal);
                int back = 0;
                EXPECT_EQ(cudaMemcpy(buffer.data() + 96, &value, sizeof value, cudaMemcpyHostToDevice), cudaSuccess);
                EXPECT_EQ(cudaMemcpy(&back, buffer.data() + 96, sizeof back, cudaMemcpyDeviceToHost), cudaSuccess);
                EXPECT_EQ(back, value);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (int card = 0; card < 4; ++card) {
        EXPECT_EQ(card_calls("cudaMalloc", card), 200U);
        EXPECT_EQ(card_peak_bytes(card), 5000U);
    }
}

TEST_F(HostMemoryOfCards, PinnedBytesAreCounted) {
    void* first = nullptr;
    void* second = nullptr;
    ASSERT_EQ(cudaMallocHost(&first, 1000), cudaSuccess);
    ASSERT_EQ(cudaHostAlloc(&second, 500, cudaHostAllocPortable), cudaSuccess);
    unsigned flags = 0;
    ASSERT_EQ(cudaHostGetFlags(&flags, second), cudaSuccess);
    EXPECT_EQ(flags, static_cast<unsigned>(cudaHostAllocPortable));
    EXPECT_EQ(pinned_bytes(), 1500U);
    EXPECT_EQ(cudaFree(first), cudaErrorInvalidValue) << "it is no device memory";
    ASSERT_EQ(cudaFreeHost(first), cudaSuccess);
    EXPECT_EQ(cudaFreeHost(first), cudaErrorInvalidValue);
    ASSERT_EQ(cudaFreeHost(second), cudaSuccess);
    EXPECT_EQ(pinned_bytes(), 0U);
    EXPECT_EQ(pinned_peak_bytes(), 1500U);
}

TEST_F(HostMemoryOfCards, RegisteredMemoryCountsAsPinned) {
    std::vector<char> memory(10'000);
    ASSERT_EQ(cudaHostRegister(memory.data(), memory.size(), cudaHostRegisterDefault), cudaSuccess);
    EXPECT_EQ(pinned_bytes(), 10'000U);
    EXPECT_EQ(cudaHostRegister(memory.data() + 10, 10, cudaHostRegisterDefault), cudaErrorHostMemoryAlreadyRegistered);
    ASSERT_EQ(cudaHostUnregister(memory.data()), cudaSuccess);
    EXPECT_EQ(cudaHostUnregister(memory.data()), cudaErrorHostMemoryNotRegistered);
}

}  // namespace
}  // namespace gpushard::test
