#include <cuda_runtime_api.h>

#include "calls/stream_cards.hpp"
#include "runtime/call.hpp"
#include "runtime/work.hpp"

using namespace simcuda;

namespace {

cudaError_t create_event(CallSite& site, cudaEvent_t* event, unsigned flags) {
    const int place = current_place();
    return perform(site, place, Needs::context, [&] {
        Simulator& simulator = Simulator::instance();
        const std::lock_guard lock(simulator.mutex);
        *event =
            reinterpret_cast<cudaEvent_t>(simulator.events.add({.card = place, .flags = flags, .record = nullptr}));
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
    const int place = place_of(stream);
    return perform(site, place, Needs::context, [&] {
        Simulator& simulator = Simulator::instance();
        const auto card = card_of(stream);
        const auto is_there = [&] {
            const Event* const found = simulator.events.find(event);
            return found != nullptr && card && found->card == *card;
        };
        {
            const std::lock_guard lock(simulator.mutex);
            if (!is_there()) return cudaErrorInvalidResourceHandle;
        }
        auto record = std::make_shared<EventRecord>();
        record->point = submit(place, stream, [record](bool) { record->time = std::chrono::steady_clock::now(); });
        const std::lock_guard lock(simulator.mutex);
        if (!is_there()) return cudaErrorInvalidResourceHandle;
        simulator.events.find(event)->record = record;
        return cudaSuccess;
    });
}

/// Null where it was never recorded, or there is no such event.
std::shared_ptr<EventRecord> record_of(cudaEvent_t event) {
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    const Event* const found = simulator.events.find(event);
    return found == nullptr ? nullptr : found->record;
}

bool exists(cudaEvent_t event) {
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    return simulator.events.find(event) != nullptr;
}

/// Asking whether it is done finishes it.
cudaError_t wait_for(CallSite& site, cudaEvent_t event) {
    const int place = place_of_event(event);
    return perform(site, place, Needs::context, [&] {
        if (!exists(event)) return cudaErrorInvalidResourceHandle;
        if (const auto record = record_of(event)) record->point.finish();
        return state_of(place);
    });
}

/// The record of an event that keeps time, once it is done; null when there is none.
std::shared_ptr<EventRecord> timed_record(cudaEvent_t event) {
    Simulator& simulator = Simulator::instance();
    std::shared_ptr<EventRecord> record;
    {
        const std::lock_guard lock(simulator.mutex);
        const Event* const found = simulator.events.find(event);
        if (found == nullptr || (found->flags & cudaEventDisableTiming) != 0) return nullptr;
        record = found->record;
    }
    if (record != nullptr) record->point.finish();
    return record;
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
        const auto first = timed_record(start);
        const auto last = timed_record(end);
        if (first == nullptr || last == nullptr) return cudaErrorInvalidResourceHandle;
        *milliseconds = std::chrono::duration<float, std::milli>(last->time - first->time).count();
        return cudaSuccess;
    });
}

}  // extern "C"
