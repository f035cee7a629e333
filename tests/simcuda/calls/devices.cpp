#include <algorithm>
#include <cstdio>
#include <cuda_runtime_api.h>

#include "rig/text.hpp"
#include "runtime/call.hpp"
#include "runtime/work.hpp"

using namespace simcuda;

namespace {

/// One call on the card of that ordinal; refuses ordinals that name none.
template <typename Body>
cudaError_t perform_on(CallSite& site, int ordinal, Needs needs, Body body) {
    const int place = Simulator::instance().place_of(ordinal);
    return perform(site, place, needs, [&] { return place < 0 ? cudaErrorInvalidDevice : body(place); });
}

bool peers_possible(int place, int peer) {
    Simulator& simulator = Simulator::instance();
    return place != peer && simulator.card(place).spec().peer_access && simulator.card(peer).spec().peer_access;
}

void destroy_objects(int place) {
    Simulator& simulator = Simulator::instance();
    simulator.streams.remove_card(place);
    simulator.events.remove_card(place);
    simulator.card(place).destroy_context();
}

}  // namespace

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
    static CallSite& site = CallSite::of(__func__);
    *count = 0;
    return perform(site, -1, Needs::rig, [&] {
        *count = static_cast<int>(Simulator::instance().visible().size());
        return cudaSuccess;
    });
}

cudaError_t cudaGetDevice(int* ordinal) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, current_place(), Needs::rig, [&] {
        *ordinal = thread_state().ordinal;
        return cudaSuccess;
    });
}

cudaError_t cudaSetDevice(int ordinal) {
    static CallSite& site = CallSite::of(__func__);
    current_place();
    return perform_on(site, ordinal, Needs::context, [&](int) {
        thread_state().ordinal = ordinal;
        return cudaSuccess;
    });
}

cudaError_t cudaInitDevice(int ordinal, unsigned, unsigned) {
    static CallSite& site = CallSite::of(__func__);
    return perform_on(site, ordinal, Needs::context, [](int) { return cudaSuccess; });
}

cudaError_t cudaSetDeviceFlags(unsigned) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, current_place(), Needs::rig, [] { return cudaSuccess; });
}

cudaError_t cudaGetDeviceFlags(unsigned* flags) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, current_place(), Needs::rig, [&] {
        *flags = 0;
        return cudaSuccess;
    });
}

cudaError_t cudaDeviceReset() {
    static CallSite& site = CallSite::of(__func__);
    const int place = current_place();
    return perform(site, place, Needs::release, [&] {
        finish_card(place);
        const std::lock_guard lock(Simulator::instance().mutex);
        destroy_objects(place);
        return cudaSuccess;
    });
}

cudaError_t cudaDeviceSynchronize() {
    static CallSite& site = CallSite::of(__func__);
    const int place = current_place();
    return perform(site, place, Needs::context, [&] {
        finish_card(place);
        return state_of(place);
    });
}

cudaError_t cudaDeviceGetPCIBusId(char* text, int length, int ordinal) {
    static CallSite& site = CallSite::of(__func__);
    return perform_on(site, ordinal, Needs::rig, [&](int place) {
        const PciAddress pci = parse_pci(Simulator::instance().card(place).spec().pci);
        const int needed = std::snprintf(text, static_cast<std::size_t>(std::max(length, 0)), "%04X:%02X:%02X.0",
                                         pci.domain, pci.bus, pci.device);
        return needed < length ? cudaSuccess : cudaErrorInvalidValue;
    });
}

cudaError_t cudaDeviceGetByPCIBusId(int* ordinal, const char* text) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, -1, Needs::rig, [&] {
        Simulator& simulator = Simulator::instance();
        try {
            const PciAddress wanted = parse_pci(text);
            for (const int place : simulator.visible()) {
                if (parse_pci(simulator.card(place).spec().pci) != wanted) continue;
                *ordinal = simulator.ordinal_of(place);
                return cudaSuccess;
            }
        } catch (const BadText&) {
            return cudaErrorInvalidValue;
        }
        return cudaErrorInvalidDevice;
    });
}

cudaError_t cudaDeviceCanAccessPeer(int* can, int ordinal, int peer_ordinal) {
    static CallSite& site = CallSite::of(__func__);
    return perform_on(site, ordinal, Needs::rig, [&](int place) {
        const int peer = Simulator::instance().place_of(peer_ordinal);
        if (peer < 0) return cudaErrorInvalidDevice;
        *can = peers_possible(place, peer) ? 1 : 0;
        return cudaSuccess;
    });
}

cudaError_t cudaDeviceEnablePeerAccess(int peer_ordinal, unsigned flags) {
    static CallSite& site = CallSite::of(__func__);
    const int place = current_place();
    return perform(site, place, Needs::context, [&] {
        Simulator& simulator = Simulator::instance();
        const int peer = simulator.place_of(peer_ordinal);
        if (peer < 0) return cudaErrorInvalidDevice;
        if (flags != 0) return cudaErrorInvalidValue;
        if (!peers_possible(place, peer)) return cudaErrorPeerAccessUnsupported;
        const std::lock_guard lock(simulator.mutex);
        return simulator.card(place).peers.insert(peer).second ? cudaSuccess : cudaErrorPeerAccessAlreadyEnabled;
    });
}

cudaError_t cudaDeviceDisablePeerAccess(int peer_ordinal) {
    static CallSite& site = CallSite::of(__func__);
    const int place = current_place();
    return perform(site, place, Needs::context, [&] {
        Simulator& simulator = Simulator::instance();
        const int peer = simulator.place_of(peer_ordinal);
        if (peer < 0) return cudaErrorInvalidDevice;
        const std::lock_guard lock(simulator.mutex);
        return simulator.card(place).peers.erase(peer) == 1 ? cudaSuccess : cudaErrorPeerAccessNotEnabled;
    });
}

cudaError_t cudaDeviceGetP2PAttribute(int* value, cudaDeviceP2PAttr attribute, int ordinal, int peer_ordinal) {
    static CallSite& site = CallSite::of(__func__);
    return perform_on(site, ordinal, Needs::rig, [&](int place) {
        const int peer = Simulator::instance().place_of(peer_ordinal);
        if (peer < 0 || peer == place) return cudaErrorInvalidDevice;
        const bool accessible = peers_possible(place, peer);
        *value = attribute == cudaDevP2PAttrPerformanceRank ? 0 : static_cast<int>(accessible);
        return cudaSuccess;
    });
}

cudaError_t cudaDeviceSetLimit(cudaLimit, std::size_t) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, current_place(), Needs::context, [] { return cudaSuccess; });
}

cudaError_t cudaDriverGetVersion(int* version) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, -1, Needs::nothing, [&] {
        *version = Simulator::instance().driver_version();
        return cudaSuccess;
    });
}

cudaError_t cudaRuntimeGetVersion(int* version) {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, -1, Needs::nothing, [&] {
        *version = CUDART_VERSION;
        return cudaSuccess;
    });
}

cudaError_t cudaProfilerStart() {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, current_place(), Needs::context, [] { return cudaSuccess; });
}

cudaError_t cudaProfilerStop() {
    static CallSite& site = CallSite::of(__func__);
    return perform(site, current_place(), Needs::context, [] { return cudaSuccess; });
}

}  // extern "C"
