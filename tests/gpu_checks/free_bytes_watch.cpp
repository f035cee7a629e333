#include "gpu_checks/free_bytes_watch.hpp"

#include <algorithm>
#include <cstddef>
#include <cuda_runtime_api.h>

#include "bench/card_counters.hpp"
#include "cuda/cuda_inventory.hpp"
#include "gpu_checks/card_under_test.hpp"

namespace gpushard::test {

FreeBytesWatch::FreeBytesWatch() : start_(card_free_bytes()), least_(start_) {
    if (const bench::CardCounters* const counters = bench::CardCounters::find()) {
        counters->reset();
        counted_at_start_ = counters->counts().peak_bytes;
        return;
    }
    const int ordinal = ordinal_of_card(card());
    thread_ = std::thread([this, ordinal] {
        cudaSetDevice(ordinal);
        while (!ends_) {
            std::size_t free = 0;
            std::size_t total = 0;
            if (cudaMemGetInfo(&free, &total) != cudaSuccess) return;
            least_ = std::min<Bytes>(least_, free);
        }
    });
}

FreeBytesWatch::~FreeBytesWatch() { end(); }

Bytes FreeBytesWatch::most_taken() {
    end();
    if (const bench::CardCounters* const counters = bench::CardCounters::find()) {
        return counters->counts().peak_bytes - counted_at_start_;
    }
    least_ = std::min<Bytes>(least_, card_free_bytes());
    return start_ - least_;
}

void FreeBytesWatch::end() {
    ends_ = true;
    if (thread_.joinable()) thread_.join();
}

}  // namespace gpushard::test
