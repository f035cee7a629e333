#include <cuda_runtime_api.h>

#include "calls/stream_cards.hpp"
#include "runtime/call.hpp"

using namespace simcuda;

namespace {

cudaError_t create_event(CallSite& site, cudaEvent_t* event, unsigned flags) {
    const int place = current_place();
    return perform(site, place, Needs::context, [&] {
        Simulator& simulator = Simulator::instance();
        const std::lock_guard lock(simulator.mutex);
        *event = reinterpret_cast<cudaEvent_t>(simulator.events.add({.card = place, .flags = flags, .recorded = {}}));
        return cudaSuccess;
    });
}

int place_of_event(cudaEvent_t event) {
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    const Event* const found = simulator.events.find(event);
    return found == nullptr ? current_place() : found->card;
}

/// An event is recorded on streams of its own card only.
cudaError_t record(CallSite& site, cudaEvent_t event, cudaStream_t stream) {
    return perform(site, place_of(stream), Needs::context, [&] {
        const auto card = card_of(stream);
        Simulator& simulator = Simulator::instance();
        const std::lock_guard lock(simulator.mutex);
        Event* const found = simulator.events.find(event);
        if (found == nullptr || !card || found->card != *card) return cudaErrorInvalidResourceHandle;
        found->recorded = std::chrono::steady_clock::now();
        return cudaSuccess;
    });
}

cudaError_t wait_for(CallSite& site, cudaEvent_t event) {
    return perform(site, place_of_event(event), Needs::context, [&] {
        Simulator& simulator = Simulator::instance();
        const std::lock_guard lock(simulator.mutex);
        return simulator.events.find(event) != nullptr ? cudaSuccess : cudaErrorInvalidResourceHandle;
    });
}

bool keeps_time(const Event* event) {
    return event != nullptr && event->recorded && (event->flags & cudaEventDisableTiming) == 0;
}

}  // namespace

extern "C" {

cudaError_t cudaEventCreate(cudaEvent_t* event) {
    static CallSite& site = CallSite::of(__func__);
    return create_event(site, event, cudaEventDefault);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
    static CallSite& site = CallSite::of(__func__);
    return create_event(site, event, flags);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    static CallSite& site = CallSite::of(__func__);
    return record(site, event, stream);
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned) {
    static CallSite& site = CallSite::of(__func__);
    return record(site, event, stream);
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
    static CallSite& site = CallSite::of(__func__);
    return wait_for(site, event);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    static CallSite& site = CallSite::of(__func__);
    return wait_for(site, event);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, place_of_event(event), Needs::release, [&] {
        Simulator& simulator = Simulator::instance();
        const std::lock_guard lock(simulator.mutex);
        return simulator.events.remove(event) ? cudaSuccess : cudaErrorInvalidResourceHandle;
    });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, place_of_event(start), Needs::context, [&] {
        Simulator& simulator = Simulator::instance();
        const std::lock_guard lock(simulator.mutex);
        const Event* const first = simulator.events.find(start);
        const Event* const last = simulator.events.find(end);
        if (!keeps_time(first) || !keeps_time(last)) return cudaErrorInvalidResourceHandle;
        *milliseconds = std::chrono::duration<float, std::milli>(*last->recorded - *first->recorded).count();
        return cudaSuccess;
    });
}

}  // extern "C"
