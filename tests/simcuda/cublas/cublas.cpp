// Handles and their modes: the part of cuBLAS that Faiss calls, but for the products.
#include <cstddef>

#include "cublas/handles.hpp"
#include "runtime/neighbours.h"

using cublas::card_of;
using cublas::Handle;
using cublas::Open;
using cublas::perform;
using cublas::Status;
using cublas::Stream;

extern "C" {

Status cublasCreate_v2(Handle* handle) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    *handle = nullptr;
    const int card = simcuda_current_card();
    if (simcuda_enter(site, card, 1) != simcuda_goes_on) return cublas::not_initialized;
    *handle = reinterpret_cast<Handle>(new char);
    const std::lock_guard lock(cublas::handles().mutex);
    cublas::handles().open.emplace(*handle, Open{.card = card});
    simcuda_handle_opened();
    return cublas::success;
}

Status cublasDestroy_v2(Handle handle) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    const int entered = simcuda_enter(site, card_of(handle), 1);
    if (entered == simcuda_fails) return cublas::internal_error;
    const std::lock_guard lock(cublas::handles().mutex);
    if (cublas::handles().open.erase(handle) == 0) return cublas::not_initialized;
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
            return "CUBLAS_STATUS_SUCCESS";
        case cublas::not_initialized:
            return "CUBLAS_STATUS_NOT_INITIALIZED";
        case cublas::alloc_failed:
            return "CUBLAS_STATUS_ALLOC_FAILED";
        case cublas::invalid_value:
            return "CUBLAS_STATUS_INVALID_VALUE";
        case cublas::arch_mismatch:
            return "CUBLAS_STATUS_ARCH_MISMATCH";
        case cublas::mapping_error:
            return "CUBLAS_STATUS_MAPPING_ERROR";
        case cublas::execution_failed:
            return "CUBLAS_STATUS_EXECUTION_FAILED";
        case cublas::internal_error:
            return "CUBLAS_STATUS_INTERNAL_ERROR";
        case cublas::not_supported:
            return "CUBLAS_STATUS_NOT_SUPPORTED";
        default:
            return "CUBLAS_STATUS_LICENSE_ERROR";
    }
}

const char* cublasGetStatusString(Status status) { return cublasGetStatusName(status); }

}  // extern "C"
