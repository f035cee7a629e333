#include "cuda/context_measurement.hpp"

#include <algorithm>
#include <cstdint>
#include <cuda_runtime_api.h>
#include <exception>
#include <optional>
#include <thread>
#include <vector>

#include <faiss/gpu/GpuDistance.h>
#include <faiss/gpu/StandardGpuResources.h>

#include <gpushard/error.hpp>

#include "cuda/card_contexts.hpp"
#include "cuda/card_fitness.hpp"
#include "cuda/cuda_inventory.hpp"
#include "cuda/own_device_code.hpp"
#include "device/device_code.hpp"

namespace gpushard {
namespace {

/// Below it Faiss may fail where it cannot recover: it ends the process when cuBLAS or a stream cannot be made.
constexpr Bytes least_free_bytes = 1_GiB;

constexpr int row_count = 1024;
constexpr int query_count = 32;
constexpr int dim = 64;

/// Faiss before 1.10 does not know bfloat16.
template <typename Type>
std::optional<Type> bfloat16_type() {
    if constexpr (requires { Type::BF16; }) {
        return Type::BF16;
    } else {
        return std::nullopt;
    }
}

/// Kernels for bfloat16 are compiled for compute capability 8.0 and later.
bool has_bfloat16(const DeviceInfo& card) {
    constexpr ComputeCapability least{8, 0};
    const auto capability = parse_compute_capability(card.compute_capability);
    if (!capability || *capability < least) return false;
    const std::vector<DeviceCode>& codes = faiss_device_code();
    return std::any_of(codes.begin(), codes.end(),
                       [&](const DeviceCode& code) { return code.architecture >= least && code.runs_on(*capability); });
}

std::vector<faiss::gpu::DistanceDataType> precisions_of(const DeviceInfo& card) {
    using Type = faiss::gpu::DistanceDataType;
    std::vector<Type> types = {Type::F32, Type::F16};
    if (const auto bfloat16 = bfloat16_type<Type>(); bfloat16 && has_bfloat16(card)) types.push_back(*bfloat16);
    return types;
}

/// Loads the modules and gives cuBLAS reason to take its workspace. Every buffer is given back.
void search_zeros(faiss::gpu::StandardGpuResources& resources, faiss::gpu::DistanceDataType type,
                  faiss::MetricType metric, int k) {
    // Zeros are zeros in every precision; float32 needs the most bytes.
    const std::vector<float> zeros(std::size_t{row_count} * dim);
    std::vector<float> distances(std::size_t{query_count} * static_cast<std::size_t>(k));
    std::vector<std::int64_t> ids(distances.size());
    faiss::gpu::GpuDistanceParams search;
    search.metric = metric;
    search.k = k;
    search.dims = dim;
    search.vectors = zeros.data();
    search.vectorType = type;
    search.numVectors = row_count;
    search.queries = zeros.data();
    search.queryType = type;
    search.numQueries = query_count;
    search.outDistances = distances.data();
    search.outIndices = ids.data();
    faiss::gpu::bfKnn(&resources, search);
}

/// Does what every load and search does first, and says what is free then.
Bytes free_bytes_with_context(const DeviceInfo& card, int ordinal) {
    const cudaError_t error = cudaSetDevice(ordinal);
    if (error != cudaSuccess) {
        cudaGetLastError();
        throw DeviceError(card.spec, card.spec + ": no CUDA context could be made: " + cudaGetErrorName(error) + ": " +
                                         cudaGetErrorString(error));
    }
    note_context(ordinal);
    faiss::gpu::StandardGpuResources resources;
    resources.noTempMemory();
    resources.setPinnedMemory(0);
    for (const auto type : precisions_of(card)) {
        for (const auto metric : {faiss::METRIC_L2, faiss::METRIC_INNER_PRODUCT}) {
            for (const int k : {10, 100}) search_zeros(resources, type, metric, k);
        }
    }
    return free_bytes_of_card(card);
}

/// In a thread of its own: which card is current belongs to a thread.
Bytes free_bytes_after(const DeviceInfo& card, int ordinal) {
    Bytes free = 0;
    std::exception_ptr failure;
    std::thread([&] {
        try {
            free = free_bytes_with_context(card, ordinal);
        } catch (const Error&) {
            failure = std::current_exception();
        } catch (const std::exception& error) {
            failure = std::make_exception_ptr(DeviceError(card.spec, card.spec + ": Faiss failed: " + error.what()));
        }
    }).join();
    if (failure) std::rethrow_exception(failure);
    return free;
}

}  // namespace

DeviceInfo measure_cuda_context(const DeviceInfo& card) {
    const int ordinal = ordinal_of_card(card);
    refuse_unfit_card(card);
    if (has_context(ordinal)) return card;
    const Bytes before = free_bytes_of_card(card);
    if (has_context(ordinal)) return card;
    if (before < least_free_bytes) {
        throw DeviceError(card.spec,
                          card.spec + " has " + format_bytes(before) + " free, expected at least " +
                              format_bytes(least_free_bytes) + " to measure a context in",
                          holder_hints({card}));
    }
    const Bytes after = free_bytes_after(card, ordinal);
    if (after > before) {
        throw DeviceError(card.spec, card.spec + ": other processes gave memory back during the measurement",
                          {"measure again while nothing else uses the card"});
    }
    DeviceInfo measured = card;
    measured.context_bytes = before - after;
    measured.context_measured = true;
    return measured;
}

}  // namespace gpushard
