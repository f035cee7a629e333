#include <cuda_runtime_api.h>

#include "calls/stream_cards.hpp"
#include "runtime/call.hpp"
#include "runtime/findings.hpp"
#include "runtime/reachable_memory.hpp"
#include "runtime/work.hpp"

using namespace simcuda;

namespace {

void* as_pointer(std::uintptr_t address) { return reinterpret_cast<void*>(address); }
std::uintptr_t as_address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

Location locate(const void* pointer) {
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    return simulator.locate(pointer);
}

/// The card that a call about `pointer` is made on.
int place_of(const void* pointer) {
    const Location where = pointer == nullptr ? Location{} : locate(pointer);
    return where.on_device() ? where.card : current_place();
}

/// Work that is held back may free some.
void finish_when_full(int place, std::size_t bytes) {
    Simulator& simulator = Simulator::instance();
    if (!simulator.computes()) return;
    {
        const std::lock_guard lock(simulator.mutex);
        if (bytes <= simulator.card(place).free()) return;
    }
    finish_card(place);
}

cudaError_t allocate_on_card(int place, void** pointer, std::size_t bytes) {
    *pointer = nullptr;
    if (bytes == 0) return cudaSuccess;
    finish_when_full(place, bytes);
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    Card& card = simulator.card(place);
    if (!card.charge(bytes)) return cudaErrorMemoryAllocation;
    const auto address = card.memory.allocate(bytes);
    if (!address) {
        card.refund(bytes);
        return cudaErrorMemoryAllocation;
    }
    *pointer = as_pointer(*address);
    return cudaSuccess;
}

cudaError_t allocate_managed(int place, void** pointer, std::size_t bytes) {
    if (bytes == 0) return cudaErrorInvalidValue;
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    Card& card = simulator.card(place);
    if (!card.charge(bytes)) return cudaErrorMemoryAllocation;
    const auto address = simulator.host.allocate(HostMemory::Kind::managed, bytes, place, 0);
    if (!address) {
        card.refund(bytes);
        return cudaErrorMemoryAllocation;
    }
    *pointer = as_pointer(*address);
    return cudaSuccess;
}

cudaError_t release_on_card(int place, void* pointer) {
    if (pointer == nullptr) return cudaSuccess;
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    Card& card = simulator.card(place);
    auto bytes = card.memory.release(as_address(pointer));
    if (!bytes) {
        const auto block = simulator.host.release(HostMemory::Kind::managed, as_address(pointer));
        if (block) bytes = block->bytes;
    }
    if (!bytes) return cudaErrorInvalidValue;
    card.refund(*bytes);
    return cudaSuccess;
}

/// In the order of the stream; the memory must still be there when its turn comes.
cudaError_t release_in_order(int place, void* pointer, cudaStream_t stream) {
    if (pointer == nullptr) return cudaSuccess;
    const Location where = locate(pointer);
    if (!where.on_device() || where.begin != as_address(pointer)) return cudaErrorInvalidValue;
    submit(simcuda::place_of(stream), stream, [place, pointer](bool) {
        if (release_on_card(place, pointer) == cudaSuccess) return;
        Findings::instance().report({interpreter::FindingKind::invalid_access, "cudaFreeAsync",
                                     "frees " + ReachableMemory(place).describe(as_address(pointer), 1)});
        Simulator::instance().card(place).lose();
    });
    return cudaSuccess;
}

cudaError_t allocate_pinned(void** pointer, std::size_t bytes, unsigned flags) {
    *pointer = nullptr;
    if (bytes == 0) return cudaSuccess;
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    const auto address = simulator.host.allocate(HostMemory::Kind::pinned, bytes, current_place(), flags);
    if (!address) return cudaErrorMemoryAllocation;
    *pointer = as_pointer(*address);
    return cudaSuccess;
}

cudaMemoryType memory_type(Location::Kind kind) {
    switch (kind) {
        case Location::Kind::device:
            return cudaMemoryTypeDevice;
        case Location::Kind::managed:
            return cudaMemoryTypeManaged;
        case Location::Kind::pinned:
        case Location::Kind::registered:
            return cudaMemoryTypeHost;
        case Location::Kind::unknown:
            break;
    }
    return cudaMemoryTypeUnregistered;
}

}  // namespace

extern "C" {

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
    static CallSite& site = CallSite::of(__func__);
    const int place = current_place();
    return perform(site, place, Needs::context, [&] { return allocate_on_card(place, pointer, bytes); });
}

cudaError_t cudaMallocAsync(void** pointer, std::size_t bytes, cudaStream_t) {
    static CallSite& site = CallSite::of(__func__);
    const int place = current_place();
    return perform(site, place, Needs::context, [&] { return allocate_on_card(place, pointer, bytes); });
}

cudaError_t cudaMallocManaged(void** pointer, std::size_t bytes, unsigned flags) {
    static CallSite& site = CallSite::of(__func__);
    const int place = current_place();
    return perform(site, place, Needs::context, [&] {
        if (flags != cudaMemAttachGlobal && flags != cudaMemAttachHost) return cudaErrorInvalidValue;
        return allocate_managed(place, pointer, bytes);
    });
}

cudaError_t cudaFree(void* pointer) {
    static CallSite& site = CallSite::of(__func__);
    const int place = place_of(pointer);
    const Needs needs = pointer == nullptr ? Needs::context : Needs::release;
    return perform(site, place, needs, [&] {
        if (pointer != nullptr) finish_card(place);
        return release_on_card(place, pointer);
    });
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
    static CallSite& site = CallSite::of(__func__);
    const int place = place_of(pointer);
    return perform(site, place, Needs::release, [&] {
        return Simulator::instance().computes() ? release_in_order(place, pointer, stream)
                                                : release_on_card(place, pointer);
    });
}

cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned flags) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, current_place(), Needs::context, [&] { return allocate_pinned(pointer, bytes, flags); });
}

cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, current_place(), Needs::context, [&] { return allocate_pinned(pointer, bytes, 0); });
}

cudaError_t cudaFreeHost(void* pointer) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, current_place(), Needs::release, [&] {
        if (pointer == nullptr) return cudaSuccess;
        finish_all();
        Simulator& simulator = Simulator::instance();
        const std::lock_guard lock(simulator.mutex);
        const auto block = simulator.host.release(HostMemory::Kind::pinned, as_address(pointer));
        return block ? cudaSuccess : cudaErrorInvalidValue;
    });
}

cudaError_t cudaHostRegister(void* pointer, std::size_t bytes, unsigned flags) {
    static CallSite& site = CallSite::of(__func__);
    const int place = current_place();
    return perform(site, place, Needs::context, [&] {
        if (pointer == nullptr || bytes == 0) return cudaErrorInvalidValue;
        Simulator& simulator = Simulator::instance();
        const std::lock_guard lock(simulator.mutex);
        return simulator.host.add_registered(as_address(pointer), bytes, place, flags)
                   ? cudaSuccess
                   : cudaErrorHostMemoryAlreadyRegistered;
    });
}

cudaError_t cudaHostUnregister(void* pointer) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, current_place(), Needs::release, [&] {
        finish_all();
        Simulator& simulator = Simulator::instance();
        const std::lock_guard lock(simulator.mutex);
        const auto block = simulator.host.release(HostMemory::Kind::registered, as_address(pointer));
        return block ? cudaSuccess : cudaErrorHostMemoryNotRegistered;
    });
}

cudaError_t cudaHostGetDevicePointer(void** device_pointer, void* host_pointer, unsigned) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, current_place(), Needs::context, [&] {
        if (locate(host_pointer).kind == Location::Kind::unknown) return cudaErrorInvalidValue;
        *device_pointer = host_pointer;
        return cudaSuccess;
    });
}

cudaError_t cudaHostGetFlags(unsigned* flags, void* pointer) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, current_place(), Needs::context, [&] {
        Simulator& simulator = Simulator::instance();
        const std::lock_guard lock(simulator.mutex);
        const auto block = simulator.host.block_at(as_address(pointer));
        if (!block) return cudaErrorInvalidValue;
        *flags = block->flags;
        return cudaSuccess;
    });
}

cudaError_t cudaMemGetInfo(std::size_t* free_bytes, std::size_t* total_bytes) {
    static CallSite& site = CallSite::of(__func__);
    const int place = current_place();
    return perform(site, place, Needs::context, [&] {
        Simulator& simulator = Simulator::instance();
        const std::lock_guard lock(simulator.mutex);
        *free_bytes = simulator.card(place).free();
        *total_bytes = simulator.card(place).spec().total_bytes;
        return cudaSuccess;
    });
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, current_place(), Needs::context, [&] {
        const Location where = locate(pointer);
        const bool known = where.kind != Location::Kind::unknown;
        *attributes = {};
        attributes->type = memory_type(where.kind);
        attributes->device = known ? Simulator::instance().ordinal_of(where.card) : cudaInvalidDeviceId;
        attributes->devicePointer = known ? const_cast<void*>(pointer) : nullptr;
        attributes->hostPointer = where.on_host() ? const_cast<void*>(pointer) : nullptr;
        return cudaSuccess;
    });
}

}  // extern "C"
