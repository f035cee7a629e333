// What stock Faiss allocates to search flat vectors and to hold inverted lists, counted.
#include <numeric>
#include <vector>

#include <faiss/IndexIVFFlat.h>
#include <faiss/gpu/GpuIndexFlat.h>
#include <faiss/gpu/GpuIndexIVFFlat.h>
#include <faiss/gpu/StandardGpuResources.h>
#include <gtest/gtest.h>

#include "simcuda/tests/index_of_zeros.hpp"
#include "support/simulated_cards.hpp"

namespace gpushard::test {
namespace {

using FaissId = decltype(faiss::Index::ntotal);

constexpr Bytes stack = 1536_MiB;

constexpr Bytes rounded(Bytes bytes) { return (bytes + 255) / 256 * 256; }

TEST(StockFaissSearch, TakesNothingUpTo256QueriesAndAGibibyteACallFrom512) {
    constexpr int dim = 256;
    constexpr FaissId k = 10;
    set_simulated_cards("16GiB");
    faiss::gpu::StandardGpuResources resources;
    faiss::gpu::GpuIndexFlatConfig config;
    config.useFloat16 = true;
    const faiss::IndexFlat zeros = index_of_zeros(2'000'000, dim);
    const faiss::gpu::GpuIndexFlat index(&resources, &zeros, config);
    const Bytes held = card_bytes(0);

    for (const FaissId count : {1, 16, 256, 512, 4096}) {
        const auto values = static_cast<std::size_t>(count);
        const std::vector<float> queries(values * dim);
        std::vector<float> distances(values * k);
        std::vector<FaissId> ids(values * k);
        reset_card_counts();
        reset_card_peaks();
        index.search(count, queries.data(), k, distances.data(), ids.data());
        const Bytes overflows = count >= 512 ? 1 : 0;
        EXPECT_EQ(card_calls("cudaMalloc"), overflows) << count;
        EXPECT_EQ(card_calls("cudaFree"), overflows) << count;
        EXPECT_EQ(card_peak_bytes(0), held + overflows * 1_GiB) << count;
        EXPECT_GT(card_launches(0), 0U) << count;
        // Queries, and the answers' uninitialised arrays.
        EXPECT_EQ(card_bytes_copied(CopyDirection::to_card),
                  values * (dim * sizeof(float) + k * (sizeof(float) + sizeof(FaissId))))
            << count;
    }
}

TEST(StockFaissLists, TakeTwoAllocationsEachAndFullGroupsOf32) {
    constexpr int dim = 64;
    constexpr std::size_t lists = 256;
    constexpr FaissId count = 200'000;
    set_simulated_cards("16GiB");

    faiss::IndexFlatL2 quantizer(dim);
    const std::vector<float> centroids(lists * dim);
    quantizer.add(lists, centroids.data());
    faiss::IndexIVFFlat index(&quantizer, dim, lists);
    index.is_trained = true;
    // Lists of 1, 7, 13, ... rows; the last takes the rest.
    Bytes list_bytes = 0;
    FaissId filled = 0;
    for (std::size_t list = 0; list < lists; ++list) {
        const FaissId rows = list + 1 < lists ? static_cast<FaissId>(6 * list + 1) : count - filled;
        const std::vector<float> values(static_cast<std::size_t>(rows) * dim);
        std::vector<FaissId> ids(static_cast<std::size_t>(rows));
        std::iota(ids.begin(), ids.end(), filled);
        index.invlists->add_entries(list, ids.size(), ids.data(), reinterpret_cast<const std::uint8_t*>(values.data()));
        filled += rows;
        list_bytes += rounded((ids.size() + 31) / 32 * 32 * dim * sizeof(float)) + rounded(8 * ids.size());
    }
    index.ntotal = count;

    faiss::gpu::StandardGpuResources resources;
    resources.getResources()->initializeForDevice(0);
    const Bytes before = card_bytes(0);
    const Bytes calls = card_calls("cudaMalloc");
    const faiss::gpu::GpuIndexIVFFlat on_card(&resources, &index);

    // The centroids and their norms, and three tables, of 512 entries: the next power of two above 256.
    constexpr Bytes lengths = FAISS_VERSION_MAJOR == 1 && FAISS_VERSION_MINOR <= 7 ? 4 : 8;
    const Bytes quantizer_bytes = rounded(4 * lists * dim) + rounded(4 * lists);
    EXPECT_EQ(before, stack);
    EXPECT_EQ(card_bytes(0) - before, list_bytes + quantizer_bytes + 512 * (8 + 8 + lengths));
    EXPECT_EQ(card_calls("cudaMalloc") - calls, 2 * lists + 5);
}

}  // namespace
}  // namespace gpushard::test
