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

/// Host memory for an array that may lie on a card, and the way there and back.
template <typename Element>
class HostView {
public:
    HostView(Element* array, std::int64_t size, cudaStream_t stream)
        : array_(array), stream_(stream), is_copied_(is_on_a_card(array)) {
        if (is_copied_) copy_.resize(static_cast<std::size_t>(size));
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
    if (nq < 1 || k < 1) return index.search(nq, queries, k, distances, labels);  // which refuses it, or has no work
    // Only read from: the view is of one kind for all three arrays.
    HostView<float> host_queries(const_cast<float*>(queries), nq * index.dim(), stream);
    HostView<float> host_distances(distances, nq * k, stream);
    HostView<std::int64_t> host_labels(labels, nq * k, stream);
    host_queries.fetch();
    index.search(nq, host_queries.data(), k, host_distances.data(), host_labels.data());
    host_distances.give_back();
    host_labels.give_back();
}

}  // namespace gpushard
