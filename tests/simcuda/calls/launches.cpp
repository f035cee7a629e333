#include <algorithm>
#include <cuda_runtime_api.h>

#include "calls/stream_cards.hpp"
#include "runtime/call.hpp"
#include "runtime/kernel_launch.hpp"

using namespace simcuda;

namespace {

constexpr unsigned grid_yz = 65535;

bool shape_is_possible(dim3 grid, dim3 block) {
    const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
    if (grid.x == 0 || grid.y == 0 || grid.z == 0 || threads == 0 || threads > threads_per_block) return false;
    return grid.x <= 0x7FFFFFFFU && grid.y <= grid_yz && grid.z <= grid_yz && block.z <= 64;
}

cudaError_t check_kernel(const Kernel* kernel, int place) {
    if (kernel == nullptr) return cudaErrorInvalidDeviceFunction;
    return image_for(*kernel, place) != nullptr ? cudaSuccess : cudaErrorNoKernelImageForDevice;
}

/// A kernel runs on the current card, which must be the stream's.
cudaError_t launch(CallSite& site, const void* function, const LaunchRequest& request) {
    const int place = current_place();
    return perform(site, place, Needs::context, [&] {
        Simulator& simulator = Simulator::instance();
        simulator.card(place).count_launch();
        if (card_of(request.stream) != place) return cudaErrorInvalidResourceHandle;
        if (!shape_is_possible(request.grid, request.block)) return cudaErrorInvalidConfiguration;
        const Kernel* const kernel = KernelRegistry::instance().find(function);
        const cudaError_t error = check_kernel(kernel, place);
        if (error != cudaSuccess || !simulator.computes()) return error;
        return launch_program(*kernel, place, request);
    });
}

/// Code that cannot be read is a finding when it is launched; until then it keeps what every kernel has.
void add_what_ptx_says(cudaFuncAttributes& attributes, const Kernel& kernel, int place) {
    try {
        const auto code = code_for(kernel, place);
        const interpreter::Program& program = program_of(kernel, *code);
        const ptx::Kernel& ptx = program.kernel();
        if (ptx.max_threads != 0) attributes.maxThreadsPerBlock = static_cast<int>(ptx.max_threads);
        attributes.sharedSizeBytes = program.static_shared_bytes();
        attributes.localSizeBytes = local_bytes(ptx);
        attributes.maxDynamicSharedSizeBytes =
            dynamic_shared_limit(kernel, place)
                .value_or(shared_bytes_per_block - static_cast<int>(attributes.sharedSizeBytes));
    } catch (const UnreadableCode&) {
    }
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

cudaError_t cudaLaunchKernel(const void* function, dim3 grid, dim3 block, void** arguments, std::size_t shared_bytes,
                             cudaStream_t stream) {
    static CallSite& site = CallSite::of(__func__);
    return launch(site, function, {grid, block, arguments, shared_bytes, stream});
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* configuration, const void* function, void** arguments) {
    static CallSite& site = CallSite::of(__func__);
    return launch(site, function,
                  {configuration->gridDim, configuration->blockDim, arguments, configuration->dynamicSmemBytes,
                   configuration->stream});
}

cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* function) {
    const Kernel* const found = KernelRegistry::instance().find(function);
    if (found == nullptr) return cudaErrorInvalidDeviceFunction;
    *kernel = reinterpret_cast<cudaKernel_t>(const_cast<Kernel*>(found));
    return cudaSuccess;
}

cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** arguments, std::size_t shared_bytes,
                               cudaStream_t stream) {
    static CallSite& site = CallSite::of(__func__);
    return launch(site, kernel, {grid, block, arguments, shared_bytes, stream});
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
        if (Simulator::instance().computes()) add_what_ptx_says(*attributes, *kernel, place);
        return cudaSuccess;
    });
}

cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute attribute, int value) {
    static CallSite& site = CallSite::of(__func__);
    const int place = current_place();
    return perform(site, place, Needs::context, [&] {
        const Kernel* const kernel = KernelRegistry::instance().find(function);
        const cudaError_t error = check_kernel(kernel, place);
        if (error != cudaSuccess || !Simulator::instance().computes()) return error;
        if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
        return limit_dynamic_shared_bytes(*kernel, place, value) ? cudaSuccess : cudaErrorInvalidValue;
    });
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
