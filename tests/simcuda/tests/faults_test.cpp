#include <cublas_v2.h>

#include "simcuda/tests/simulated_rig.hpp"

namespace gpushard::test {
namespace {

using Faults = SimulatedRig;

TEST_F(Faults, TheKthCallFailsOnceAndDoesNothing) {
    const CardFaults faults("cudaMalloc:2");
    EXPECT_EQ(DeviceBuffer(1000).error(), cudaSuccess);
    void* data = &data;
    EXPECT_EQ(cudaMalloc(&data, 1000), cudaErrorMemoryAllocation);
    EXPECT_EQ(card_allocations(0), 0U);
    EXPECT_EQ(DeviceBuffer(1000).error(), cudaSuccess);
}

TEST_F(Faults, OnOneCardOnly) {
    const CardFaults faults("cudaMalloc@1:1+");
    EXPECT_EQ(DeviceBuffer(1000, 0).error(), cudaSuccess);
    EXPECT_EQ(DeviceBuffer(1000, 1).error(), cudaErrorMemoryAllocation);
    EXPECT_EQ(DeviceBuffer(1000, 1).error(), cudaErrorMemoryAllocation);
    EXPECT_EQ(DeviceBuffer(1000, 2).error(), cudaSuccess);
}

TEST_F(Faults, AnErrorIsKeptUntilItIsRead) {
    const CardFaults faults("cudaMalloc:1");
    EXPECT_EQ(DeviceBuffer(1000).error(), cudaErrorMemoryAllocation);
    EXPECT_EQ(DeviceBuffer(1000).error(), cudaSuccess);
    EXPECT_EQ(cudaPeekAtLastError(), cudaErrorMemoryAllocation);
    EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
    EXPECT_STREQ(cudaGetErrorName(cudaErrorMemoryAllocation), "cudaErrorMemoryAllocation");
    EXPECT_STREQ(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
}

TEST_F(Faults, ACopyThatFailsCopiesNothing) {
    DeviceBuffer buffer(4);
    const CardFaults faults("cudaMemcpyAsync:1");
    int value = 7;
    EXPECT_EQ(cudaMemcpyAsync(buffer.data(), &value, 4, cudaMemcpyHostToDevice, nullptr), cudaErrorUnknown);
    EXPECT_EQ(cudaMemcpyAsync(&value, buffer.data(), 4, cudaMemcpyDeviceToHost, nullptr), cudaSuccess);
    EXPECT_EQ(value, 0);
}

TEST_F(Faults, InCublas) {
    cublasHandle_t handle = nullptr;
    {
        const CardFaults faults("cublasCreate_v2:1");
        EXPECT_EQ(cublasCreate(&handle), CUBLAS_STATUS_NOT_INITIALIZED);
        EXPECT_EQ(open_cuda_objects(), 0U);
    }
    ASSERT_EQ(cublasCreate(&handle), CUBLAS_STATUS_SUCCESS);
    const CardFaults faults("cublasSgemm_v2@0:2");
    const float one = 1;
    const auto multiply = [&] {
        return cublasSgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, nullptr, 1, nullptr, 1, &one, nullptr, 1);
    };
    EXPECT_EQ(multiply(), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(multiply(), CUBLAS_STATUS_EXECUTION_FAILED);
    EXPECT_EQ(multiply(), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(card_calls("cublasSgemm_v2", 0), 3U);
    EXPECT_EQ(cublasDestroy(handle), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cublasDestroy(handle), CUBLAS_STATUS_NOT_INITIALIZED);
}

TEST_F(Faults, ALostCardStaysLost) {
    DeviceBuffer lost(1000, 1);
    DeviceBuffer other(1000, 0);
    cudaEvent_t event = nullptr;
    ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
    ASSERT_EQ(cudaEventCreate(&event), cudaSuccess);
    std::vector<char> data(1000);
    const CardFaults faults("lose@1:cudaMemcpyAsync:2");
    const auto copy = [&](DeviceBuffer& to) {
        return cudaMemcpyAsync(to.data(), data.data(), 1000, cudaMemcpyHostToDevice, nullptr);
    };
    EXPECT_EQ(copy(other), cudaSuccess);
    EXPECT_EQ(copy(lost), cudaSuccess);
    EXPECT_EQ(copy(lost), cudaErrorLaunchFailure);
    set_card_faults("");
    EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
    EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure) << "it cannot be read away";
    EXPECT_EQ(DeviceBuffer(10, 1).error(), cudaErrorLaunchFailure);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
    EXPECT_EQ(cudaMemcpy(other.data(), lost.data(), 10, cudaMemcpyDeviceToDevice), cudaErrorLaunchFailure);
    EXPECT_EQ(cudaEventDestroy(event), cudaErrorLaunchFailure);
    EXPECT_EQ(lost.free(), cudaErrorLaunchFailure);

    ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
    EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure) << "the last error of this thread";
    EXPECT_EQ(cudaGetLastError(), cudaSuccess) << "the other card is well";
    EXPECT_EQ(cudaSetDevice(1), cudaErrorLaunchFailure);
    int current = -1;
    EXPECT_EQ(cudaGetDevice(&current), cudaSuccess);
    EXPECT_EQ(current, 0);
    EXPECT_EQ(copy(other), cudaSuccess);
    EXPECT_EQ(free_bytes_on(0), 1_GiB - 1000);
}

TEST_F(Faults, AnotherProcessTakesMemoryInMidRun) {
    const CardFaults faults("take@1:cudaMalloc:2=600MiB");
    DeviceBuffer first(300_MiB, 1);
    EXPECT_EQ(first.error(), cudaSuccess);
    DeviceBuffer second(300_MiB, 1);
    EXPECT_EQ(second.error(), cudaErrorMemoryAllocation);
    EXPECT_EQ(free_bytes_on(1), 124_MiB);
    EXPECT_EQ(give_card_memory(1, 600_MiB), 600_MiB);
}

TEST_F(Faults, FunctionsThatAreNotThereAreRefused) {
    EXPECT_THROW(set_card_faults("cudaMallocc:1"), std::logic_error);
    EXPECT_NO_THROW(set_card_faults("cudaGetDeviceProperties:1"));
}

}  // namespace
}  // namespace gpushard::test
