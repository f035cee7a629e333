#pragma once

#include <cuda_runtime_api.h>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "support/simulated_cards.hpp"

namespace gpushard::test {

/// A test that types its rigs; the next one finds the cards as they were typed for ctest.
class SimulatedRig : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(simulated_cards_are_there()) << "the real libraries were found first";
        use("4x1GiB");
    }
    void TearDown() override {
        if (!simulated_cards_are_there()) return;
        set_card_faults("");
        for (int card = 0; card < simulated_card_count(); ++card) EXPECT_EQ(card_allocations(card), 0U) << card;
        EXPECT_EQ(pinned_bytes(), 0U);
        EXPECT_EQ(open_cuda_objects(), 0U);
    }

    void use(const std::string& cards) {
        set_simulated_cards(cards);
        cudaGetLastError();
    }
};

/// Device memory, freed at the end of its scope.
class DeviceBuffer {
public:
    explicit DeviceBuffer(std::size_t bytes, int ordinal = 0) {
        cudaSetDevice(ordinal);
        error_ = cudaMalloc(&data_, bytes);
    }
    DeviceBuffer(const DeviceBuffer&) = delete;
    DeviceBuffer& operator=(const DeviceBuffer&) = delete;
    ~DeviceBuffer() { free(); }

    cudaError_t error() const { return error_; }
    char* data() const { return static_cast<char*>(data_); }
    cudaError_t free() { return cudaFree(std::exchange(data_, nullptr)); }

private:
    void* data_ = nullptr;
    cudaError_t error_ = cudaSuccess;
};

inline std::size_t free_bytes_on(int ordinal) {
    cudaSetDevice(ordinal);
    std::size_t free_bytes = 0;
    std::size_t total_bytes = 0;
    EXPECT_EQ(cudaMemGetInfo(&free_bytes, &total_bytes), cudaSuccess);
    return free_bytes;
}

}  // namespace gpushard::test
