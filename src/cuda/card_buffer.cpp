#include "cuda/card_buffer.hpp"

#include <mutex>
#include <vector>

#include <gpushard/error.hpp>

#include "cuda/cuda_check.hpp"
#include "cuda/faiss_error.hpp"
#include "log/log.hpp"

namespace gpushard {
namespace {

/// Lives until the process ends, on purpose without a destructor.
void keep_for_good(std::shared_ptr<faiss::gpu::GpuResources> resources) {
    static std::mutex mutex;
    static auto* const kept = new std::vector<std::shared_ptr<faiss::gpu::GpuResources>>;
    const std::lock_guard lock(mutex);
    kept->push_back(std::move(resources));
}

}  // namespace

CardInUse::~CardInUse() {
    if (is_lost_) keep_for_good(std::move(resources_));
}

void CardInUse::settle() noexcept {
    // An error of earlier work may be reported once; a card that is lost reports it every time.
    for (int attempt = 0; attempt < 2 && !is_lost_; ++attempt) {
        try {
            const CurrentCard current(ordinal_, device_);
            check_cuda(cudaDeviceSynchronize(), device_, "cudaDeviceSynchronize");
            return;
        } catch (const Error& error) {
            if (attempt == 0) continue;
            log_error("{}; what it holds is left to the driver", error.what());
            abandon();
        }
    }
}

CardBuffer::CardBuffer(CardInUse& card, faiss::gpu::AllocType type, faiss::gpu::MemorySpace space, Bytes bytes)
    : card_(card) {
    const faiss::gpu::AllocInfo info(type, card.ordinal(), space, card.stream());
    try {
        address_ = card.resources()->allocMemory(faiss::gpu::AllocRequest(info, static_cast<std::size_t>(bytes)));
    } catch (const faiss::FaissException& error) {
        // Only resources of a caller: ours throw what they mean.
        throw_faiss_error(error, card.device(), "allocMemory");
    }
}

CardBuffer::~CardBuffer() {
    if (address_ != nullptr && !card_.is_lost()) card_.resources()->deallocMemory(card_.ordinal(), address_);
}

PinnedBuffer::PinnedBuffer(Bytes bytes, const std::string& device) : bytes_(bytes) {
    const cudaError_t status = cudaHostAlloc(&address_, static_cast<std::size_t>(bytes), cudaHostAllocDefault);
    if (status == cudaErrorMemoryAllocation) {
        cudaGetLastError();
        throw InsufficientMemory(
            device + ": no page-locked host memory left for " + format_bytes(bytes) + " of staging", bytes, {}, {},
            {{"device", std::string("host")}, {"asked_bytes", static_cast<std::int64_t>(bytes)}});
    }
    check_cuda(status, device, "cudaHostAlloc");
}

PinnedBuffer::~PinnedBuffer() {
    if (cudaFreeHost(address_) != cudaSuccess) cudaGetLastError();
}

StreamMark::StreamMark(const std::string& device) : device_(device) {
    check_cuda(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), device_, "cudaEventCreate");
}

StreamMark::~StreamMark() {
    if (cudaEventDestroy(event_) != cudaSuccess) cudaGetLastError();
}

void StreamMark::set(cudaStream_t stream) { check_cuda(cudaEventRecord(event_, stream), device_, "cudaEventRecord"); }

void StreamMark::wait() { check_cuda(cudaEventSynchronize(event_), device_, "cudaEventSynchronize"); }

}  // namespace gpushard
