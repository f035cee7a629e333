// faiss::gpu::GpuIndexIVFPQ.

#include <numeric>
#include <tuple>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/IndexIVFPQ.h>
#include <faiss/gpu/GpuIndexIVFPQ.h>
#include <faiss/impl/FaissException.h>

#include "cuda/faiss_gpu_compat.hpp"
#include "ivf_lists.hpp"
#include "on_cards.hpp"

namespace gpushard::test {
namespace {

/// An index on the CPU, trained and filled.
struct CpuPq {
    CpuPq(const Rows& rows, int nlist, int subquantizers, Metric metric, int bits = 8)
        : quantizer(rows.dim, faiss_metric(metric)),
          index(&quantizer, static_cast<std::size_t>(rows.dim), static_cast<std::size_t>(nlist),
                static_cast<std::size_t>(subquantizers), static_cast<std::size_t>(bits), faiss_metric(metric)) {
        train_quickly(index, rows);
        index.add(rows.count, rows.values.data());
    }

    void probe(int nprobe) { index.nprobe = static_cast<std::size_t>(nprobe); }

    faiss::IndexFlat quantizer;
    faiss::IndexIVFPQ index;
};

faiss::gpu::GpuIndexIVFPQConfig default_config() {
    faiss::gpu::GpuIndexIVFPQConfig config;
    faiss_compat::without_cuvs(config);
    faiss_compat::without_cuvs(config.flatConfig);
    return config;
}

/// Queries one at a time. With inner products Faiss's kernel reads values of the next query of a batch:
/// known_findings_test.cpp.
Answers search_singly(const faiss::Index& index, const Rows& queries, std::int64_t k) {
    Answers all;
    for (std::int64_t i = 0; i < queries.count; ++i) {
        const Rows one{1, queries.dim, {queries.row(i), queries.row(i) + queries.dim}};
        const Answers answers = search(index, one, k);
        all.distances.insert(all.distances.end(), answers.distances.begin(), answers.distances.end());
        all.ids.insert(all.ids.end(), answers.ids.begin(), answers.ids.end());
    }
    return all;
}

class IvfPq : public OnCards, public testing::WithParamInterface<Metric> {
protected:
    Metric metric() const { return GetParam(); }

    void expect_same_as_cpu(faiss::gpu::GpuIndexIVFPQ& index, CpuPq& cpu, const Rows& queries, int nprobe,
                            std::int64_t k, double tolerance = float32_tolerance) {
        index.nprobe = nprobe;
        cpu.probe(nprobe);
        const Answers ours = metric() == Metric::l2 ? search(index, queries, k) : search_singly(index, queries, k);
        expect_same(ours, search(cpu.index, queries, k), kept_by(cpu.index), queries, k, metric(), tolerance);
    }
};

TEST_P(IvfPq, AnswersWithEveryLengthOfCodes) {
    for (const int bytes : {1, 2, 3, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48}) {
        SCOPED_TRACE(bytes);
        const OracleVectors vectors = oracle_vectors(300, 2 * bytes, 2);
        CpuPq cpu(vectors.rows, 3, bytes, metric());
        faiss::gpu::GpuIndexIVFPQ index(&resources(), &cpu.index, default_config());
        expect_same_as_cpu(index, cpu, vectors.queries, 2, 10);
    }
}

TEST_P(IvfPq, AnswersWithEveryLengthOfCodesFromHalfPrecisionTables) {
    for (const int bytes : {1, 2, 3, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 96}) {
        SCOPED_TRACE(bytes);
        const OracleVectors vectors = oracle_vectors(300, 2 * bytes, 2);
        CpuPq cpu(vectors.rows, 3, bytes, metric());
        auto config = default_config();
        config.useFloat16LookupTables = true;
        faiss::gpu::GpuIndexIVFPQ index(&resources(), &cpu.index, config);
        expect_same_as_cpu(index, cpu, vectors.queries, 2, 10, float16_table_tolerance);
    }
}

TEST_P(IvfPq, AnswersWithEveryLengthOfSubvectors) {
    // Those with kernels of their own, and two that go through matrix products.
    for (const int dims : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 20, 24, 28, 32}) {
        SCOPED_TRACE(dims);
        const OracleVectors vectors = oracle_vectors(300, 2 * dims, 3);
        CpuPq cpu(vectors.rows, 3, 2, metric());
        for (const bool half : {false, true}) {
            auto config = default_config();
            config.useFloat16LookupTables = half;
            faiss::gpu::GpuIndexIVFPQ index(&resources(), &cpu.index, config);
            expect_same_as_cpu(index, cpu, vectors.queries, 3, 10, half ? float16_table_tolerance : float32_tolerance);
        }
    }
}

TEST_P(IvfPq, AnswersBatchesByMatrixProducts) {
    const OracleVectors vectors = oracle_vectors(500, 24, 20);
    CpuPq cpu(vectors.rows, 5, 4, metric());
    for (const bool half : {false, true}) {
        auto config = default_config();
        config.useMMCodeDistance = true;
        config.useFloat16LookupTables = half;
        faiss::gpu::GpuIndexIVFPQ index(&resources(), &cpu.index, config);
        for (const int nprobe : {1, 4}) {
            index.nprobe = nprobe;
            cpu.probe(nprobe);
            expect_same(index, cpu.index, kept_by(cpu.index), vectors.queries, 10,
                        half ? float16_table_tolerance : float32_tolerance);
        }
    }
}

TEST_P(IvfPq, AnswersWithEveryWidthOfSelection) {
    const OracleVectors vectors = oracle_vectors(2600, 8, 1);
    CpuPq cpu(vectors.rows, 3, 4, metric());
    faiss::gpu::GpuIndexIVFPQ index(&resources(), &cpu.index, default_config());
    for (const std::int64_t k : {1, 32, 64, 100, 256, 512, 1024, static_cast<int>(faiss_compat::most_neighbors)}) {
        expect_same_as_cpu(index, cpu, vectors.queries, 3, k);
    }
}

TEST_P(IvfPq, AnswersWhereverIdsAre) {
    const OracleVectors vectors = oracle_vectors(400, 16, 3);
    CpuPq cpu(vectors.rows, 5, 4, metric());
    for (const auto ids : {faiss::gpu::INDICES_CPU, faiss::gpu::INDICES_IVF, faiss::gpu::INDICES_32_BIT}) {
        SCOPED_TRACE(name_of(ids));
        auto config = default_config();
        config.indicesOptions = ids;
        config.useMMCodeDistance = true;
        faiss::gpu::GpuIndexIVFPQ index(&resources(), &cpu.index, config);
        index.nprobe = 3;
        cpu.probe(3);
        Answers ours = search(index, vectors.queries, 10);
        if (ids == faiss::gpu::INDICES_IVF) places_to_ids(cpu.index, ours.ids);
        expect_same(ours, search(cpu.index, vectors.queries, 10), kept_by(cpu.index), vectors.queries, 10, metric());
    }
}

TEST_P(IvfPq, AnswersFromInterleavedLists) {
    // Faiss calls it under development; it is what lists of 4, 5 and 6 bits need.
    for (const int bits : {4, 5, 6, 8}) {
        SCOPED_TRACE(bits);
        const OracleVectors vectors = oracle_vectors(400, 24, 2);
        auto config = default_config();
        config.interleavedLayout = true;
        CpuPq cpu(vectors.rows, 3, 6, metric(), bits);
        faiss::gpu::GpuIndexIVFPQ index(&resources(), &cpu.index, config);
        expect_same_as_cpu(index, cpu, vectors.queries, 2, 10);
        // Encoded and laid out on the card.
        cpu.index.reset();
        cpu.index.add(400, vectors.rows.values.data());
        index.reset();
        index.add(400, vectors.rows.values.data());
        expect_same_as_cpu(index, cpu, vectors.queries, 3, 20);
    }
}

TEST_P(IvfPq, EncodesAsTheCpuDoes) {
    const OracleVectors vectors = oracle_vectors(400, 12, 2);
    CpuPq cpu(vectors.rows, 4, 3, metric());
    cpu.index.reset();
    faiss::gpu::GpuIndexIVFPQ index(&resources(), &cpu.index, default_config());
    std::vector<std::int64_t> numbers(400);
    std::iota(numbers.begin(), numbers.end(), 0);
    index.add_with_ids(150, vectors.rows.values.data(), numbers.data());
    index.add_with_ids(250, vectors.rows.row(150), numbers.data() + 150);
    cpu.index.add(400, vectors.rows.values.data());
    faiss::IndexIVFPQ copy;
    index.copyTo(&copy);
    for (std::size_t list = 0; list < 4; ++list) {
        EXPECT_EQ(entries_of(copy, list), entries_of(cpu.index, list)) << "list " << list;
    }
    expect_same_as_cpu(index, cpu, vectors.queries, 2, 10);
}

TEST_P(IvfPq, IsTrainedOnTheCard) {
    const OracleVectors vectors = oracle_vectors(400, 8, 3);
    faiss::gpu::GpuIndexIVFPQ index(&resources(), 8, 3, 2, 8, faiss_metric(metric()), default_config());
    train_quickly(index, vectors.rows);
    index.add(400, vectors.rows.values.data());
    CpuPq cpu(vectors.rows, 3, 2, metric());
    index.copyTo(&cpu.index);
    expect_same_as_cpu(index, cpu, vectors.queries, 2, 10);
}

TEST_P(IvfPq, RefusesCodesOfVectorsThemselves) {
    const OracleVectors vectors = oracle_vectors(300, 8, 1);
    CpuPq cpu(vectors.rows, 2, 2, metric());
    cpu.index.by_residual = false;
    EXPECT_THROW(faiss::gpu::GpuIndexIVFPQ(&resources(), &cpu.index, default_config()), faiss::FaissException);
}

INSTANTIATE_TEST_SUITE_P(, IvfPq, testing::Values(Metric::inner_product, Metric::l2),
                         [](const auto& given) { return to_string(given.param); });

/// Tables made once for every list, for L2 only; whether they are float16.
class IvfPqPrecomputed : public OnCards, public testing::WithParamInterface<bool> {};

TEST_P(IvfPqPrecomputed, AnswersAsTheCpuDoes) {
    const double tolerance = GetParam() ? float16_table_tolerance : float32_tolerance;
    auto config = default_config();
    config.useFloat16LookupTables = GetParam();
    config.usePrecomputedTables = true;
    // Not one byte: known_findings_test.cpp.
    for (const int bytes : {2, 3, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 96}) {
        if (bytes > 48 && !GetParam()) continue;  // beyond what shared memory holds
        SCOPED_TRACE(bytes);
        const OracleVectors vectors = oracle_vectors(300, 2 * bytes, 9);
        CpuPq cpu(vectors.rows, 4, bytes, Metric::l2);
        faiss::gpu::GpuIndexIVFPQ index(&resources(), &cpu.index, config);
        index.nprobe = 3;
        cpu.probe(3);
        const Rows kept = kept_by(cpu.index);
        expect_same(index, cpu.index, kept, vectors.queries, 10, tolerance);
        if (bytes == 8) {
            index.setPrecomputedCodes(false);
            EXPECT_FALSE(index.getPrecomputedCodes());
            expect_same(index, cpu.index, kept, vectors.queries, 10, tolerance);
        }
    }
}

TEST_P(IvfPqPrecomputed, AnswersFromInterleavedListsAndWithTheTempStack) {
    use_temp_stack();
    auto config = default_config();
    config.useFloat16LookupTables = GetParam();
    config.usePrecomputedTables = true;
    config.interleavedLayout = true;
    const OracleVectors vectors = oracle_vectors(500, 24, 11);
    for (const int bits : {4, 8}) {
        CpuPq cpu(vectors.rows, 4, 4, Metric::l2, bits);
        faiss::gpu::GpuIndexIVFPQ index(&resources(), &cpu.index, config);
        index.nprobe = 3;
        cpu.probe(3);
        expect_same(index, cpu.index, kept_by(cpu.index), vectors.queries, 10,
                    GetParam() ? float16_table_tolerance : float32_tolerance);
    }
}

INSTANTIATE_TEST_SUITE_P(, IvfPqPrecomputed, testing::Bool(),
                         [](const auto& given) { return given.param ? "half" : "float"; });

}  // namespace
}  // namespace gpushard::test
