#pragma once

#include <cuda_runtime_api.h>

#include "runtime/work_queue.hpp"

namespace simcuda {

/// Gives a stream of the card at `place` work. Where kernels are counted it runs at once and there is nothing to wait
/// for. All of these take the simulator's lock; none holds it while work runs.
WorkPoint submit(int place, cudaStream_t stream, Work work);

/// Run what was given to the stream, to any stream of the card, to any stream, and what that waits for.
void finish_stream(int place, cudaStream_t stream);
void finish_card(int place);
void finish_all();

/// A queue for a new stream of the card, and its end.
std::shared_ptr<WorkQueue> open_queue(int place, bool blocking);
void close_queue(const std::shared_ptr<WorkQueue>& queue);

}  // namespace simcuda
