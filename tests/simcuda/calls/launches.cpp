#include <algorithm>
#include <cuda_runtime_api.h>

#include "calls/stream_cards.hpp"
#include "runtime/call.hpp"
#include "runtime/kernel_registry.hpp"

using namespace simcuda;

namespace {

constexpr unsigned threads_per_block = 1024;
constexpr unsigned grid_yz = 65535;

bool shape_is_possible(dim3 grid, dim3 block) {
    const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
    if (grid.x == 0 || grid.y == 0 || grid.z == 0 || threads == 0 || threads > threads_per_block) return false;
    return grid.x <= 0x7FFFFFFFU && grid.y <= grid_yz && grid.z <= grid_yz && block.z <= 64;
}

const CodeImage* image_for(const Kernel& kernel, int place) {
    return kernel.module->image_for(Simulator::instance().card(place).spec().compute_capability);
}

cudaError_t check_kernel(const Kernel* kernel, int place) {
    if (kernel == nullptr) return cudaErrorInvalidDeviceFunction;
    return image_for(*kernel, place) != nullptr ? cudaSuccess : cudaErrorNoKernelImageForDevice;
}

/// A kernel runs on the current card, which must be the stream's.
cudaError_t launch(CallSite& site, const void* function, dim3 grid, dim3 block, cudaStream_t stream) {
    const int place = current_place();
    return perform(site, place, Needs::context, [&] {
        Simulator::instance().card(place).count_launch();
        if (card_of(stream) != place) return cudaErrorInvalidResourceHandle;
        if (!shape_is_possible(grid, block)) return cudaErrorInvalidConfiguration;
        return check_kernel(KernelRegistry::instance().find(function), place);
    });
}

cudaError_t occupancy(CallSite& site, int* blocks, const void* function, int block_threads) {
    const int place = current_place();
    return perform(site, place, Needs::context, [&] {
        const cudaError_t error = check_kernel(KernelRegistry::instance().find(function), place);
        if (error != cudaSuccess) return error;
        if (block_threads <= 0) return cudaErrorInvalidValue;
        *blocks = std::clamp(2048 / block_threads, 0, 32);
        return cudaSuccess;
    });
}

}  // namespace

extern "C" {

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, std::size_t shared_bytes, cudaStream_t stream) {
    thread_state().launches.push_back({grid, block, shared_bytes, stream});
    return 0;
}

cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, std::size_t* shared_bytes, void* stream) {
    auto& launches = thread_state().launches;
    if (launches.empty()) return cudaErrorMissingConfiguration;
    const LaunchConfiguration& last = launches.back();
    *grid = last.grid;
    *block = last.block;
    *shared_bytes = last.shared_bytes;
    *static_cast<cudaStream_t*>(stream) = last.stream;
    launches.pop_back();
    return cudaSuccess;
}

cudaError_t cudaLaunchKernel(const void* function, dim3 grid, dim3 block, void**, std::size_t, cudaStream_t stream) {
    static CallSite& site = CallSite::of(__func__);
    return launch(site, function, grid, block, stream);
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* configuration, const void* function, void**) {
    static CallSite& site = CallSite::of(__func__);
    return launch(site, function, configuration->gridDim, configuration->blockDim, configuration->stream);
}

cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* function) {
    const Kernel* const found = KernelRegistry::instance().find(function);
    if (found == nullptr) return cudaErrorInvalidDeviceFunction;
    *kernel = reinterpret_cast<cudaKernel_t>(const_cast<Kernel*>(found));
    return cudaSuccess;
}

cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void**, std::size_t, cudaStream_t stream) {
    static CallSite& site = CallSite::of(__func__);
    return launch(site, kernel, grid, block, stream);
}

/// CUB looks for the version among those that it was compiled for.
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* function) {
    static CallSite& site = CallSite::of(__func__);
    const int place = current_place();
    return perform(site, place, Needs::context, [&] {
        const Kernel* const kernel = KernelRegistry::instance().find(function);
        const cudaError_t error = check_kernel(kernel, place);
        if (error != cudaSuccess) return error;
        *attributes = {};
        attributes->maxThreadsPerBlock = threads_per_block;
        attributes->numRegs = 32;
        attributes->ptxVersion = attributes->binaryVersion = image_for(*kernel, place)->compute_capability;
        return cudaSuccess;
    });
}

cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute, int) {
    static CallSite& site = CallSite::of(__func__);
    const int place = current_place();
    return perform(site, place, Needs::context,
                   [&] { return check_kernel(KernelRegistry::instance().find(function), place); });
}

cudaError_t cudaFuncSetCacheConfig(const void* function, cudaFuncCache) {
    static CallSite& site = CallSite::of(__func__);
    const int place = current_place();
    return perform(site, place, Needs::context,
                   [&] { return check_kernel(KernelRegistry::instance().find(function), place); });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* function, int block_threads,
                                                          std::size_t) {
    static CallSite& site = CallSite::of(__func__);
    return occupancy(site, blocks, function, block_threads);
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void* function, int block_threads,
                                                                   std::size_t, unsigned) {
    static CallSite& site = CallSite::of(__func__);
    return occupancy(site, blocks, function, block_threads);
}

}  // extern "C"
