#include <set>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "simcuda/tests/ptx_program.hpp"
#include "simcuda/tests/simulated_rig.hpp"

namespace gpushard::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

/// 32 ints: what one warp of the small kernels uses.
constexpr std::size_t bytes = 128;

class ComputingMemory : public SimulatedRig {
protected:
    /// What was found since the last time.
    std::vector<std::string> found() {
        finish_card_work();
        std::vector<std::string> findings = card_findings();
        clear_card_findings();
        return findings;
    }

    PtxProgram program_{small_kernels};
};

TEST_F(ComputingMemory, BytesThatWereNeverWrittenAreFoundWhenTheyAreCopiedToTheHost) {
    const DeviceBuffer buffer(bytes);
    std::vector<char> host(bytes);
    ASSERT_EQ(cudaMemset(buffer.data(), 1, 60), cudaSuccess);
    ASSERT_EQ(cudaMemcpy(host.data(), buffer.data(), 60, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_THAT(found(), IsEmpty());
    ASSERT_EQ(cudaMemcpy(host.data(), buffer.data() + 20, 80, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_THAT(found(), ElementsAre(AllOf(HasSubstr("cudaMemcpy:"), HasSubstr("byte 40"),
                                           HasSubstr("60 bytes into 128 bytes at 0x"), HasSubstr("of card 0"))));
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess) << "such a read loses no card";
}

TEST_F(ComputingMemory, ACopyBetweenCardsTakesAlongWhatWasWritten) {
    const DeviceBuffer from(bytes, 0);
    const DeviceBuffer to(bytes, 1);
    std::vector<char> host(bytes);
    ASSERT_EQ(cudaMemset(from.data(), 1, 100), cudaSuccess);
    ASSERT_EQ(cudaMemcpyPeer(to.data(), 1, from.data(), 0, bytes), cudaSuccess);
    ASSERT_EQ(cudaMemcpy(host.data(), to.data(), 100, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_THAT(found(), IsEmpty());
    ASSERT_EQ(cudaMemcpy(host.data(), to.data(), bytes, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_THAT(found(), ElementsAre(HasSubstr("100 bytes into 128 bytes")));
}

TEST_F(ComputingMemory, WhatAKernelStoresIsWritten) {
    const DeviceBuffer buffer(2 * bytes);
    std::vector<int> host(32);
    ASSERT_EQ(program_.launch("fill", {}, buffer.data(), 9), cudaSuccess);
    ASSERT_EQ(cudaMemcpy(host.data(), buffer.data(), bytes, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_EQ(host[31], 9);
    EXPECT_THAT(found(), IsEmpty());
}

TEST_F(ComputingMemory, AKernelThatReadsWhatNobodyWroteIsFound) {
    const DeviceBuffer from(bytes);
    const DeviceBuffer to(bytes);
    ASSERT_EQ(program_.launch("copy", {}, to.data(), from.data()), cudaSuccess);
    EXPECT_THAT(found(), ElementsAre(AllOf(HasSubstr("never written: copy:"), HasSubstr("ld.global.u32"))));
}

TEST_F(ComputingMemory, MemoryIsUnwrittenAgainOnceItWasFreed) {
    use("1MiB");
    constexpr std::size_t half = 512 << 10;
    std::vector<char> host(1);
    std::set<const void*> addresses;
    bool used_again = false;
    for (int i = 0; i < 150; ++i) {
        const DeviceBuffer pages(half);
        const DeviceBuffer part_of_a_page(bytes);
        for (const auto& [address, size] : {std::pair(pages.data(), half), std::pair(part_of_a_page.data(), bytes)}) {
            used_again = !addresses.insert(address).second || used_again;
            ASSERT_EQ(cudaMemcpy(host.data(), address, 1, cudaMemcpyDeviceToHost), cudaSuccess);
            EXPECT_EQ(found().size(), 1U) << i;
            ASSERT_EQ(cudaMemset(address, 1, size), cudaSuccess);
        }
    }
    EXPECT_TRUE(used_again);
}

TEST_F(ComputingMemory, AFreedBufferIsOutOfReachAtOnceAndTheCardIsLost) {
    DeviceBuffer buffer(bytes);
    const void* const address = buffer.data();
    ASSERT_EQ(buffer.free(), cudaSuccess);
    const DeviceBuffer next(bytes);
    EXPECT_NE(next.data(), address) << "addresses are not used again at once";
    ASSERT_EQ(program_.launch("fill", {}, address, 9), cudaSuccess) << "found when it runs";
    EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
    EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
    EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure) << "for good";
    EXPECT_THAT(found(), ElementsAre(AllOf(HasSubstr("invalid access: fill:"),
                                           HasSubstr("0 bytes into 128 bytes at 0x"), HasSubstr("of card 0, freed"))));
}

TEST_F(ComputingMemory, OneBehindTheEndIsTold) {
    const DeviceBuffer buffer(bytes - 4);
    ASSERT_EQ(program_.launch("fill", {}, buffer.data(), 9), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaErrorLaunchFailure);
    EXPECT_THAT(found(),
                ElementsAre(AllOf(HasSubstr("thread (31, 0, 0)"), HasSubstr("0 bytes behind 124 bytes at 0x"))));
}

TEST_F(ComputingMemory, MemoryOfAnotherCardNeedsAccess) {
    const DeviceBuffer buffer(bytes, 1);
    ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
    ASSERT_EQ(cudaDeviceEnablePeerAccess(1, 0), cudaSuccess);
    ASSERT_EQ(program_.launch("fill", {}, buffer.data(), 9), cudaSuccess);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_THAT(found(), IsEmpty());

    ASSERT_EQ(cudaSetDevice(2), cudaSuccess);
    ASSERT_EQ(program_.launch("fill", {}, buffer.data(), 9), cudaSuccess);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
    EXPECT_THAT(found(), ElementsAre(HasSubstr("of card 1, to which card 2 has no access")));
}

TEST_F(ComputingMemory, KernelsUsePageLockedMemoryAndNoOther) {
    void* pinned = nullptr;
    ASSERT_EQ(cudaMallocHost(&pinned, bytes), cudaSuccess);
    ASSERT_EQ(program_.launch("fill", {}, pinned, 9), cudaSuccess);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(static_cast<int*>(pinned)[31], 9);
    ASSERT_EQ(cudaFreeHost(pinned), cudaSuccess);

    std::vector<int> pageable(32);
    ASSERT_EQ(cudaHostRegister(pageable.data(), bytes, 0), cudaSuccess);
    ASSERT_EQ(program_.launch("fill", {}, pageable.data(), 8), cudaSuccess);
    ASSERT_EQ(cudaHostUnregister(pageable.data()), cudaSuccess);
    EXPECT_EQ(pageable[31], 8);
    EXPECT_THAT(found(), IsEmpty());

    ASSERT_EQ(program_.launch("fill", {}, pageable.data(), 7), cudaSuccess);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
    EXPECT_EQ(pageable[31], 8);
    EXPECT_THAT(found(), ElementsAre(HasSubstr("memory of no card")));
}

TEST_F(ComputingMemory, ACopyWhoseMemoryIsGoneByItsTurnIsFound) {
    DeviceBuffer buffer(bytes, 0);
    ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
    cudaStream_t stream = nullptr;
    ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
    ASSERT_EQ(cudaMemsetAsync(buffer.data(), 0, bytes, stream), cudaSuccess);
    ASSERT_EQ(buffer.free(), cudaSuccess) << "of card 0, while the work is card 1's";
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorLaunchFailure);
    EXPECT_THAT(found(), ElementsAre(AllOf(HasSubstr("cudaMemsetAsync"), EndsWith("of card 0, freed"))));
    cudaStreamDestroy(stream);
}

TEST_F(ComputingMemory, ACopyOfFreedMemoryIsFoundAndTouchesNothing) {
    DeviceBuffer buffer(bytes);
    DeviceBuffer other(bytes);
    void* const freed = buffer.data();
    ASSERT_EQ(buffer.free(), cudaSuccess);
    std::vector<int> on_host(32);
    EXPECT_EQ(cudaMemcpyAsync(other.data(), freed, bytes, cudaMemcpyHostToDevice, nullptr), cudaErrorInvalidValue);
    EXPECT_THAT(found(), ElementsAre(AllOf(HasSubstr("cudaMemcpyAsync"), EndsWith("of card 0, freed"))));
    clear_card_findings();
    EXPECT_EQ(cudaMemcpy(freed, on_host.data(), bytes, cudaMemcpyDefault), cudaErrorInvalidValue);
    EXPECT_THAT(found(), ElementsAre(AllOf(HasSubstr("cudaMemcpy"), EndsWith("of card 0, freed"))));
}

}  // namespace
}  // namespace gpushard::test
