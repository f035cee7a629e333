// The part of cuBLAS that Faiss calls. Products are counted and not computed.
#include <cublas_v2.h>
#include <mutex>
#include <unordered_map>

#include "runtime/neighbours.h"

namespace {

struct Handle {
    int card = 0;
    cudaStream_t stream = nullptr;
    cublasMath_t math_mode = CUBLAS_DEFAULT_MATH;
    cublasPointerMode_t pointer_mode = CUBLAS_POINTER_MODE_HOST;
    cublasAtomicsMode_t atomics_mode = CUBLAS_ATOMICS_NOT_ALLOWED;
};

/// Never destroyed: programs destroy handles from destructors of static objects.
struct Handles {
    std::mutex mutex;
    std::unordered_map<cublasHandle_t, Handle> open;
};

Handles& handles() {
    static Handles& all = *new Handles;
    return all;
}

int card_of(cublasHandle_t handle) {
    const std::lock_guard lock(handles().mutex);
    const auto found = handles().open.find(handle);
    return found == handles().open.end() ? -1 : found->second.card;
}

/// One call with an open handle; `body(Handle&)` runs under the lock.
template <typename Body>
cublasStatus_t perform(simcuda_site* site, cublasHandle_t handle, cublasStatus_t failure, Body body) {
    const int card = card_of(handle);
    if (simcuda_enter(site, card, card >= 0 ? 1 : 0) != simcuda_goes_on) return failure;
    const std::lock_guard lock(handles().mutex);
    const auto found = handles().open.find(handle);
    if (found == handles().open.end()) return CUBLAS_STATUS_NOT_INITIALIZED;
    return body(found->second);
}

cublasStatus_t multiply(simcuda_site* site, cublasHandle_t handle, int m, int n, int k) {
    return perform(site, handle, CUBLAS_STATUS_EXECUTION_FAILED, [&](const Handle& open) {
        if (m < 0 || n < 0 || k < 0) return CUBLAS_STATUS_INVALID_VALUE;
        // A handle is used where it was made, with a stream that is alive.
        if (simcuda_current_card() != open.card || simcuda_card_of_stream(open.stream) != open.card) {
            return CUBLAS_STATUS_EXECUTION_FAILED;
        }
        return CUBLAS_STATUS_SUCCESS;
    });
}

}  // namespace

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    *handle = nullptr;
    const int card = simcuda_current_card();
    if (simcuda_enter(site, card, 1) != simcuda_goes_on) return CUBLAS_STATUS_NOT_INITIALIZED;
    *handle = reinterpret_cast<cublasHandle_t>(new char);
    const std::lock_guard lock(handles().mutex);
    handles().open.emplace(*handle, Handle{.card = card});
    simcuda_handle_opened();
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    const int entered = simcuda_enter(site, card_of(handle), 1);
    if (entered == simcuda_fails) return CUBLAS_STATUS_INTERNAL_ERROR;
    const std::lock_guard lock(handles().mutex);
    if (handles().open.erase(handle) == 0) return CUBLAS_STATUS_NOT_INITIALIZED;
    delete reinterpret_cast<char*>(handle);
    simcuda_handle_closed();
    return entered == simcuda_goes_on ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INTERNAL_ERROR;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return perform(site, handle, CUBLAS_STATUS_INTERNAL_ERROR, [&](Handle& open) {
        open.stream = stream;
        return CUBLAS_STATUS_SUCCESS;
    });
}

cublasStatus_t cublasGetStream_v2(cublasHandle_t handle, cudaStream_t* stream) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return perform(site, handle, CUBLAS_STATUS_INTERNAL_ERROR, [&](const Handle& open) {
        *stream = open.stream;
        return CUBLAS_STATUS_SUCCESS;
    });
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void*, std::size_t) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return perform(site, handle, CUBLAS_STATUS_INTERNAL_ERROR, [](Handle&) { return CUBLAS_STATUS_SUCCESS; });
}

cublasStatus_t cublasGetMathMode(cublasHandle_t handle, cublasMath_t* mode) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return perform(site, handle, CUBLAS_STATUS_INTERNAL_ERROR, [&](const Handle& open) {
        *mode = open.math_mode;
        return CUBLAS_STATUS_SUCCESS;
    });
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return perform(site, handle, CUBLAS_STATUS_INTERNAL_ERROR, [&](Handle& open) {
        open.math_mode = mode;
        return CUBLAS_STATUS_SUCCESS;
    });
}

cublasStatus_t cublasGetPointerMode_v2(cublasHandle_t handle, cublasPointerMode_t* mode) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return perform(site, handle, CUBLAS_STATUS_INTERNAL_ERROR, [&](const Handle& open) {
        *mode = open.pointer_mode;
        return CUBLAS_STATUS_SUCCESS;
    });
}

cublasStatus_t cublasSetPointerMode_v2(cublasHandle_t handle, cublasPointerMode_t mode) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return perform(site, handle, CUBLAS_STATUS_INTERNAL_ERROR, [&](Handle& open) {
        open.pointer_mode = mode;
        return CUBLAS_STATUS_SUCCESS;
    });
}

cublasStatus_t cublasGetAtomicsMode(cublasHandle_t handle, cublasAtomicsMode_t* mode) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return perform(site, handle, CUBLAS_STATUS_INTERNAL_ERROR, [&](const Handle& open) {
        *mode = open.atomics_mode;
        return CUBLAS_STATUS_SUCCESS;
    });
}

cublasStatus_t cublasSetAtomicsMode(cublasHandle_t handle, cublasAtomicsMode_t mode) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return perform(site, handle, CUBLAS_STATUS_INTERNAL_ERROR, [&](Handle& open) {
        open.atomics_mode = mode;
        return CUBLAS_STATUS_SUCCESS;
    });
}

cublasStatus_t cublasGetVersion_v2(cublasHandle_t, int* version) {
    *version = CUBLAS_VERSION;
    return CUBLAS_STATUS_SUCCESS;
}

const char* cublasGetStatusName(cublasStatus_t status) {
    switch (status) {
        case CUBLAS_STATUS_SUCCESS:
            return "CUBLAS_STATUS_SUCCESS";
        case CUBLAS_STATUS_NOT_INITIALIZED:
            return "CUBLAS_STATUS_NOT_INITIALIZED";
        case CUBLAS_STATUS_ALLOC_FAILED:
            return "CUBLAS_STATUS_ALLOC_FAILED";
        case CUBLAS_STATUS_INVALID_VALUE:
            return "CUBLAS_STATUS_INVALID_VALUE";
        case CUBLAS_STATUS_ARCH_MISMATCH:
            return "CUBLAS_STATUS_ARCH_MISMATCH";
        case CUBLAS_STATUS_MAPPING_ERROR:
            return "CUBLAS_STATUS_MAPPING_ERROR";
        case CUBLAS_STATUS_EXECUTION_FAILED:
            return "CUBLAS_STATUS_EXECUTION_FAILED";
        case CUBLAS_STATUS_INTERNAL_ERROR:
            return "CUBLAS_STATUS_INTERNAL_ERROR";
        case CUBLAS_STATUS_NOT_SUPPORTED:
            return "CUBLAS_STATUS_NOT_SUPPORTED";
        default:
            return "CUBLAS_STATUS_LICENSE_ERROR";
    }
}

const char* cublasGetStatusString(cublasStatus_t status) { return cublasGetStatusName(status); }

cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t, cublasOperation_t, int m, int n, int k,
                              const float*, const float*, int, const float*, int, const float*, float*, int) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return multiply(site, handle, m, n, k);
}

cublasStatus_t cublasSgemmEx(cublasHandle_t handle, cublasOperation_t, cublasOperation_t, int m, int n, int k,
                             const float*, const void*, cudaDataType, int, const void*, cudaDataType, int, const float*,
                             void*, cudaDataType, int) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return multiply(site, handle, m, n, k);
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t, cublasOperation_t, int m, int n, int k,
                            const void*, const void*, cudaDataType, int, const void*, cudaDataType, int, const void*,
                            void*, cudaDataType, int, cublasComputeType_t, cublasGemmAlgo_t) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return multiply(site, handle, m, n, k);
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t, cublasOperation_t, int m, int n,
                                          int k, const void*, const void*, cudaDataType, int, long long, const void*,
                                          cudaDataType, int, long long, const void*, void*, cudaDataType, int,
                                          long long, int, cublasComputeType_t, cublasGemmAlgo_t) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return multiply(site, handle, m, n, k);
}

}  // extern "C"
