// The part of cuBLAS that Faiss calls. Products are counted and not computed.
#include <cstddef>
#include <mutex>
#include <unordered_map>

#include "cublas/cublas_abi.hpp"
#include "runtime/neighbours.h"

using cublas::Handle;
using cublas::Status;
using cublas::Stream;

namespace {

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

Handles& handles() {
    static Handles& all = *new Handles;
    return all;
}

int card_of(Handle handle) {
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
    if (found == handles().open.end()) return cublas::not_initialized;
    return body(found->second);
}

Status multiply(simcuda_site* site, Handle handle, int m, int n, int k) {
    return perform(site, handle, cublas::execution_failed, [&](const Open& open) {
        if (m < 0 || n < 0 || k < 0) return cublas::invalid_value;
        // A handle is used where it was made, with a stream that is alive.
        if (simcuda_current_card() != open.card || simcuda_card_of_stream(open.stream) != open.card) {
            return cublas::execution_failed;
        }
        return cublas::success;
    });
}

}  // namespace

extern "C" {

Status cublasCreate_v2(Handle* handle) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    *handle = nullptr;
    const int card = simcuda_current_card();
    if (simcuda_enter(site, card, 1) != simcuda_goes_on) return cublas::not_initialized;
    *handle = reinterpret_cast<Handle>(new char);
    const std::lock_guard lock(handles().mutex);
    handles().open.emplace(*handle, Open{.card = card});
    simcuda_handle_opened();
    return cublas::success;
}

Status cublasDestroy_v2(Handle handle) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    const int entered = simcuda_enter(site, card_of(handle), 1);
    if (entered == simcuda_fails) return cublas::internal_error;
    const std::lock_guard lock(handles().mutex);
    if (handles().open.erase(handle) == 0) return cublas::not_initialized;
    delete reinterpret_cast<char*>(handle);
    simcuda_handle_closed();
    return entered == simcuda_goes_on ? cublas::success : cublas::internal_error;
}

Status cublasSetStream_v2(Handle handle, Stream stream) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return perform(site, handle, cublas::internal_error, [&](Open& open) {
        open.stream = stream;
        return cublas::success;
    });
}

Status cublasGetStream_v2(Handle handle, Stream* stream) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return perform(site, handle, cublas::internal_error, [&](const Open& open) {
        *stream = open.stream;
        return cublas::success;
    });
}

Status cublasSetWorkspace_v2(Handle handle, void*, std::size_t) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return perform(site, handle, cublas::internal_error, [](Open&) { return cublas::success; });
}

Status cublasGetMathMode(Handle handle, int* mode) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return perform(site, handle, cublas::internal_error, [&](const Open& open) {
        *mode = open.math_mode;
        return cublas::success;
    });
}

Status cublasSetMathMode(Handle handle, int mode) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return perform(site, handle, cublas::internal_error, [&](Open& open) {
        open.math_mode = mode;
        return cublas::success;
    });
}

Status cublasGetPointerMode_v2(Handle handle, int* mode) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return perform(site, handle, cublas::internal_error, [&](const Open& open) {
        *mode = open.pointer_mode;
        return cublas::success;
    });
}

Status cublasSetPointerMode_v2(Handle handle, int mode) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return perform(site, handle, cublas::internal_error, [&](Open& open) {
        open.pointer_mode = mode;
        return cublas::success;
    });
}

Status cublasGetAtomicsMode(Handle handle, int* mode) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return perform(site, handle, cublas::internal_error, [&](const Open& open) {
        *mode = open.atomics_mode;
        return cublas::success;
    });
}

Status cublasSetAtomicsMode(Handle handle, int mode) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return perform(site, handle, cublas::internal_error, [&](Open& open) {
        open.atomics_mode = mode;
        return cublas::success;
    });
}

Status cublasGetVersion_v2(Handle, int* version) {
    *version = 130000;
    return cublas::success;
}

const char* cublasGetStatusName(Status status) {
    switch (status) {
        case cublas::success:
            return "cublas::succesS";
        case cublas::not_initialized:
            return "cublas::not_initializeD";
        case cublas::alloc_failed:
            return "cublas::alloc_faileD";
        case cublas::invalid_value:
            return "cublas::invalid_valuE";
        case cublas::arch_mismatch:
            return "cublas::arch_mismatcH";
        case cublas::mapping_error:
            return "cublas::mapping_erroR";
        case cublas::execution_failed:
            return "cublas::execution_faileD";
        case cublas::internal_error:
            return "cublas::internal_erroR";
        case cublas::not_supported:
            return "cublas::not_supporteD";
        default:
            return "cublas::license_erroR";
    }
}

const char* cublasGetStatusString(Status status) { return cublasGetStatusName(status); }

Status cublasSgemm_v2(Handle handle, int, int, int m, int n, int k, const float*, const float*, int, const float*, int,
                      const float*, float*, int) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return multiply(site, handle, m, n, k);
}

Status cublasSgemmEx(Handle handle, int, int, int m, int n, int k, const float*, const void*, int, int, const void*,
                     int, int, const float*, void*, int, int) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return multiply(site, handle, m, n, k);
}

Status cublasGemmEx(Handle handle, int, int, int m, int n, int k, const void*, const void*, int, int, const void*, int,
                    int, const void*, void*, int, int, int, int) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return multiply(site, handle, m, n, k);
}

Status cublasGemmStridedBatchedEx(Handle handle, int, int, int m, int n, int k, const void*, const void*, int, int,
                                  long long, const void*, int, int, long long, const void*, void*, int, int, long long,
                                  int, int, int) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return multiply(site, handle, m, n, k);
}

}  // extern "C"
