#pragma once

#include <cuda_runtime_api.h>

#include "runtime/call_site.hpp"
#include "runtime/simulator.hpp"
#include "runtime/thread_state.hpp"

namespace simcuda {

/// What a call needs of the card it is made on.
enum class Needs {
    nothing,  ///< works without a card
    rig,      ///< any card; makes no context
    context,  ///< makes the card's context
    release,  ///< gives something back, which is forgotten even where the card is lost
};

/// What every call to a lost card returns: documented as one that nothing but a new process ends.
inline constexpr cudaError_t lost_card_error = cudaErrorLaunchFailure;

/// Counts the call and lets the faults typed for it happen. cudaSuccess: the call may go on.
cudaError_t begin_call(CallSite& site, int place, Needs needs);

/// Keeps what a call returned for cudaGetLastError.
cudaError_t end_call(cudaError_t result);

bool card_is_lost(int place);
/// What a call returns that waited for work of the card.
cudaError_t state_of(int place);

/// One call of the runtime on the card at `place` (-1: on none); `body` does the work and returns a cudaError_t.
template <typename Body>
cudaError_t perform(CallSite& site, int place, Needs needs, Body&& body) {
    cudaError_t result = begin_call(site, place, needs);
    if (result == cudaSuccess) result = body();
    if (needs == Needs::release && result == cudaSuccess && card_is_lost(place)) result = lost_card_error;
    return end_call(result);
}

}  // namespace simcuda
