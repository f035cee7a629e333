#pragma once

#include <cuda_runtime_api.h>

#include "runtime/call_site.hpp"

namespace simcuda {

/// Whether a call waits for the copy it asks for.
enum class Waits { as_cudaMemcpy, as_cudaMemcpyAsync };

/// One call that copies a row of bytes.
cudaError_t copy_row(CallSite& site, void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, Waits waits,
                     cudaStream_t stream);

}  // namespace simcuda
