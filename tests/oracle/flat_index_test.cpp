// faiss::gpu::GpuIndexFlat.

#include <tuple>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/gpu/GpuIndexFlat.h>
#include <gmock/gmock.h>

#include "cuda/faiss_gpu_compat.hpp"
#include "on_cards.hpp"
#include "short_norms.hpp"
#include "support/half.hpp"

namespace gpushard::test {
namespace {

using faiss_compat::most_neighbors;

/// Metric, and whether vectors are kept as float16.
class FlatIndex : public OnCards, public testing::WithParamInterface<std::tuple<Metric, bool>> {
protected:
    Metric metric() const { return std::get<0>(GetParam()); }
    bool half() const { return std::get<1>(GetParam()); }
    faiss::gpu::GpuIndexFlatConfig config() const {
        faiss::gpu::GpuIndexFlatConfig config;
        config.useFloat16 = half();
        config.storeTransposed = false;
        faiss_compat::without_cuvs(config);
        return config;
    }

    faiss::gpu::GpuIndexFlat on_card(std::int32_t dim) {
        return faiss::gpu::GpuIndexFlat(&resources(), dim, faiss_metric(metric()), config());
    }

    /// As the card holds and sees them.
    Rows rounded(Rows rows) const { return half() ? rounded_to_half(std::move(rows)) : rows; }

    faiss::IndexFlat reference(const Rows& rows) const {
        faiss::IndexFlat index(rows.dim, faiss_metric(metric()));
        const Rows kept = rounded(rows);
        index.add(kept.count, kept.values.data());
        return index;
    }

    void expect_same_as_reference(const faiss::Index& on_card, const Rows& rows, const Rows& queries, std::int64_t k) {
        const Rows kept = rounded(rows);
        const Rows asked = rounded(queries);
        const Answers ours = search(on_card, queries, k);
        if (half() && metric() == Metric::l2) {
            expect_nearest_by_short_norms(ours, kept, round_to_half, asked, round_to_half, k);
        } else {
            expect_same(ours, search(reference(rows), asked, k), kept, asked, k, metric());
        }
    }
};

TEST_P(FlatIndex, AnswersAsTheCpuDoes) {
    struct Shape {
        std::int64_t count;
        std::int32_t dim;
        std::int64_t nq;
        std::int64_t k;
    };
    // Every width of selection; dimensions that are odd, and multiples of 4 and 32; more neighbours than vectors.
    for (const Shape shape :
         {Shape{1, 7, 1, 1}, Shape{2000, 384, 1, 10}, Shape{1500, 32, 21, 1}, Shape{700, 33, 5, 100},
          Shape{600, 20, 4, 64}, Shape{900, 16, 3, 256}, Shape{800, 4, 2, 500}, Shape{300, 36, 3, 1024},
          Shape{3000, 64, 2, 1024}, Shape{2500, 5, 1, most_neighbors}}) {
        const OracleVectors vectors = oracle_vectors(shape.count, shape.dim, shape.nq);
        auto index = on_card(shape.dim);
        index.add(shape.count, vectors.rows.values.data());
        expect_same_as_reference(index, vectors.rows, vectors.queries, shape.k);
    }
}

TEST_P(FlatIndex, AnswersBeyondOneTile) {
    // 512 MiB of distances at most, 1,024 queries of few dimensions.
    const OracleVectors wide = oracle_vectors(half() ? 132'000 : 66'000, 4, 2);
    auto index = on_card(4);
    index.add(wide.rows.count, wide.rows.values.data());
    expect_same_as_reference(index, wide.rows, wide.queries, 10);

    const OracleVectors high = oracle_vectors(40, 8, 1030);
    auto small = on_card(8);
    small.add(high.rows.count, high.rows.values.data());
    expect_same_as_reference(small, high.rows, high.queries, 3);
}

TEST_P(FlatIndex, AddsAfterASearchAndForgets) {
    const OracleVectors vectors = oracle_vectors(300, 24, 3);
    auto index = on_card(24);
    Rows rows{0, 24, {}};
    for (const std::int64_t until : {100, 130, 300}) {
        index.add(until - rows.count, vectors.rows.row(rows.count));
        rows = {until, 24, {vectors.rows.values.begin(), vectors.rows.values.begin() + until * 24}};
        expect_same_as_reference(index, rows, vectors.queries, 10);
    }
    index.reset();
    EXPECT_EQ(index.ntotal, 0);
    EXPECT_THAT(search(index, vectors.queries, 2).ids, testing::Each(-1));
    index.add(vectors.rows.count, vectors.rows.values.data());
    expect_same_as_reference(index, rows, vectors.queries, 10);
}

TEST_P(FlatIndex, GivesBackWhatItHolds) {
    const OracleVectors vectors = oracle_vectors(200, 21, 5);
    auto index = on_card(21);
    index.add(200, vectors.rows.values.data());
    const Rows kept = rounded(vectors.rows);

    EXPECT_EQ(kept_by(index).values, kept.values);
    std::vector<float> one(21);
    index.reconstruct(123, one.data());
    EXPECT_EQ(one, std::vector<float>(kept.row(123), kept.row(124)));
    const std::vector<std::int64_t> keys{199, 0, 17};
    std::vector<float> some(3 * 21);
    index.reconstruct_batch(3, keys.data(), some.data());
    for (std::size_t i = 0; i < keys.size(); ++i) {
        EXPECT_TRUE(
            std::equal(kept.row(keys[i]), kept.row(keys[i] + 1), some.begin() + static_cast<std::ptrdiff_t>(i) * 21));
    }
    faiss::IndexFlat copy(21, faiss_metric(metric()));
    index.copyTo(&copy);
    EXPECT_EQ(kept_by(copy).values, kept.values);
    faiss::gpu::GpuIndexFlat again(&resources(), &copy, config());
    EXPECT_EQ(kept_by(again).values, kept.values);
}

TEST_P(FlatIndex, SubtractsAsTheCpuDoes) {
    const OracleVectors vectors = oracle_vectors(50, 19, 3);
    auto index = on_card(19);
    index.add(50, vectors.rows.values.data());
    const std::vector<std::int64_t> keys{49, 0, 17};
    std::vector<float> ours(3 * 19);
    std::vector<float> expected(3 * 19);
    index.compute_residual_n(3, vectors.queries.values.data(), ours.data(), keys.data());
    const faiss::IndexFlat cpu = reference(vectors.rows);
    cpu.compute_residual_n(3, vectors.queries.values.data(), expected.data(), keys.data());
    EXPECT_EQ(ours, expected);
    index.compute_residual(vectors.queries.row(1), ours.data(), 17);
    cpu.compute_residual(vectors.queries.row(1), expected.data(), 17);
    EXPECT_EQ(ours, expected);
}

TEST_P(FlatIndex, AnswersWithTheTempStackAndTransposed) {
    use_temp_stack();
    const OracleVectors vectors = oracle_vectors(800, 40, 6);
    auto transposed = config();
    transposed.storeTransposed = true;
    faiss::gpu::GpuIndexFlat index(&resources(), 40, faiss_metric(metric()), transposed);
    index.add(vectors.rows.count, vectors.rows.values.data());
    expect_same_as_reference(index, vectors.rows, vectors.queries, 50);
}

INSTANTIATE_TEST_SUITE_P(, FlatIndex,
                         testing::Combine(testing::Values(Metric::inner_product, Metric::l2), testing::Bool()),
                         [](const auto& given) {
                             return to_string(std::get<0>(given.param)) +
                                    (std::get<1>(given.param) ? "_half" : "_float");
                         });

/// The metrics that Faiss's general distance kernels serve.
class FlatIndexOfOtherMetrics : public OnCards, public testing::WithParamInterface<Metric> {};

TEST_P(FlatIndexOfOtherMetrics, AnswersAsTheCpuDoes) {
    const OracleVectors vectors = positive_vectors(400, 13, 5);
    faiss::gpu::GpuIndexFlatConfig config;
    faiss_compat::without_cuvs(config);
    faiss::gpu::GpuIndexFlat index(&resources(), 13, faiss_metric(GetParam()), config);
    faiss::IndexFlat reference(13, faiss_metric(GetParam()));
    index.metric_arg = reference.metric_arg = 3;
    index.add(400, vectors.rows.values.data());
    reference.add(400, vectors.rows.values.data());
    for (const std::int64_t k : {1, 10, 500}) expect_same(index, reference, vectors.rows, vectors.queries, k);
}

INSTANTIATE_TEST_SUITE_P(, FlatIndexOfOtherMetrics,
                         testing::Values(Metric::l1, Metric::linf, Metric::lp, Metric::canberra, Metric::bray_curtis,
                                         Metric::jensen_shannon),
                         [](const auto& given) { return to_string(given.param); });

}  // namespace
}  // namespace gpushard::test
