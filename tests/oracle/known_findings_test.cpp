// What Faiss's own code does that it must not, each pinned to its place and cause. Nothing else is let pass.

#include "support/known_findings.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/IndexIVFPQ.h>
#include <faiss/gpu/GpuIndexFlat.h>
#include <faiss/gpu/GpuIndexIVFPQ.h>
#include <gmock/gmock.h>

#include "cuda/faiss_gpu_compat.hpp"
#include "ivf_lists.hpp"
#include "on_cards.hpp"
#include "support/simulated_cards.hpp"

namespace gpushard::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class KnownFindings : public OnCards {
protected:
    void SetUp() override {
        if (!simulated_cards_are_there()) GTEST_SKIP() << "only simulated cards see it";
        OnCards::SetUp();
    }

    /// Since the last call.
    static std::vector<std::string> findings() {
        finish_card_work();
        std::vector<std::string> found = card_findings();
        clear_card_findings();
        return found;
    }

    static std::vector<std::string> unknown_findings() {
        std::vector<std::string> found = findings();
        std::erase_if(found, is_known);
        return found;
    }

    faiss::gpu::GpuIndexIVFPQConfig pq_config() const {
        faiss::gpu::GpuIndexIVFPQConfig config;
        faiss_compat::without_cuvs(config);
        faiss_compat::without_cuvs(config.flatConfig);
        return config;
    }
};

// l2NormRowMajor (gpu/impl/L2Norm.cu) gives a block eight rows. In the last block it writes the sums of the rows there
// are to shared memory and adds up those of all eight; the sums of rows beyond the end are then not kept.
TEST_F(KnownFindings, NormsOfRowsBeyondTheEndAreSummedFromNothing) {
    const OracleVectors vectors = oracle_vectors(9, 128, 1);
    faiss::gpu::GpuIndexFlatConfig config;
    faiss_compat::without_cuvs(config);
    faiss::gpu::GpuIndexFlatL2 whole(&resources(), 128, config);
    whole.add(8, vectors.rows.values.data());
    EXPECT_THAT(findings(), IsEmpty());
    faiss::gpu::GpuIndexFlatL2 index(&resources(), 128, config);
    index.add(9, vectors.rows.values.data());
    EXPECT_THAT(findings(),
                AllOf(Contains(StartsWith("read of bytes never written")), Each(HasSubstr("l2NormRowMajor"))));
}

// Before Faiss 1.8 that kernel's blocks have as many threads as a row has numbers, or groups of four, which its warps
// sum by shuffles that name all 32 lanes: a lane can read one that is not there, whose value is undefined.
TEST_F(KnownFindings, NormsAreSummedFromLanesThatAreNotThere) {
    const OracleVectors vectors = oracle_vectors(8, 127, 1);
    faiss::gpu::GpuIndexFlatConfig config;
    faiss_compat::without_cuvs(config);
    faiss::gpu::GpuIndexFlatL2 index(&resources(), 127, config);
    index.add(8, vectors.rows.values.data());
    if (before_1_8) {
        EXPECT_THAT(findings(), AllOf(Contains(StartsWith("bad shuffle")), Each(HasSubstr("l2NormRowMajor"))));
    } else {
        EXPECT_THAT(findings(), IsEmpty());
    }
}

// pqCodeDistances (gpu/impl/PQCodeDistances-inl.cuh) walks up to eight queries in one block. With inner products all
// warps read the query from shared memory until they are done with its last list, and the first warp then writes the
// next query there with no barrier between: scores of a query can be made with values of the one after it.
TEST_F(KnownFindings, BatchesOfInnerProductsOnProductQuantizersRace) {
    const OracleVectors vectors = oracle_vectors(300, 16, 8);
    faiss::IndexFlatIP quantizer(16);
    faiss::IndexIVFPQ cpu(&quantizer, 16, 3, 4, 8, faiss::METRIC_INNER_PRODUCT);
    train_quickly(cpu, vectors.rows);
    cpu.add(300, vectors.rows.values.data());
    faiss::gpu::GpuIndexIVFPQ index(&resources(), &cpu, pq_config());
    index.nprobe = 2;
    cpu.nprobe = 2;
    EXPECT_THAT(unknown_findings(), IsEmpty());
    search(index, vectors.queries, 5);
    EXPECT_THAT(unknown_findings(),
                AllOf(testing::Not(IsEmpty()), Each(AllOf(StartsWith("race"), HasSubstr("pqCodeDistances")))));

    // One query a block leaves nothing to race for.
    const Rows one{1, 16, {vectors.queries.row(0), vectors.queries.row(1)}};
    expect_same(index, cpu, kept_by(cpu), one, 5);
    EXPECT_THAT(unknown_findings(), IsEmpty());
}

// pqScanPrecomputedMultiPass (gpu/impl/PQScanMultiPassPrecomputed.cu) starts a distance with that of the query to the
// list and adds terms of the codes to it, but where codes have one byte it sets it to that term.
TEST_F(KnownFindings, OneByteCodesWithPrecomputedTablesLackTheDistanceToTheList) {
    const OracleVectors vectors = oracle_vectors(300, 8, 2);
    faiss::IndexFlatL2 quantizer(8);
    faiss::IndexIVFPQ cpu(&quantizer, 8, 4, 1, 8);
    train_quickly(cpu, vectors.rows);
    cpu.add(300, vectors.rows.values.data());
    auto config = pq_config();
    config.usePrecomputedTables = true;
    faiss::gpu::GpuIndexIVFPQ index(&resources(), &cpu, config);
    index.nprobe = 1;
    cpu.nprobe = 1;
    const Answers ours = search(index, vectors.queries, 1);
    const Answers expected = search(cpu, vectors.queries, 1);
    for (std::int64_t query = 0; query < 2; ++query) {
        std::int64_t list = 0;
        float to_list = 0;
        quantizer.search(1, vectors.queries.row(query), 1, &to_list, &list);
        const auto at = static_cast<std::size_t>(query);
        EXPECT_EQ(ours.ids[at], expected.ids[at]);
        EXPECT_NEAR(ours.distances[at], expected.distances[at] - to_list, 1e-5 * to_list);
        EXPECT_GT(to_list, 0);
    }
    index.setPrecomputedCodes(false);
    expect_same(index, cpu, kept_by(cpu), vectors.queries, 10);
}

// Before Faiss 1.8 GpuIndexIVFPQ::copyTo makes lists of a byte for every code, though codes of less than eight bits
// share bytes, and copies as much from a smaller buffer: such indexes can only be made from those of the CPU.
TEST_F(KnownFindings, ListsOfFewerBitsAreCopiedWithTheWrongSizeOfCodes) {
    auto config = pq_config();
    config.interleavedLayout = true;
    faiss::gpu::GpuIndexIVFPQ index(&resources(), 24, 3, 6, 4, faiss::METRIC_L2, config);
    const OracleVectors vectors = oracle_vectors(200, 24, 1);
    train_quickly(index, vectors.rows);
    faiss::IndexIVFPQ empty;
    index.copyTo(&empty);
    EXPECT_EQ(empty.pq.code_size, 3u);
    EXPECT_EQ(empty.code_size, before_1_8 ? 6u : 3u);
}

}  // namespace
}  // namespace gpushard::test
