#include <algorithm>
#include <cstdint>
#include <exception>
#include <limits>
#include <string>
#include <vector>

#include <gpushard/cuda/device_search.hpp>
#include <gpushard/error.hpp>

#include "cuda/cuda_check.hpp"

namespace gpushard {
namespace {

bool is_on_a_card(const void* address) {
    cudaPointerAttributes attributes;
    const cudaError_t status = cudaPointerGetAttributes(&attributes, address);
    if (status != cudaSuccess) {
        cudaGetLastError();  // memory that CUDA has never seen
        return false;
    }
    return attributes.type == cudaMemoryTypeDevice || attributes.type == cudaMemoryTypeManaged;
}

/// As many elements as can be counted in bytes.
constexpr std::int64_t most_elements = std::numeric_limits<std::int64_t>::max() / sizeof(std::int64_t);

/// Host memory for an array that may lie on a card, and the way there and back.
template <typename Element>
class HostView {
public:
    HostView(Element* array, std::int64_t size, cudaStream_t stream)
        : array_(array), stream_(stream), is_copied_(is_on_a_card(array)) {
        if (!is_copied_) return;
        try {
            copy_.resize(static_cast<std::size_t>(size));
        } catch (const std::exception&) {  // bad_alloc or length_error
            const Bytes needed = static_cast<Bytes>(size) * sizeof(Element);
            throw InsufficientMemory("no host memory for queries and results in device memory: " + format_bytes(needed),
                                     needed);
        }
    }

    Element* data() { return is_copied_ ? copy_.data() : array_; }

    void fetch() { copy(copy_.data(), array_, cudaMemcpyDeviceToHost); }
    void give_back() { copy(array_, copy_.data(), cudaMemcpyHostToDevice); }

private:
    void copy(Element* to, const Element* from, cudaMemcpyKind kind) {
        if (!is_copied_) return;
        const std::string place = "queries and results in device memory";
        check_cuda(cudaMemcpyAsync(to, from, copy_.size() * sizeof(Element), kind, stream_), place, "cudaMemcpyAsync");
        check_cuda(cudaStreamSynchronize(stream_), place, "cudaStreamSynchronize");
    }

    Element* const array_;
    const cudaStream_t stream_;
    const bool is_copied_;
    std::vector<Element> copy_;
};

}  // namespace

void search(const ShardedIndex& index, std::int64_t nq, const float* queries, std::int64_t k, float* distances,
            std::int64_t* labels, cudaStream_t stream) {
    const ShardedIndex held(index.impl());  // its dimension is what the arrays are taken for
    const bool is_refused = nq < 1 || k < 1 || queries == nullptr || distances == nullptr || labels == nullptr;
    if (is_refused) return held.search(nq, queries, k, distances, labels);  // which says why, or has no work
    if (nq > most_elements / std::max(held.dim(), k)) {
        throw InvalidArgument(std::to_string(nq) + " queries with k = " + std::to_string(k) +
                              " are more than memory can address");
    }
    // Only read from: the view is of one kind for all three arrays.
    HostView<float> host_queries(const_cast<float*>(queries), nq * held.dim(), stream);
    HostView<float> host_distances(distances, nq * k, stream);
    HostView<std::int64_t> host_labels(labels, nq * k, stream);
    host_queries.fetch();
    held.search(nq, host_queries.data(), k, host_distances.data(), host_labels.data());
    host_distances.give_back();
    host_labels.give_back();
}

}  // namespace gpushard
