#include "runtime/call.hpp"

#include <string_view>

namespace simcuda {
namespace {

/// What a driver in trouble answers to a call of this name.
cudaError_t natural_error(std::string_view function) {
    for (const std::string_view allocation : {"cudaMalloc", "cudaHostAlloc", "cudaHostRegister", "cudaSetDevice",
                                              "cudaStreamCreate", "cudaEventCreate", "cudaInitDevice"}) {
        if (function.starts_with(allocation)) return cudaErrorMemoryAllocation;
    }
    if (function.find("LaunchKernel") != std::string_view::npos) return cudaErrorLaunchOutOfResources;
    if (function == "cudaGetDeviceCount") return cudaErrorInitializationError;
    return cudaErrorUnknown;
}

/// True when the call itself fails.
bool set_off_faults(Simulator& simulator, const CallSite& site, int place) {
    bool fails = false;
    for (const Fault& fault : simulator.faults.due(site.function(), place)) {
        if (fault.action == Fault::Action::fail) {
            fails = true;
        } else if (simulator.has_card(fault.card)) {
            const std::lock_guard lock(simulator.mutex);
            Card& card = simulator.card(fault.card);
            if (fault.action == Fault::Action::lose) card.lose();
            if (fault.action == Fault::Action::take) card.take(fault.bytes);
        }
    }
    return fails;
}

}  // namespace

bool card_is_lost(int place) {
    Simulator& simulator = Simulator::instance();
    return simulator.has_card(place) && simulator.card(place).lost();
}

cudaError_t state_of(int place) { return card_is_lost(place) ? lost_card_error : cudaSuccess; }

cudaError_t begin_call(CallSite& site, int place, Needs needs) {
    Simulator& simulator = Simulator::instance();
    site.count(place);
    if (set_off_faults(simulator, site, place)) return natural_error(site.function());
    if (needs == Needs::nothing) return cudaSuccess;
    if (!simulator.has_driver()) return cudaErrorInsufficientDriver;
    if (simulator.visible().empty()) return cudaErrorNoDevice;
    if (needs != Needs::context || !simulator.has_card(place)) return cudaSuccess;

    Card& card = simulator.card(place);
    if (card.lost()) return lost_card_error;
    const std::lock_guard lock(simulator.mutex);
    return card.create_context() ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t end_call(cudaError_t result) {
    if (result != cudaSuccess && result != cudaErrorNotReady) thread_state().last_error = result;
    return result;
}

}  // namespace simcuda
