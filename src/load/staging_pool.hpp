#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <gpushard/bytes.hpp>

namespace gpushard {

/// A page-aligned piece of host memory, mapped on its own so that freeing it gives it back to the system.
class StagingBuffer {
public:
    /// Throws InsufficientMemory.
    explicit StagingBuffer(Bytes bytes);
    StagingBuffer(const StagingBuffer&) = delete;
    StagingBuffer& operator=(const StagingBuffer&) = delete;
    ~StagingBuffer();

    float* data() const { return static_cast<float*>(address_); }

private:
    Bytes bytes_;
    void* address_;
};

/// At most so many equal buffers, each allocated when it is first needed and kept. Not thread-safe.
class StagingPool {
public:
    StagingPool(Bytes buffer_bytes, std::size_t most_buffers)
        : buffer_bytes_(buffer_bytes), most_buffers_(most_buffers) {}

    bool has_free() const { return !free_.empty() || buffers_.size() < most_buffers_; }
    /// Only when one is free. Throws InsufficientMemory when the host has no memory left.
    float* take();
    void give_back(float* buffer) { free_.push_back(buffer); }

    /// Never shrinks while the pool lives, so it is the peak.
    Bytes allocated_bytes() const { return buffers_.size() * buffer_bytes_; }

private:
    Bytes buffer_bytes_;
    std::size_t most_buffers_;
    std::vector<std::unique_ptr<StagingBuffer>> buffers_;
    std::vector<float*> free_;
};

}  // namespace gpushard
