// Searches with queries that a model left on the card, on the stream it left them on, and finds the answers there.
//
//     queries_on_the_device path/to/flat.index [DEVICES]

#include <cstdint>
#include <cuda_runtime_api.h>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <gpushard/cuda/device_search.hpp>
#include <gpushard/gpushard.hpp>

#include "checks.hpp"

namespace {

void check(cudaError_t status) {
    if (status != cudaSuccess) throw std::runtime_error(cudaGetErrorString(status));
}

/// An array on the current card.
template <typename Element>
class CardArray {
public:
    explicit CardArray(std::size_t size) : size_(size) { check(cudaMalloc(&data_, size * sizeof(Element))); }
    ~CardArray() { cudaFree(data_); }
    CardArray(const CardArray&) = delete;
    CardArray& operator=(const CardArray&) = delete;

    Element* data() const { return static_cast<Element*>(data_); }
    void set(const std::vector<Element>& values, cudaStream_t stream) {
        check(cudaMemcpyAsync(data_, values.data(), size_ * sizeof(Element), cudaMemcpyHostToDevice, stream));
    }
    std::vector<Element> get() const {
        std::vector<Element> values(size_);
        check(cudaMemcpy(values.data(), data_, size_ * sizeof(Element), cudaMemcpyDeviceToHost));
        return values;
    }

private:
    std::size_t size_;
    void* data_ = nullptr;
};

int search_on_the_card(const std::string& path, const std::string& devices) {
    gpushard::LoadOptions options;
    options.devices = devices;
    const gpushard::ShardedIndex index = gpushard::load(path, options);

    constexpr std::int64_t nq = 4;
    constexpr std::int64_t k = 10;
    const std::vector<float> values(static_cast<std::size_t>(nq * index.dim()), 0.5F);
    CardArray<float> queries(values.size());
    const CardArray<float> distances(nq * k);
    const CardArray<std::int64_t> labels(nq * k);
    cudaStream_t stream = nullptr;
    check(cudaStreamCreate(&stream));
    queries.set(values, stream);

    search(index, nq, queries.data(), k, distances.data(), labels.data(), stream);

    const gpushard::SearchResult on_host = index.search(nq, values.data(), k);
    Checks checks;
    checks.expect(labels.get() == on_host.ids, "answers on the card are those of queries on the host");
    checks.expect(distances.get() == on_host.distances, "so are their distances");
    check(cudaStreamDestroy(stream));
    return checks.exit_code();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::cerr << "usage: queries_on_the_device path/to/flat.index [DEVICES]\n";
        return 2;
    }
    try {
        return search_on_the_card(argv[1], argc > 2 ? argv[2] : "");
    } catch (const gpushard::Error& error) {
        std::cerr << to_text(error) << '\n';
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
    }
    return 1;
}
