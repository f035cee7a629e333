// What Faiss's own kernels do that they must not, each pinned to its kernel and cause. Nothing else is let pass.

#include <string>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/IndexIVFPQ.h>
#include <faiss/gpu/GpuIndexIVFPQ.h>
#include <gmock/gmock.h>

#include "cuda/faiss_gpu_compat.hpp"
#include "ivf_lists.hpp"
#include "on_cards.hpp"
#include "support/simulated_cards.hpp"

namespace gpushard::test {
namespace {

using KnownFindings = OnCards;

// pqCodeDistances (gpu/impl/PQCodeDistances-inl.cuh) walks up to eight queries in one block. With inner products all
// warps read the query from shared memory until they are done with its last list, and the first warp then writes the
// next query there with no barrier between: scores of a query can be made with values of the one after it.
TEST_F(KnownFindings, BatchesOfInnerProductsOnProductQuantizersRace) {
    if (!simulated_cards_are_there()) GTEST_SKIP() << "only simulated cards see it";
    const OracleVectors vectors = oracle_vectors(300, 16, 8);
    faiss::IndexFlatIP quantizer(16);
    faiss::IndexIVFPQ cpu(&quantizer, 16, 3, 4, 8, faiss::METRIC_INNER_PRODUCT);
    train_quickly(cpu, vectors.rows);
    cpu.add(300, vectors.rows.values.data());
    faiss::gpu::GpuIndexIVFPQConfig config;
    faiss_compat::without_cuvs(config);
    faiss_compat::without_cuvs(config.flatConfig);
    faiss::gpu::GpuIndexIVFPQ index(&resources(), &cpu, config);
    index.nprobe = 2;
    cpu.nprobe = 2;
    search(index, vectors.queries, 5);
    const std::vector<std::string> findings = card_findings();
    clear_card_findings();
    ASSERT_FALSE(findings.empty());
    EXPECT_THAT(findings,
                testing::Each(testing::AllOf(testing::HasSubstr("pqCodeDistances"), testing::HasSubstr("race"))));

    // One query a block leaves nothing to race for.
    const Rows one{1, 16, {vectors.queries.row(0), vectors.queries.row(1)}};
    expect_same(index, cpu, kept_by(cpu), one, 5);
}

}  // namespace
}  // namespace gpushard::test
