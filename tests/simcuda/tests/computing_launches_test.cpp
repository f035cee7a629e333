#include <array>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "simcuda/tests/ptx_program.hpp"
#include "simcuda/tests/simulated_rig.hpp"

namespace gpushard::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr std::size_t bytes = 128;

class ComputingLaunches : public SimulatedRig {
protected:
    std::vector<int> ints(const void* device, std::size_t count) {
        std::vector<int> values(count);
        EXPECT_EQ(cudaMemcpy(values.data(), device, count * sizeof(int), cudaMemcpyDeviceToHost), cudaSuccess);
        return values;
    }

    PtxProgram program_{small_kernels};
};

TEST_F(ComputingLaunches, ComputeWhenTheirStreamIsWaitedForWithTheArgumentsOfTheCall) {
    const DeviceBuffer buffer(bytes);
    EXPECT_TRUE(cards_compute());
    void* address = buffer.data();
    int value = 5;
    std::array<void*, 2> arguments{&address, &value};
    ASSERT_EQ(cudaLaunchKernel(program_.kernel("fill"), {1, 1, 1}, {32, 1, 1}, arguments.data(), 0, nullptr),
              cudaSuccess);
    value = 6;
    address = nullptr;
    EXPECT_EQ(ints(buffer.data(), 32), std::vector<int>(32, 5));
    EXPECT_EQ(card_launches(0), 1U);
}

TEST_F(ComputingLaunches, CountTheBytesTheyAskFor) {
    const DeviceBuffer from(4 * bytes);
    const DeviceBuffer to(4 * bytes);
    reset_card_counts();
    ASSERT_EQ(program_.launch("fill", {.blocks = 4}, from.data(), 1), cudaSuccess);
    ASSERT_EQ(program_.launch("copy", {.blocks = 4}, to.data(), from.data()), cudaSuccess);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(card_bytes_loaded(0), 4 * bytes);
    EXPECT_EQ(card_bytes_stored(0), 8 * bytes);
    EXPECT_EQ(card_bytes_loaded(1), 0U);
    reset_card_counts();
    EXPECT_EQ(card_bytes_stored(), 0U);
}

TEST_F(ComputingLaunches, CodeThatIsNoTextSaysHowToCompileIt) {
    PtxProgram compressed(std::string("\x01\x02\x03\x04") + "compressed");
    EXPECT_EQ(compressed.launch("fill", {}), cudaErrorLaunchFailure);
    EXPECT_THAT(card_findings(), ElementsAre(AllOf(HasSubstr("unreadable code: fill"), HasSubstr("--no-compress"))));
    clear_card_findings();
    ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
    PtxProgram machine_code("no PTX", PtxProgram::Code::machine_code);
    EXPECT_EQ(machine_code.launch("copy", {}), cudaErrorLaunchFailure);
    EXPECT_THAT(card_findings(), ElementsAre(AllOf(HasSubstr("unreadable code: copy"), HasSubstr("--no-compress"))));
    clear_card_findings();
}

TEST_F(ComputingLaunches, ABrokenKernelDoesNotFloodTheFindings) {
    const DeviceBuffer from(64 * bytes);
    const DeviceBuffer to(64 * bytes);
    for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(program_.launch("copy", {.blocks = 64}, to.data(), from.data()), cudaSuccess);
        ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    }
    EXPECT_THAT(card_findings(), SizeIs(1));
    EXPECT_THAT(card_findings(), ElementsAre(HasSubstr(" times)")));
    clear_card_findings();
    EXPECT_THAT(card_findings(), SizeIs(0));
}

TEST_F(ComputingLaunches, MoreThreadsThanTheKernelWasCompiledForAreRefused) {
    EXPECT_EQ(program_.launch("few_threads", {.threads = 64}), cudaSuccess);
    EXPECT_EQ(program_.launch("few_threads", {.threads = 65}), cudaErrorInvalidValue);
    cudaFuncAttributes attributes{};
    ASSERT_EQ(cudaFuncGetAttributes(&attributes, program_.kernel("few_threads")), cudaSuccess);
    EXPECT_EQ(attributes.maxThreadsPerBlock, 64);
}

TEST_F(ComputingLaunches, SharedMemoryBeyondTheUsualIsAskedFor) {
    constexpr int kibi = 1024;
    const void* const kernel = program_.kernel("shared_kernel");
    cudaFuncAttributes attributes{};
    ASSERT_EQ(cudaFuncGetAttributes(&attributes, kernel), cudaSuccess);
    EXPECT_EQ(attributes.sharedSizeBytes, 40U * kibi);
    EXPECT_EQ(attributes.maxDynamicSharedSizeBytes, 8 * kibi);
    EXPECT_EQ(program_.launch("shared_kernel", {.shared_bytes = 8 * kibi}), cudaSuccess);
    EXPECT_EQ(program_.launch("shared_kernel", {.shared_bytes = 8 * kibi + 1}), cudaErrorInvalidValue);
    constexpr auto limit = cudaFuncAttributeMaxDynamicSharedMemorySize;
    EXPECT_EQ(cudaFuncSetAttribute(kernel, limit, 60 * kibi), cudaErrorInvalidValue) << "100 KiB with the 40";
    ASSERT_EQ(cudaFuncSetAttribute(kernel, limit, 50 * kibi), cudaSuccess);
    EXPECT_EQ(program_.launch("shared_kernel", {.shared_bytes = 50 * kibi}), cudaSuccess);
    EXPECT_EQ(program_.launch("shared_kernel", {.shared_bytes = 50 * kibi + 1}), cudaErrorInvalidValue);
    ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
    EXPECT_EQ(program_.launch("shared_kernel", {.shared_bytes = 50 * kibi}), cudaErrorInvalidValue) << "card by card";
}

class ModuleVariables : public ComputingLaunches {
protected:
    /// What the kernel made of the counter, and what it found in the table.
    std::vector<int> count() {
        int card = 0;
        EXPECT_EQ(cudaGetDevice(&card), cudaSuccess);
        const DeviceBuffer result(8, card);
        EXPECT_EQ(program_.launch("count", {.threads = 1}, result.data()), cudaSuccess);
        return ints(result.data(), 2);
    }

    const void* counter_ = program_.variable("counter", 4);
    const void* table_ = program_.variable("table", 16);
};

TEST_F(ModuleVariables, AreInitialisedAndKeptPerCard) {
    EXPECT_THAT(count(), ElementsAre(6, 2));
    EXPECT_THAT(count(), ElementsAre(7, 2));
    ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
    EXPECT_THAT(count(), ElementsAre(6, 2));
    EXPECT_EQ(card_bytes(0), 0U) << "a card is not charged for them";
    EXPECT_EQ(card_allocations(-1), 0U);
}

TEST_F(ModuleVariables, AreCopiedByTheHostsVariable) {
    int value = 0;
    ASSERT_EQ(cudaMemcpyFromSymbol(&value, counter_, 4, 0, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_EQ(value, 5);
    value = 40;
    ASSERT_EQ(cudaMemcpyToSymbol(counter_, &value, 4, 0, cudaMemcpyHostToDevice), cudaSuccess);
    value = 41;
    ASSERT_EQ(cudaMemcpyToSymbolAsync(table_, &value, 4, 4, cudaMemcpyHostToDevice, nullptr), cudaSuccess);
    EXPECT_THAT(count(), ElementsAre(41, 41));
    ASSERT_EQ(cudaMemcpyFromSymbolAsync(&value, table_, 4, 8, cudaMemcpyDeviceToHost, nullptr), cudaSuccess);
    EXPECT_EQ(value, 3);
    EXPECT_EQ(cudaMemcpyToSymbol(table_, &value, 4, 13, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMemcpyToSymbol(&value, &value, 4, 0, cudaMemcpyHostToDevice), cudaErrorInvalidSymbol);
}

TEST_F(ModuleVariables, HaveAddressesThatAreNobodysToFree) {
    void* address = nullptr;
    std::size_t size = 0;
    ASSERT_EQ(cudaGetSymbolAddress(&address, counter_), cudaSuccess);
    ASSERT_EQ(cudaGetSymbolSize(&size, table_), cudaSuccess);
    EXPECT_EQ(size, 16U);
    EXPECT_THAT(ints(address, 1), ElementsAre(5));
    EXPECT_EQ(cudaFree(address), cudaErrorInvalidValue);
    EXPECT_EQ(cudaGetSymbolSize(&size, &size), cudaErrorInvalidSymbol);
}

}  // namespace
}  // namespace gpushard::test
