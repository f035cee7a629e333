#pragma once

#include <cuda_runtime_api.h>
#include <memory>

#include <faiss/gpu/GpuResources.h>

#include <gpushard/backend.hpp>
#include <gpushard/device_info.hpp>

namespace gpushard {

/// What a caller may bring to a card. Kept alive by the device and its shards.
struct CudaDeviceOptions {
    /// Faiss resources to use instead of gpushard's own. Their temporaries are then the caller's business: not in the
    /// plan, not in the ledger. They may not be used by another thread while a shard loads or searches.
    std::shared_ptr<faiss::gpu::GpuResources> resources;
    /// All work of the shards is ordered on this stream, which the caller keeps alive.
    cudaStream_t stream = nullptr;
};

/// A logical device on the card that `info` names by UUID, or by ordinal where it has none; `info.free_bytes` less the
/// context is its byte budget, from which its shards take vectors, norms and Faiss's temp stack, nothing else. One
/// thread at a time loads onto it or searches its shards. Throws DeviceError when the card is not visible,
/// InvalidArgument for a device that is no card.
std::unique_ptr<Device> make_cuda_device(const DeviceInfo& info, const CudaDeviceOptions& options = {});

}  // namespace gpushard
