#pragma once

#include <cuda_runtime_api.h>
#include <stdexcept>
#include <string>
#include <vector>

/// Values in the memory of the current card, for as long as it lives.
namespace gpushard::test {

inline void check(cudaError_t error, const std::string& what) {
    if (error != cudaSuccess) throw std::runtime_error(what + ": " + cudaGetErrorString(error));
}

/// Waits for what was launched.
inline void finish(const std::string& what) {
    check(cudaGetLastError(), what);
    check(cudaDeviceSynchronize(), what);
}

template <typename T>
class OnCard {
public:
    /// Never written.
    explicit OnCard(std::size_t count) : count_(count) {
        check(cudaMalloc(reinterpret_cast<void**>(&data_), count * sizeof(T)), "cudaMalloc");
    }
    explicit OnCard(const std::vector<T>& values) : OnCard(values.size()) {
        check(cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice), "cudaMemcpy to the card");
    }
    OnCard(const OnCard&) = delete;
    OnCard& operator=(const OnCard&) = delete;
    ~OnCard() { cudaFree(data_); }

    T* data() const { return data_; }
    std::size_t size() const { return count_; }
    /// Every value, once all that was launched has run.
    std::vector<T> values() const {
        finish("kernel");
        std::vector<T> values(count_);
        check(cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost), "cudaMemcpy from the card");
        return values;
    }

private:
    std::size_t count_;
    T* data_ = nullptr;
};

}  // namespace gpushard::test
