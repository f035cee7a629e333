// faiss::gpu::GpuIndexIVFFlat.

#include <numeric>
#include <tuple>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/gpu/GpuIndexIVFFlat.h>

#include "cuda/faiss_gpu_compat.hpp"
#include "ivf_lists.hpp"
#include "on_cards.hpp"

namespace gpushard::test {
namespace {

using faiss::gpu::IndicesOptions;

faiss::gpu::GpuIndexIVFFlatConfig config_of(IndicesOptions ids, bool interleaved) {
    faiss::gpu::GpuIndexIVFFlatConfig config;
    config.indicesOptions = ids;
    config.interleavedLayout = interleaved;
    faiss_compat::without_cuvs(config);
    faiss_compat::without_cuvs(config.flatConfig);
    return config;
}

/// An index on the CPU, trained and filled.
struct CpuLists {
    CpuLists(const Rows& rows, int nlist, Metric metric)
        : quantizer(rows.dim, faiss_metric(metric)),
          index(&quantizer, static_cast<std::size_t>(rows.dim), static_cast<std::size_t>(nlist), faiss_metric(metric)) {
        train_quickly(index, rows);
        index.add(rows.count, rows.values.data());
    }

    faiss::IndexFlat quantizer;
    faiss::IndexIVFFlat index;
};

/// Metric, where ids are kept, and whether lists are interleaved.
class IvfFlat : public OnCards, public testing::WithParamInterface<std::tuple<Metric, IndicesOptions, bool>> {
protected:
    Metric metric() const { return std::get<0>(GetParam()); }
    IndicesOptions ids() const { return std::get<1>(GetParam()); }
    faiss::gpu::GpuIndexIVFFlatConfig config() const { return config_of(ids(), std::get<2>(GetParam())); }
};

TEST_P(IvfFlat, AnswersAsTheCpuDoes) {
    struct Shape {
        std::int64_t count;
        std::int32_t dim;
        int nlist;
    };
    for (const Shape shape : {Shape{900, 32, 7}, Shape{400, 13, 4}, Shape{300, 84, 3}}) {
        const OracleVectors vectors = oracle_vectors(shape.count, shape.dim, 10);
        CpuLists cpu(vectors.rows, shape.nlist, metric());
        faiss::gpu::GpuIndexIVFFlat index(&resources(), &cpu.index, config());
        ASSERT_EQ(index.ntotal, shape.count);
        for (const auto& [nprobe, k] : {std::pair{1, 10}, std::pair{3, 100}, std::pair{shape.nlist, 1}}) {
            SCOPED_TRACE(testing::Message() << shape.dim << " dimensions, nprobe " << nprobe << ", k " << k);
            index.nprobe = nprobe;
            cpu.index.nprobe = static_cast<std::size_t>(nprobe);
            Answers ours = search(index, vectors.queries, k);
            if (ids() == faiss::gpu::INDICES_IVF) places_to_ids(cpu.index, ours.ids);
            expect_same(ours, search(cpu.index, vectors.queries, k), vectors.rows, vectors.queries, k, metric());
        }
    }
}

TEST_P(IvfFlat, KeepsWhatItIsGivenAsTheCpuDoes) {
    const OracleVectors vectors = oracle_vectors(500, 20, 4);
    CpuLists cpu(vectors.rows, 5, metric());
    cpu.index.reset();
    faiss::gpu::GpuIndexIVFFlat index(&resources(), &cpu.index, config());
    std::vector<std::int64_t> numbers(500);
    std::iota(numbers.begin(), numbers.end(), 1000);
    // A second time onto lists that hold some already, and one vector at a time.
    std::int64_t done = 0;
    for (const std::int64_t until : {300, 301, 500}) {
        index.add_with_ids(until - done, vectors.rows.row(done), numbers.data() + done);
        cpu.index.add_with_ids(until - done, vectors.rows.row(done), numbers.data() + done);
        done = until;
    }
    for (int list = 0; list < 5; ++list) {
        const ListEntries expected = entries_of(cpu.index, static_cast<std::size_t>(list));
        ASSERT_EQ(static_cast<std::size_t>(index.getListLength(list)), expected.size());
        const std::vector<std::uint8_t> codes = index.getListVectorData(list);
        ASSERT_EQ(codes.size(), expected.size() * cpu.index.code_size);
        const std::vector<std::int64_t> kept =
            ids() == faiss::gpu::INDICES_IVF ? std::vector<std::int64_t>() : index.getListIndices(list);
        for (std::size_t i = 0; i < expected.size(); ++i) {
            if (!kept.empty()) {
                EXPECT_EQ(kept[i], expected[i].first);
            }
            EXPECT_TRUE(std::equal(expected[i].second.begin(), expected[i].second.end(),
                                   codes.begin() + static_cast<std::ptrdiff_t>(i * cpu.index.code_size)));
        }
    }
    index.nprobe = 5;
    cpu.index.nprobe = 5;
    index.reclaimMemory();
    Answers ours = search(index, vectors.queries, 20);
    if (ids() == faiss::gpu::INDICES_IVF) places_to_ids(cpu.index, ours.ids);
    Answers expected = search(cpu.index, vectors.queries, 20);
    for (Answers* answers : {&ours, &expected}) {
        for (std::int64_t& id : answers->ids) id -= 1000;
    }
    expect_same(ours, expected, vectors.rows, vectors.queries, 20, metric());
    index.reset();
    EXPECT_EQ(index.ntotal, 0);
    EXPECT_EQ(search(index, vectors.queries, 1).ids, std::vector<std::int64_t>(4, -1));
}

INSTANTIATE_TEST_SUITE_P(, IvfFlat,
                         testing::Combine(testing::Values(Metric::inner_product, Metric::l2),
                                          testing::Values(faiss::gpu::INDICES_CPU, faiss::gpu::INDICES_IVF,
                                                          faiss::gpu::INDICES_32_BIT, faiss::gpu::INDICES_64_BIT),
                                          testing::Bool()),
                         [](const auto& given) {
                             return to_string(std::get<0>(given.param)) + "_" + name_of(std::get<1>(given.param)) +
                                    (std::get<2>(given.param) ? "_interleaved" : "");
                         });

/// Metric, and whether lists are interleaved.
class IvfFlatOfAnySize : public OnCards, public testing::WithParamInterface<std::tuple<Metric, bool>> {
protected:
    Metric metric() const { return std::get<0>(GetParam()); }
    faiss::gpu::GpuIndexIVFFlatConfig config() const {
        return config_of(faiss::gpu::INDICES_64_BIT, std::get<1>(GetParam()));
    }
};

TEST_P(IvfFlatOfAnySize, AnswersWithEveryWidthOfSelection) {
    const OracleVectors vectors = oracle_vectors(2600, 8, 2);
    CpuLists cpu(vectors.rows, 3, metric());
    faiss::gpu::GpuIndexIVFFlat index(&resources(), &cpu.index, config());
    index.nprobe = 3;
    cpu.index.nprobe = 3;
    for (const std::int64_t k : {32, 64, 128, 256, 512, 1024, static_cast<int>(faiss_compat::most_neighbors)}) {
        expect_same(index, cpu.index, vectors.rows, vectors.queries, k);
    }
}

TEST_P(IvfFlatOfAnySize, AnswersWithManyProbes) {
    const OracleVectors vectors = oracle_vectors(600, 6, 3);
    CpuLists cpu(vectors.rows, 70, metric());
    faiss::gpu::GpuIndexIVFFlat index(&resources(), &cpu.index, config());
    for (const int nprobe : {2, 33, 70, 200}) {
        index.nprobe = nprobe;
        cpu.index.nprobe = static_cast<std::size_t>(std::min(nprobe, 70));
        expect_same(index, cpu.index, vectors.rows, vectors.queries, 7);
    }
}

TEST_P(IvfFlatOfAnySize, IsTrainedOnTheCard) {
    const OracleVectors vectors = oracle_vectors(400, 16, 5);
    faiss::gpu::GpuIndexIVFFlat index(&resources(), 16, 6, faiss_metric(metric()), config());
    train_quickly(index, vectors.rows);
    index.add(400, vectors.rows.values.data());
    faiss::IndexIVFFlat cpu;
    index.copyTo(&cpu);
    ASSERT_EQ(cpu.ntotal, 400);
    for (std::int64_t row = 0; row < 400; ++row) {
        std::int64_t nearest = -1;
        cpu.quantizer->assign(1, vectors.rows.row(row), &nearest);
        const ListEntries entries = entries_of(cpu, static_cast<std::size_t>(nearest));
        EXPECT_TRUE(std::any_of(entries.begin(), entries.end(), [&](const auto& entry) { return entry.first == row; }))
            << row << " is not in list " << nearest;
    }
    for (const int nprobe : {1, 4}) {
        index.nprobe = nprobe;
        cpu.nprobe = static_cast<std::size_t>(nprobe);
        expect_same(index, cpu, vectors.rows, vectors.queries, 10);
    }
}

TEST_P(IvfFlatOfAnySize, SearchesListsThatTheCallerChose) {
    const OracleVectors vectors = oracle_vectors(300, 12, 3);
    CpuLists cpu(vectors.rows, 6, metric());
    faiss::gpu::GpuIndexIVFFlat index(&resources(), &cpu.index, config());
    index.nprobe = 2;
    cpu.index.nprobe = 2;
    const std::vector<std::int64_t> lists{5, 0, 1, 3, 2, 4};
    const std::vector<float> to_lists(6, 1);
    Answers ours{std::vector<float>(15), std::vector<std::int64_t>(15)};
    Answers expected = ours;
    index.search_preassigned(3, vectors.queries.values.data(), 5, lists.data(), to_lists.data(), ours.distances.data(),
                             ours.ids.data(), false);
    cpu.index.search_preassigned(3, vectors.queries.values.data(), 5, lists.data(), to_lists.data(),
                                 expected.distances.data(), expected.ids.data(), false);
    expect_same(ours, expected, vectors.rows, vectors.queries, 5, metric());
}

TEST_P(IvfFlatOfAnySize, AnswersWithAHalfPrecisionQuantizerAndTheTempStack) {
    use_temp_stack();
    const OracleVectors vectors = oracle_vectors(400, 24, 20);
    CpuLists cpu(vectors.rows, 4, metric());
    auto half = config();
    half.flatConfig.useFloat16 = true;
    faiss::gpu::GpuIndexIVFFlat index(&resources(), &cpu.index, half);
    index.nprobe = 4;
    cpu.index.nprobe = 4;
    expect_same(index, cpu.index, vectors.rows, vectors.queries, 10);
}

INSTANTIATE_TEST_SUITE_P(, IvfFlatOfAnySize,
                         testing::Combine(testing::Values(Metric::inner_product, Metric::l2), testing::Bool()),
                         [](const auto& given) {
                             return to_string(std::get<0>(given.param)) +
                                    (std::get<1>(given.param) ? "_interleaved" : "");
                         });

}  // namespace
}  // namespace gpushard::test
