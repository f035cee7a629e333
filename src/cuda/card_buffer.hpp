#pragma once

#include <cstddef>
#include <cuda_runtime_api.h>
#include <memory>
#include <string>

#include <faiss/gpu/GpuResources.h>

#include <gpushard/bytes.hpp>

namespace gpushard {

/// A card in use by one shard: its ordinal, Faiss's resources on it, and whether it still answers.
///
/// Faiss aborts when it cannot give something back to a card that is lost. So once `abandon` was called nothing is
/// given back any more, and the resources are kept until the process ends: the driver has taken all of it back already.
class CardInUse {
public:
    CardInUse(std::string device, int ordinal, std::shared_ptr<faiss::gpu::GpuResources> resources)
        : device_(std::move(device)), ordinal_(ordinal), resources_(std::move(resources)) {}
    ~CardInUse();
    CardInUse(const CardInUse&) = delete;
    CardInUse& operator=(const CardInUse&) = delete;

    const std::string& device() const { return device_; }
    int ordinal() const { return ordinal_; }
    const std::shared_ptr<faiss::gpu::GpuResources>& resources() const { return resources_; }
    cudaStream_t stream() const { return resources_->getDefaultStream(ordinal_); }

    /// Waits for the card's work; abandons the card when it fails.
    void settle() noexcept;
    void abandon() noexcept { is_lost_ = true; }
    bool is_lost() const { return is_lost_; }

private:
    const std::string device_;
    const int ordinal_;
    std::shared_ptr<faiss::gpu::GpuResources> resources_;
    bool is_lost_ = false;
};

/// Memory of a card, taken from Faiss's resources: for good, or temporarily from the stack, where buffers are given
/// back in the reverse order.
class CardBuffer {
public:
    /// Throws InsufficientMemory.
    CardBuffer(CardInUse& card, faiss::gpu::AllocType type, faiss::gpu::MemorySpace space, Bytes bytes);
    ~CardBuffer();
    CardBuffer(const CardBuffer&) = delete;
    CardBuffer& operator=(const CardBuffer&) = delete;

    std::byte* data() const { return static_cast<std::byte*>(address_); }
    template <typename Element>
    Element* as() const {
        return static_cast<Element*>(address_);
    }

private:
    CardInUse& card_;
    void* address_ = nullptr;
};

/// Page-locked host memory, from and to which a card copies while the processor goes on.
class PinnedBuffer {
public:
    /// Throws InsufficientMemory when the host cannot lock so much.
    PinnedBuffer(Bytes bytes, const std::string& device);
    ~PinnedBuffer();
    PinnedBuffer(const PinnedBuffer&) = delete;
    PinnedBuffer& operator=(const PinnedBuffer&) = delete;

    Bytes size() const { return bytes_; }
    std::byte* data() const { return static_cast<std::byte*>(address_); }

private:
    const Bytes bytes_;
    void* address_ = nullptr;
};

/// Marks a point in a stream that the processor can wait for.
class StreamMark {
public:
    explicit StreamMark(const std::string& device);
    ~StreamMark();
    StreamMark(const StreamMark&) = delete;
    StreamMark& operator=(const StreamMark&) = delete;

    void set(cudaStream_t stream);
    /// Returns at once where it was never set.
    void wait();

private:
    const std::string device_;
    cudaEvent_t event_ = nullptr;
};

}  // namespace gpushard
