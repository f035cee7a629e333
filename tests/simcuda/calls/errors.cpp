#include <cuda_runtime_api.h>

#include "calls/error_texts.hpp"
#include "runtime/call.hpp"

using namespace simcuda;

namespace {

/// What a lost card leaves behind cannot be read away.
cudaError_t last_error(CallSite& site) {
    const int place = current_place();
    site.count(place);
    return card_is_lost(place) ? lost_card_error : thread_state().last_error;
}

}  // namespace

extern "C" {

cudaError_t cudaGetLastError() {
    static CallSite& site = CallSite::of(__func__);
    const cudaError_t error = last_error(site);
    thread_state().last_error = cudaSuccess;
    return error;
}

cudaError_t cudaPeekAtLastError() {
    static CallSite& site = CallSite::of(__func__);
    return last_error(site);
}

const char* cudaGetErrorName(cudaError_t error) { return text_of(error).name; }

const char* cudaGetErrorString(cudaError_t error) { return text_of(error).text; }

}  // extern "C"
