#pragma once

#include <cuda_runtime_api.h>
#include <stdexcept>
#include <utility>
#include <vector>

namespace gpushard::test {

inline void require_cuda(cudaError_t status) {
    if (status != cudaSuccess) throw std::runtime_error(cudaGetErrorString(status));
}

/// Values in memory of the host, or of the current card.
template <typename Value>
class DeviceArray {
public:
    DeviceArray(std::vector<Value> values, bool on_device) : values_(std::move(values)) {
        if (!on_device) return;
        require_cuda(cudaMalloc(reinterpret_cast<void**>(&device_), bytes()));
        require_cuda(cudaMemcpy(device_, values_.data(), bytes(), cudaMemcpyHostToDevice));
    }
    DeviceArray(const DeviceArray&) = delete;
    DeviceArray& operator=(const DeviceArray&) = delete;
    ~DeviceArray() { cudaFree(device_); }

    const Value* data() const { return device_ != nullptr ? device_ : values_.data(); }
    Value* data() { return device_ != nullptr ? device_ : values_.data(); }

    std::vector<Value> values() const {
        std::vector<Value> values = values_;
        if (device_ != nullptr) require_cuda(cudaMemcpy(values.data(), device_, bytes(), cudaMemcpyDeviceToHost));
        return values;
    }

private:
    std::size_t bytes() const { return values_.size() * sizeof(Value); }

    std::vector<Value> values_;
    Value* device_ = nullptr;
};

}  // namespace gpushard::test
