#include <cuda_runtime_api.h>

#include <faiss/gpu/GpuIndexFlat.h>
#include <faiss/gpu/StandardGpuResources.h>
#include <gtest/gtest.h>

#include "support/simulated_cards.hpp"

namespace gpushard::test {

TEST(Faiss, searches_a_flat_index) {
    ASSERT_TRUE(simulated_cards_are_there());
    set_simulated_cards("16GiB");
    {
        faiss::gpu::StandardGpuResources resources;
        faiss::gpu::GpuIndexFlatConfig config;
        config.useFloat16 = true;
        faiss::gpu::GpuIndexFlat index(&resources, 64, faiss::METRIC_INNER_PRODUCT, config);
        const std::vector<float> rows(1000 * 64, 1.0F);
        index.add(1000, rows.data());
        std::vector<float> distances(10 * 5);
        std::vector<faiss::Index::idx_t> ids(10 * 5);
        index.search(10, rows.data(), 5, distances.data(), ids.data());
        EXPECT_GT(card_launches(0), 0U);
        EXPECT_GT(card_bytes(0), 1536_MiB);
    }
    EXPECT_EQ(card_bytes(0), 0U);
    EXPECT_EQ(open_cuda_objects(), 0U);
}

}  // namespace gpushard::test
