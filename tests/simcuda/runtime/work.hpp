#pragma once

#include <cuda_runtime_api.h>
#include <functional>

namespace simcuda {

/// Something that a stream does; called once, with false where it is dropped because the card is lost.
using Work = std::function<void(bool run)>;

/// Work on a stream of the card at `place`.
void submit(int place, cudaStream_t stream, Work work);

}  // namespace simcuda
