#include "cuda/device_resources.hpp"

#include <cuda_runtime_api.h>
#include <mutex>
#include <utility>

#include <faiss/impl/FaissException.h>

#include <gpushard/error.hpp>

#include "core/card_memory.hpp"
#include "cuda/cuda_check.hpp"
#include "log/faiss_call.hpp"

namespace gpushard {
namespace {

/// Faiss initialises cards through tables that it does not lock.
std::mutex& initialisation() {
    static std::mutex mutex;
    return mutex;
}

}  // namespace

DeviceResources::DeviceResources(std::shared_ptr<DeviceBudget> budget, Options options)
    : budget_(std::move(budget)), options_(std::move(options)) {
    setPinnedMemory(0);
    setTempMemory(options_.temp_stack);
}

std::shared_ptr<DeviceResources> DeviceResources::create(std::shared_ptr<DeviceBudget> budget, Options options) {
    const int ordinal = options.ordinal;
    std::shared_ptr<DeviceResources> resources(new DeviceResources(std::move(budget), std::move(options)));
    const std::lock_guard lock(initialisation());
    const FaissCall call(resources->device(), "initializeForDevice");
    resources->initializeForDevice(ordinal);
    return resources;
}

// The stack is freed by the base class, which then sees its own deallocMemory and not the one here.
DeviceResources::~DeviceResources() { budget_->release(ledger_.total().current); }

void* DeviceResources::allocMemory(const faiss::gpu::AllocRequest& request) {
    // Requests of temporaries come out of the stack; one that does not fit comes back here as an allocation.
    if (request.space == faiss::gpu::MemorySpace::Temporary || request.size == 0) {
        return StandardGpuResourcesImpl::allocMemory(request);
    }
    const Bytes bytes = card_rounded(request.size);
    const std::string type = faiss::gpu::allocTypeToString(request.type);
    if (options_.before_allocation) options_.before_allocation(type, bytes);
    budget_->charge(bytes, type);
    void* address = nullptr;
    try {
        address = StandardGpuResourcesImpl::allocMemory(request);
        allocations_[address] = {type, bytes};
    } catch (const faiss::FaissException&) {
        budget_->release(bytes);
        refuse(type, bytes);
    } catch (...) {
        budget_->release(bytes);
        throw;
    }
    ledger_.add(type, bytes);
    return address;
}

void DeviceResources::deallocMemory(int ordinal, void* address) {
    StandardGpuResourcesImpl::deallocMemory(ordinal, address);
    const auto found = allocations_.find(address);
    if (found == allocations_.end()) return;
    ledger_.remove(found->second.type, found->second.bytes);
    budget_->release(found->second.bytes);
    allocations_.erase(found);
}

void DeviceResources::refuse(const std::string& type, Bytes bytes) const {
    cudaGetLastError();  // handled here: left standing, it would abort the next check inside Faiss
    const CurrentCard card(options_.ordinal, device());
    const Bytes free = free_on_current_card(device());
    const Bytes held = budget_->current();
    InsufficientMemory error(device() + ": cudaMalloc of " + format_bytes(bytes) + " (" + type + ") failed, " +
                                 format_bytes(free) + " are free, gpushard holds " + format_bytes(held) + " there",
                             bytes > free ? bytes - free : 0,
                             {{device(), bytes, free, bytes > free ? bytes - free : 0}}, {},
                             {{"device", device()},
                              {"asked_bytes", static_cast<std::int64_t>(bytes)},
                              {"free_bytes", static_cast<std::int64_t>(free)},
                              {"held_bytes", static_cast<std::int64_t>(held)}});
    error.add_hint("see what else uses the card: gpushard devices");
    throw error;
}

}  // namespace gpushard
