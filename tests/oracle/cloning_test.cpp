// faiss::gpu::index_cpu_to_gpu, index_cpu_to_gpu_multiple and index_gpu_to_cpu, and indexes around one on a card.

#include <functional>
#include <memory>
#include <numeric>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/IndexIDMap.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/IndexIVFPQ.h>
#include <faiss/IndexScalarQuantizer.h>
#include <faiss/gpu/GpuCloner.h>
#include <faiss/gpu/GpuIndex.h>
#include <faiss/gpu/GpuIndexFlat.h>
#include <faiss/index_factory.h>

#include "cuda/faiss_gpu_compat.hpp"
#include "ivf_lists.hpp"
#include "on_cards.hpp"
#include "support/simulated_cards.hpp"

namespace gpushard::test {
namespace {

constexpr std::int64_t count = 480;
constexpr std::int32_t dim = 16;

/// What the factory of Faiss calls it, and metric.
using Kind = std::tuple<const char*, Metric>;

std::unique_ptr<faiss::Index> cpu_index(const Kind& kind, const Rows& rows) {
    std::unique_ptr<faiss::Index> index(faiss::index_factory(dim, std::get<0>(kind), faiss_metric(std::get<1>(kind))));
    if (auto* lists = dynamic_cast<faiss::IndexIVF*>(index.get())) {
        lists->cp.niter = 4;
        lists->cp.min_points_per_centroid = 1;
        lists->nprobe = 3;
    }
    if (auto* pq = dynamic_cast<faiss::IndexIVFPQ*>(index.get())) {
        pq->pq.cp.niter = 2;
        pq->pq.cp.min_points_per_centroid = 1;
    }
    index->train(rows.count, rows.values.data());
    index->add(rows.count, rows.values.data());
    return index;
}

std::string name_of(const Kind& kind) {
    std::string name = std::string(std::get<0>(kind)) + "_" + to_string(std::get<1>(kind));
    std::replace(name.begin(), name.end(), ',', '_');
    return name;
}

class Cloning : public OnCards, public testing::WithParamInterface<Kind> {
protected:
    void SetUp() override {
        OnCards::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        vectors_ = oracle_vectors(count, dim, 5);
        cpu_ = cpu_index(GetParam(), vectors_.rows);
    }

    /// Batches with inner products are the business of known_findings_test.cpp.
    Rows queries() const {
        const bool one = dynamic_cast<const faiss::IndexIVFPQ*>(cpu_.get()) != nullptr &&
                         std::get<1>(GetParam()) == Metric::inner_product;
        return one ? Rows{1, dim, {vectors_.queries.row(0), vectors_.queries.row(1)}} : vectors_.queries;
    }

    void expect_same_as_cpu(const faiss::Index& index) {
        EXPECT_EQ(index.ntotal, count);
        // float16 vectors are searched by float16 queries on a card.
        const bool half = dynamic_cast<const faiss::IndexScalarQuantizer*>(cpu_.get()) != nullptr;
        const Rows asked = half ? rounded_to_half(queries()) : queries();
        expect_same(index, *cpu_, kept_by(*cpu_), asked, 10);
    }

    OracleVectors vectors_;
    std::unique_ptr<faiss::Index> cpu_;
};

TEST_P(Cloning, GivesTheSameIndexOnACardAndBack) {
    faiss::gpu::GpuClonerOptions options;
    faiss_compat::without_cuvs(options);
    const std::unique_ptr<faiss::Index> index(faiss::gpu::index_cpu_to_gpu(&resources(), 1, cpu_.get(), &options));
    ASSERT_NE(dynamic_cast<faiss::gpu::GpuIndex*>(index.get()), nullptr);
    EXPECT_EQ(dynamic_cast<faiss::gpu::GpuIndex&>(*index).getDevice(), 1);
    expect_same_as_cpu(*index);
    const std::unique_ptr<faiss::Index> back(faiss::gpu::index_gpu_to_cpu(index.get()));
    EXPECT_EQ(dynamic_cast<faiss::gpu::GpuIndex*>(back.get()), nullptr);
    expect_same_as_cpu(*back);
}

class CloningToManyCards : public Cloning {
protected:
    std::unique_ptr<faiss::Index> on_cards(const faiss::gpu::GpuMultipleClonerOptions& options) {
        each_.clear();
        for (int card = 0; card < 3; ++card) {
            each_.push_back(std::make_unique<faiss::gpu::StandardGpuResources>());
            each_.back()->setTempMemory(0);
        }
        std::vector<faiss::gpu::GpuResourcesProvider*> providers;
        for (const auto& provider : each_) providers.push_back(provider.get());
        std::vector<int> devices{2, 0, 1};
        return std::unique_ptr<faiss::Index>(
            faiss::gpu::index_cpu_to_gpu_multiple(providers, devices, cpu_.get(), &options));
    }

    std::vector<std::unique_ptr<faiss::gpu::StandardGpuResources>> each_;
};

TEST_P(CloningToManyCards, GivesReplicas) {
    faiss::gpu::GpuMultipleClonerOptions options;
    faiss_compat::without_cuvs(options);
    const std::unique_ptr<faiss::Index> index = on_cards(options);
    expect_same_as_cpu(*index);
}

TEST_P(CloningToManyCards, GivesShards) {
    faiss::gpu::GpuMultipleClonerOptions options;
    faiss_compat::without_cuvs(options);
    options.shard = true;
    // Vectors in turn, or in ranges of ids.
    for (const int type : {1, 2}) {
        SCOPED_TRACE(type);
        options.shard_type = type;
        const std::unique_ptr<faiss::Index> index = on_cards(options);
        expect_same_as_cpu(*index);
        const std::unique_ptr<faiss::Index> back(faiss::gpu::index_gpu_to_cpu(index.get()));
        expect_same_as_cpu(*back);
        if (dynamic_cast<faiss::IndexIVF*>(cpu_.get()) == nullptr) break;
    }
}

INSTANTIATE_TEST_SUITE_P(, Cloning,
                         testing::Values(Kind{"Flat", Metric::inner_product}, Kind{"Flat", Metric::l2},
                                         Kind{"SQfp16", Metric::inner_product}, Kind{"IVF5,Flat", Metric::l2},
                                         Kind{"IVF5,SQ8", Metric::l2}, Kind{"IVF3,PQ4np", Metric::inner_product},
                                         Kind{"IVF3,PQ4np", Metric::l2}),
                         [](const auto& given) { return name_of(given.param); });
INSTANTIATE_TEST_SUITE_P(, CloningToManyCards,
                         testing::Values(Kind{"Flat", Metric::inner_product}, Kind{"Flat", Metric::l2},
                                         Kind{"IVF5,Flat", Metric::inner_product}, Kind{"IVF5,SQ8", Metric::l2},
                                         Kind{"IVF3,PQ4np", Metric::l2}),
                         [](const auto& given) { return name_of(given.param); });

using IdMap = OnCards;

TEST_F(IdMap, NamesVectorsOnACard) {
    const OracleVectors vectors = oracle_vectors(300, 20, 4);
    faiss::gpu::GpuIndexFlatConfig config;
    faiss_compat::without_cuvs(config);
    faiss::gpu::GpuIndexFlatL2 flat(&resources(), 20, config);
    faiss::IndexFlatL2 cpu(20);
    faiss::IndexIDMap index(&flat);
    std::vector<std::int64_t> numbers(300);
    for (std::size_t i = 0; i < 300; ++i) numbers[i] = 1'000'000'000'000 + 7 * static_cast<std::int64_t>(i);
    index.add_with_ids(300, vectors.rows.values.data(), numbers.data());
    cpu.add(300, vectors.rows.values.data());
    Answers ours = search(index, vectors.queries, 10);
    for (std::int64_t& id : ours.ids) {
        EXPECT_EQ((id - 1'000'000'000'000) % 7, 0);
        id = (id - 1'000'000'000'000) / 7;
    }
    expect_same(ours, search(cpu, vectors.queries, 10), vectors.rows, vectors.queries, 10, Metric::l2);
}

}  // namespace
}  // namespace gpushard::test
