#include "gpu_checks/card_under_test.hpp"

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <stdexcept>

#include <gpushard/cuda/cuda_device.hpp>
#include <gpushard/index_inspector.hpp>
#include <gpushard/load.hpp>
#include <gpushard/placement_planner.hpp>

#include "bench/card_counters.hpp"
#include "cuda/cuda_check.hpp"
#include "cuda/cuda_inventory.hpp"
#include "cuda/faiss_gpu_compat.hpp"

namespace gpushard::test {
namespace {

int ordinal() { return ordinal_of_card(card()); }

void check_cublas(cublasStatus_t status, const char* call) {
    if (status != CUBLAS_STATUS_SUCCESS) throw std::runtime_error(std::string(call) + " failed");
}

/// A handle that has multiplied two numbers.
class WarmHandle {
public:
    WarmHandle() {
        check_cublas(cublasCreate(&handle_), "cublasCreate");
        check_cuda(cudaMalloc(&numbers_, 3 * sizeof(float)), card().spec, "cudaMalloc");
        const float one = 1;
        check_cublas(
            cublasGemmEx(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, numbers_, CUDA_R_32F, 1, numbers_ + 1,
                         CUDA_R_32F, 1, &one, numbers_ + 2, CUDA_R_32F, 1, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
            "cublasGemmEx");
        check_cuda(cudaDeviceSynchronize(), card().spec, "cudaDeviceSynchronize");
    }
    ~WarmHandle() {
        cudaFree(numbers_);
        cublasDestroy(handle_);
    }
    WarmHandle(const WarmHandle&) = delete;
    WarmHandle& operator=(const WarmHandle&) = delete;

private:
    cublasHandle_t handle_ = nullptr;
    float* numbers_ = nullptr;
};

}  // namespace

const DeviceInfo& card() {
    static const DeviceInfo found = [] {
        DeviceInfo first = system_inventory().cards().front();
        const CurrentCard current(ordinal_of_card(first), first.spec);
        check_cuda(cudaFree(nullptr), first.spec, "cudaFree");
        first.free_bytes = free_on_current_card(first.spec);
        first.context_bytes = 0;
        return first;
    }();
    return found;
}

Bytes card_free_bytes() {
    const CurrentCard current(ordinal(), card().spec);
    check_cuda(cudaDeviceSynchronize(), card().spec, "cudaDeviceSynchronize");
    return free_on_current_card(card().spec);
}

bool kernels_compute() {
    const bench::CardCounters* const counters = bench::CardCounters::find();
    return counters == nullptr || counters->computes();
}

bool card_has_bfloat16() {
    int major = 0;
    check_cuda(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, ordinal()), card().spec,
               "cudaDeviceGetAttribute");
    return faiss_compat::searches_bfloat16 && major >= 8;
}

Bytes cublas_handle_bytes() {
    const CurrentCard current(ordinal(), card().spec);
    { const WarmHandle first; }  // loads cuBLAS's kernels, which stay
    const Bytes before = card_free_bytes();
    const WarmHandle second;
    const Bytes after = card_free_bytes();
    return before - std::min(before, after);
}

DeviceInfo part_of_card(Bytes budget) {
    DeviceInfo part = card();
    part.spec += "=" + std::to_string(budget);
    part.total_bytes = part.free_bytes = budget;
    return part;
}

DeviceInfo part_of_host(Bytes budget) {
    DeviceInfo part;
    part.spec = "cpu=" + std::to_string(budget);
    part.name = "host memory";
    part.total_bytes = part.free_bytes = budget;
    // As fast as the card, so that both get rows.
    part.bytes_per_second = card().bytes_per_second;
    return part;
}

std::vector<std::shared_ptr<Device>> open(const std::vector<DeviceInfo>& devices) {
    std::vector<std::shared_ptr<Device>> opened;
    for (const DeviceInfo& device : devices) {
        opened.push_back(device.kind == DeviceKind::cuda ? make_cuda_device(device) : make_cpu_device(device));
    }
    return opened;
}

PlacementPlan plan_onto(const std::vector<DeviceInfo>& devices, const ByteSource& source, PlanOptions options) {
    if (!options.reserve_bytes) options.reserve_bytes = 0;
    return plan_placement(inspect_index(source), devices, options);
}

ShardedIndex load_onto(const std::vector<DeviceInfo>& devices, std::shared_ptr<const ByteSource> source,
                       const PlanOptions& options) {
    const PlacementPlan plan = plan_onto(devices, *source, options);
    return load(plan, std::move(source), open(devices));
}

}  // namespace gpushard::test
