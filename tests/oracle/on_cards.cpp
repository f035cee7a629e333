#include "on_cards.hpp"

#include <cuda_runtime_api.h>

#include "support/same_answers.hpp"
#include "support/simulated_cards.hpp"

namespace gpushard::test {

void OnCards::SetUp() {
    int cards = 0;
    if (cudaGetDeviceCount(&cards) != cudaSuccess || cards == 0) GTEST_SKIP() << "no cards";
    ASSERT_TRUE(cards_compute());
    resources_ = std::make_unique<faiss::gpu::StandardGpuResources>();
    resources_->setTempMemory(0);
}

void OnCards::use_temp_stack() { resources_ = std::make_unique<faiss::gpu::StandardGpuResources>(); }

Answers search(const faiss::Index& index, const Rows& queries, std::int64_t k) {
    const auto size = static_cast<std::size_t>(queries.count * k);
    Answers answers{std::vector<float>(size), std::vector<std::int64_t>(size)};
    index.search(queries.count, queries.values.data(), k, answers.distances.data(), answers.ids.data());
    return answers;
}

void expect_same(const Answers& ours, const Answers& reference, const Rows& kept, const Rows& queries, std::int64_t k,
                 Metric metric, double tolerance, float metric_arg) {
    const SearchCase search{
        metric, metric_arg, kept.dim, kept.count, kept.values.data(), queries.count, queries.values.data(), k};
    EXPECT_EQ(difference(search, {ours.distances.data(), ours.ids.data()},
                         {reference.distances.data(), reference.ids.data()}, tolerance),
              "")
        << to_string(metric) << ", " << kept.count << " x " << kept.dim << ", " << queries.count << " queries, k " << k;
}

void expect_same(const faiss::Index& on_card, const faiss::Index& reference, const Rows& kept, const Rows& queries,
                 std::int64_t k, double tolerance) {
    expect_same(search(on_card, queries, k), search(reference, queries, k), kept, queries, k, metric_of(reference),
                tolerance, reference.metric_arg);
}

Rows kept_by(const faiss::Index& index) {
    Rows rows{index.ntotal, static_cast<std::int32_t>(index.d), {}};
    rows.values.resize(static_cast<std::size_t>(index.ntotal * index.d));
    index.reconstruct_n(0, index.ntotal, rows.values.data());
    return rows;
}

Metric metric_of(const faiss::Index& index) { return static_cast<Metric>(static_cast<int>(index.metric_type)); }

}  // namespace gpushard::test
