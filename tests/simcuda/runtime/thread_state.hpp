#pragma once

#include <cstddef>
#include <cstdint>
#include <cuda_runtime_api.h>
#include <map>
#include <memory>
#include <vector>

#include "runtime/work_queue.hpp"

namespace simcuda {

/// What `kernel<<<grid, block, shared, stream>>>` put down for the launch that follows.
struct LaunchConfiguration {
    dim3 grid;
    dim3 block;
    std::size_t shared_bytes = 0;
    cudaStream_t stream = nullptr;
};

/// What CUDA keeps for every host thread.
struct ThreadState {
    int ordinal = 0;
    std::uint64_t generation = 0;
    cudaError_t last_error = cudaSuccess;
    std::vector<LaunchConfiguration> launches;
    /// The per-thread default streams, by card.
    struct OwnStream {
        std::uint64_t generation = 0;
        std::shared_ptr<WorkQueue> queue;
    };
    std::map<int, OwnStream> streams;
};

ThreadState& thread_state();

/// Place in the rig of this thread's current card; -1 when no card is visible.
int current_place();

}  // namespace simcuda
