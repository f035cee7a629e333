#include <cuda_runtime_api.h>

#include "calls/stream_cards.hpp"
#include "runtime/call.hpp"
#include "runtime/work.hpp"

namespace simcuda {

std::optional<int> card_of(cudaStream_t stream) {
    if (stream == nullptr || stream == cudaStreamLegacy || stream == cudaStreamPerThread) return current_place();
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    const Stream* const found = simulator.streams.find(stream);
    if (found == nullptr) return std::nullopt;
    return found->card;
}

int place_of(cudaStream_t stream) { return card_of(stream).value_or(current_place()); }

}  // namespace simcuda

using namespace simcuda;

namespace {

cudaError_t create_stream(CallSite& site, cudaStream_t* stream, unsigned flags, int priority) {
    const int place = current_place();
    return perform(site, place, Needs::context, [&] {
        if (flags != cudaStreamDefault && flags != cudaStreamNonBlocking) return cudaErrorInvalidValue;
        Simulator& simulator = Simulator::instance();
        const std::lock_guard lock(simulator.mutex);
        *stream = reinterpret_cast<cudaStream_t>(
            simulator.streams.add({.card = place,
                                   .flags = flags,
                                   .priority = priority,
                                   .queue = open_queue(place, flags != cudaStreamNonBlocking)}));
        return cudaSuccess;
    });
}

/// Asking whether it is done finishes it: a program that polls would wait for ever.
cudaError_t wait_for(CallSite& site, cudaStream_t stream) {
    const int place = place_of(stream);
    return perform(site, place, Needs::context, [&] {
        if (!card_of(stream)) return cudaErrorInvalidResourceHandle;
        finish_stream(place, stream);
        return state_of(place);
    });
}

}  // namespace

extern "C" {

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
    static CallSite& site = CallSite::of(__func__);
    return create_stream(site, stream, cudaStreamDefault, 0);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
    static CallSite& site = CallSite::of(__func__);
    return create_stream(site, stream, flags, 0);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int priority) {
    static CallSite& site = CallSite::of(__func__);
    return create_stream(site, stream, flags, priority);
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, current_place(), Needs::context, [&] {
        *least = 0;
        *greatest = -5;
        return cudaSuccess;
    });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    static CallSite& site = CallSite::of(__func__);
    const int place = place_of(stream);
    return perform(site, place, Needs::release, [&] {
        Simulator& simulator = Simulator::instance();
        if (card_of(stream)) finish_stream(place, stream);
        const std::lock_guard lock(simulator.mutex);
        const Stream* const found = simulator.streams.find(stream);
        if (found == nullptr) return cudaErrorInvalidResourceHandle;
        close_queue(found->queue);
        simulator.streams.remove(stream);
        return cudaSuccess;
    });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    static CallSite& site = CallSite::of(__func__);
    return wait_for(site, stream);
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
    static CallSite& site = CallSite::of(__func__);
    return wait_for(site, stream);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
    static CallSite& site = CallSite::of(__func__);
    const int place = place_of(stream);
    return perform(site, place, Needs::context, [&] {
        if (!card_of(stream)) return cudaErrorInvalidResourceHandle;
        std::shared_ptr<EventRecord> record;
        {
            Simulator& simulator = Simulator::instance();
            const std::lock_guard lock(simulator.mutex);
            const Event* const found = simulator.events.find(event);
            if (found == nullptr) return cudaErrorInvalidResourceHandle;
            record = found->record;
        }
        if (record != nullptr) submit(place, stream, [record](bool) { record->point.finish(); });
        return cudaSuccess;
    });
}

cudaError_t cudaStreamGetFlags(cudaStream_t stream, unsigned* flags) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, place_of(stream), Needs::context, [&] {
        if (!card_of(stream)) return cudaErrorInvalidResourceHandle;
        Simulator& simulator = Simulator::instance();
        const std::lock_guard lock(simulator.mutex);
        const Stream* const found = simulator.streams.find(stream);
        *flags = found == nullptr ? cudaStreamDefault : found->flags;
        return cudaSuccess;
    });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, place_of(stream), Needs::context, [&] {
        *status = cudaStreamCaptureStatusNone;
        return card_of(stream) ? cudaSuccess : cudaErrorInvalidResourceHandle;
    });
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* argument) {
    static CallSite& site = CallSite::of(__func__);
    const int place = place_of(stream);
    return perform(site, place, Needs::context, [&] {
        if (!card_of(stream)) return cudaErrorInvalidResourceHandle;
        submit(place, stream, [function, argument](bool run) {
            if (run) function(argument);
        });
        return cudaSuccess;
    });
}

}  // extern "C"
