#pragma once

#include <mutex>
#include <unordered_map>

#include "cublas/cublas_abi.hpp"
#include "runtime/neighbours.h"

namespace cublas {

/// What a handle stands for; modes are as a new one has them.
struct Open {
    int card = 0;
    Stream stream = nullptr;
    int math_mode = 0;
    int pointer_mode = 0;
    int atomics_mode = 0;
};

/// Never destroyed: programs destroy handles from destructors of static objects.
struct Handles {
    std::mutex mutex;
    std::unordered_map<Handle, Open> open;
};

inline Handles& handles() {
    static Handles& all = *new Handles;
    return all;
}

inline int card_of(Handle handle) {
    const std::lock_guard lock(handles().mutex);
    const auto found = handles().open.find(handle);
    return found == handles().open.end() ? -1 : found->second.card;
}

/// One call with an open handle; `body(Open&)` runs under the lock.
template <typename Body>
Status perform(simcuda_site* site, Handle handle, Status failure, Body body) {
    const int card = card_of(handle);
    if (simcuda_enter(site, card, card >= 0 ? 1 : 0) != simcuda_goes_on) return failure;
    const std::lock_guard lock(handles().mutex);
    const auto found = handles().open.find(handle);
    if (found == handles().open.end()) return not_initialized;
    return body(found->second);
}

}  // namespace cublas
