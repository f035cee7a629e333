#pragma once

#include <cuda_runtime_api.h>
#include <optional>

namespace simcuda {

/// Place of the card that a stream belongs to, the current one for the default streams; empty when there is no such
/// stream. Takes the simulator's lock.
std::optional<int> card_of(cudaStream_t stream);

/// The same, with the current card where there is no such stream: the card that the failing call is counted on.
int place_of(cudaStream_t stream);

}  // namespace simcuda
