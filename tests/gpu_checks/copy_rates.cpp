#include "gpu_checks/copy_rates.hpp"

#include <cuda_runtime_api.h>
#include <vector>

#include <gpushard/bytes.hpp>

#include "bench/timing.hpp"
#include "cuda/cuda_check.hpp"
#include "cuda/cuda_inventory.hpp"
#include "gpu_checks/card_under_test.hpp"

namespace gpushard::test {
namespace {

constexpr Bytes copied = 256_MiB;

/// A buffer on each side.
class Buffers {
public:
    Buffers() {
        check_cuda(cudaHostAlloc(&host, copied, cudaHostAllocDefault), card().spec, "cudaHostAlloc");
        check_cuda(cudaMalloc(&on_card, copied), card().spec, "cudaMalloc");
    }
    ~Buffers() {
        cudaFree(on_card);
        cudaFreeHost(host);
    }
    Buffers(const Buffers&) = delete;
    Buffers& operator=(const Buffers&) = delete;

    void* host = nullptr;
    void* on_card = nullptr;
};

double rate(void* to, const void* from, cudaMemcpyKind kind, int repetitions) {
    const auto copy = [&] {
        check_cuda(cudaMemcpyAsync(to, from, copied, kind, nullptr), card().spec, "cudaMemcpyAsync");
        check_cuda(cudaStreamSynchronize(nullptr), card().spec, "cudaStreamSynchronize");
    };
    copy();
    std::vector<double> seconds;
    for (int i = 0; i < repetitions; ++i) seconds.push_back(bench::seconds_per_call(copy));
    return static_cast<double>(copied) / bench::median(seconds);
}

}  // namespace

CopyRates measure_copy_rates(int repetitions) {
    const CurrentCard current(ordinal_of_card(card()), card().spec);
    const Buffers buffers;
    return {rate(buffers.on_card, buffers.host, cudaMemcpyHostToDevice, repetitions),
            rate(buffers.host, buffers.on_card, cudaMemcpyDeviceToHost, repetitions)};
}

}  // namespace gpushard::test
