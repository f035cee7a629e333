// The matrix products that Faiss calls. They are computed when the stream comes to them, or only counted.
#include <memory>

#include "cublas/handles.hpp"
#include "cublas/product.hpp"
#include "simcuda.h"

using cublas::Handle;
using cublas::Matrix;
using cublas::Open;
using cublas::Product;
using cublas::Status;
using cublas::Stream;
using cublas::Type;

namespace {

constexpr int pointers_to_host = 0;

/// cublasOperation_t: as it is, transposed, and for complex numbers conjugated.
bool is_operation(int operation) { return operation >= 0 && operation <= 2; }

/// cublasComputeType_t: float32, as the standard has it or by faster ways; CUDA_R_32F of old calls is 0.
bool computes_in_f32(int compute) {
    return compute == 0 || compute == 68 || compute == 69 || compute == 74 || compute == 75 || compute == 77;
}

Matrix input(const void* data, int type, int leading, long long stride, int operation) {
    return {const_cast<void*>(data), static_cast<Type>(type), leading, stride, operation != 0};
}

Matrix output(void* data, int type, int leading, long long stride) {
    return {data, static_cast<Type>(type), leading, stride, false};
}

void run_product(void* argument, int run) {
    const std::unique_ptr<Product> product(static_cast<Product*>(argument));
    if (run != 0) compute(*product);
}

Status submit(const Product& product, Stream stream) {
    auto waiting = std::make_unique<Product>(product);
    const int submitted = simcuda_submit(stream, run_product, waiting.release());
    return submitted == simcuda_goes_on ? cublas::success : cublas::execution_failed;
}

/// What all of them have in common; the numbers are pointed to by `alpha` and `beta`.
struct Call {
    simcuda_site* site;
    Handle handle;
    int a_operation;
    int b_operation;
    const void* alpha;
    const void* beta;
    int compute = 0;
};

Status check(const Call& call, const Open& open) {
    if (!is_operation(call.a_operation) || !is_operation(call.b_operation)) return cublas::invalid_value;
    if (open.pointer_mode != pointers_to_host || !computes_in_f32(call.compute)) return cublas::not_supported;
    return call.alpha != nullptr && call.beta != nullptr ? cublas::success : cublas::invalid_value;
}

Status multiply(const Call& call, Product product) {
    Open open;
    Status status = cublas::perform(call.site, call.handle, cublas::execution_failed, [&](const Open& found) {
        open = found;
        if (product.m < 0 || product.n < 0 || product.k < 0) return cublas::invalid_value;
        // A handle is used where it was made, with a stream that is alive.
        if (simcuda_current_card() != open.card || simcuda_card_of_stream(open.stream) != open.card) {
            return cublas::execution_failed;
        }
        return cublas::success;
    });
    if (status != cublas::success || simcuda_computes() == 0) return status;
    status = check(call, open);
    if (status == cublas::success) status = check(product);
    if (status != cublas::success) return status;
    product.card = open.card;
    product.alpha = *static_cast<const float*>(call.alpha);
    product.beta = *static_cast<const float*>(call.beta);
    return submit(product, open.stream);
}

constexpr int f32 = static_cast<int>(Type::f32);

}  // namespace

extern "C" {

Status cublasSgemm_v2(Handle handle, int a_operation, int b_operation, int m, int n, int k, const float* alpha,
                      const float* a, int a_leading, const float* b, int b_leading, const float* beta, float* c,
                      int c_leading) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return multiply({site, handle, a_operation, b_operation, alpha, beta},
                    {.function = __func__,
                     .m = m,
                     .n = n,
                     .k = k,
                     .a = input(a, f32, a_leading, 0, a_operation),
                     .b = input(b, f32, b_leading, 0, b_operation),
                     .c = output(c, f32, c_leading, 0)});
}

Status cublasSgemmStridedBatched(Handle handle, int a_operation, int b_operation, int m, int n, int k,
                                 const float* alpha, const float* a, int a_leading, long long a_stride, const float* b,
                                 int b_leading, long long b_stride, const float* beta, float* c, int c_leading,
                                 long long c_stride, int batch) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return multiply({site, handle, a_operation, b_operation, alpha, beta},
                    {.function = __func__,
                     .m = m,
                     .n = n,
                     .k = k,
                     .batch = batch,
                     .a = input(a, f32, a_leading, a_stride, a_operation),
                     .b = input(b, f32, b_leading, b_stride, b_operation),
                     .c = output(c, f32, c_leading, c_stride)});
}

Status cublasSgemmEx(Handle handle, int a_operation, int b_operation, int m, int n, int k, const float* alpha,
                     const void* a, int a_type, int a_leading, const void* b, int b_type, int b_leading,
                     const float* beta, void* c, int c_type, int c_leading) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return multiply({site, handle, a_operation, b_operation, alpha, beta},
                    {.function = __func__,
                     .m = m,
                     .n = n,
                     .k = k,
                     .a = input(a, a_type, a_leading, 0, a_operation),
                     .b = input(b, b_type, b_leading, 0, b_operation),
                     .c = output(c, c_type, c_leading, 0)});
}

Status cublasGemmEx(Handle handle, int a_operation, int b_operation, int m, int n, int k, const void* alpha,
                    const void* a, int a_type, int a_leading, const void* b, int b_type, int b_leading,
                    const void* beta, void* c, int c_type, int c_leading, int compute, int) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return multiply({site, handle, a_operation, b_operation, alpha, beta, compute},
                    {.function = __func__,
                     .m = m,
                     .n = n,
                     .k = k,
                     .a = input(a, a_type, a_leading, 0, a_operation),
                     .b = input(b, b_type, b_leading, 0, b_operation),
                     .c = output(c, c_type, c_leading, 0)});
}

Status cublasGemmStridedBatchedEx(Handle handle, int a_operation, int b_operation, int m, int n, int k,
                                  const void* alpha, const void* a, int a_type, int a_leading, long long a_stride,
                                  const void* b, int b_type, int b_leading, long long b_stride, const void* beta,
                                  void* c, int c_type, int c_leading, long long c_stride, int batch, int compute, int) {
    static simcuda_site* const site = simcuda_site_of(__func__);
    return multiply({site, handle, a_operation, b_operation, alpha, beta, compute},
                    {.function = __func__,
                     .m = m,
                     .n = n,
                     .k = k,
                     .batch = batch,
                     .a = input(a, a_type, a_leading, a_stride, a_operation),
                     .b = input(b, b_type, b_leading, b_stride, b_operation),
                     .c = output(c, c_type, c_leading, c_stride)});
}

}  // extern "C"
