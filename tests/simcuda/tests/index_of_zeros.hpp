#pragma once

#include <cstdint>
#include <sys/mman.h>

#include <faiss/IndexFlat.h>

namespace gpushard::test {

template <typename Codes>
void point_at_zeros(Codes& codes, std::size_t bytes) {
    if constexpr (requires { codes.reserve(bytes); }) {
        // Room for the vectors is the fresh zeros of a large allocation. Faiss asks where they begin, not how many
        // there are; giving the vector its size would write them.
        codes.reserve(bytes);
    } else {
        // Kept until the process ends, as no view owns it.
        static void* const zeros = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        codes = Codes::create_view(zeros, bytes, nullptr);
    }
}

/// A flat inner product index of zero vectors, always of the same size, that takes address space and no memory: what
/// Faiss reads of it is never written.
inline faiss::IndexFlat index_of_zeros(std::int64_t count, int dim) {
    faiss::IndexFlat index(dim, faiss::METRIC_INNER_PRODUCT);
    point_at_zeros(index.codes, static_cast<std::size_t>(count) * index.code_size);
    index.ntotal = count;
    return index;
}

}  // namespace gpushard::test
