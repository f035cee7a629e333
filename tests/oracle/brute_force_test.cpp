// faiss::gpu::bfKnn: vectors of the caller, of any type and layout, in host or device memory.

#include <algorithm>
#include <cuda_runtime_api.h>
#include <numeric>
#include <tuple>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/gpu/GpuDistance.h>

#include "cuda/faiss_gpu_compat.hpp"
#include "device_array.hpp"
#include "on_cards.hpp"
#include "short_norms.hpp"
#include "support/half.hpp"

namespace gpushard::test {
namespace {

/// Values as bfKnn reads them: float32, or 16 bits each.
std::vector<std::byte> encoded(const std::vector<float>& values, Precision precision) {
    std::vector<std::byte> bytes;
    for (const float value : values) {
        const std::uint16_t half = precision == Precision::f16 ? to_half(value) : to_bfloat16(value);
        const auto* first = precision == Precision::f32 ? reinterpret_cast<const std::byte*>(&value)
                                                        : reinterpret_cast<const std::byte*>(&half);
        bytes.insert(bytes.end(), first, first + (precision == Precision::f32 ? sizeof value : sizeof half));
    }
    return bytes;
}

Rows as_kept(Rows rows, Precision precision) {
    if (precision == Precision::f16) return rounded_to_half(std::move(rows));
    return precision == Precision::bf16 ? rounded_to_bfloat16(std::move(rows)) : rows;
}

struct Layout {
    bool rows_by_row = true;
    bool queries_by_row = true;
};

/// Type of the vectors, and metric.
class BruteForce : public OnCards, public testing::WithParamInterface<std::tuple<Precision, Metric>> {
protected:
    Precision precision() const { return std::get<0>(GetParam()); }
    Metric metric() const { return std::get<1>(GetParam()); }
    Rounding rounding() const {
        if (precision() == Precision::f16) return round_to_half;
        return precision() == Precision::bf16 ? round_to_bfloat16 : unrounded;
    }
    OracleVectors vectors(std::int64_t count, std::int32_t dim, std::int64_t nq) const {
        const bool of_products = metric() == Metric::inner_product || metric() == Metric::l2;
        OracleVectors made = of_products ? oracle_vectors(count, dim, nq) : positive_vectors(count, dim, nq);
        return {as_kept(std::move(made.rows), precision()), as_kept(std::move(made.queries), precision())};
    }

    faiss::IndexFlat reference(const Rows& rows, float metric_arg = 3) const {
        faiss::IndexFlat index(rows.dim, faiss_metric(metric()));
        index.metric_arg = metric_arg;
        index.add(rows.count, rows.values.data());
        return index;
    }

    faiss::gpu::GpuDistanceParams params(const OracleVectors& vectors, std::int64_t k) const {
        faiss::gpu::GpuDistanceParams params;
        faiss_compat::without_cuvs(params);
        params.metric = faiss_metric(metric());
        params.metricArg = 3;
        params.k = static_cast<int>(k);
        params.dims = vectors.rows.dim;
        params.numVectors = static_cast<int>(vectors.rows.count);
        params.numQueries = static_cast<int>(vectors.queries.count);
        params.vectorType = params.queryType = faiss_compat::data_type<faiss::gpu::DistanceDataType>(precision());
        return params;
    }

    std::vector<std::byte> laid_out(const Rows& rows, bool by_row) const {
        return encoded(by_row ? rows.values : column_major(rows), precision());
    }

    /// Answers with 64-bit ids, or with 32-bit ones.
    template <typename Id>
    Answers run(const OracleVectors& vectors, std::int64_t k, Layout layout = {}, const float* norms = nullptr,
                bool on_device = false) {
        faiss::gpu::GpuDistanceParams args = params(vectors, k);
        const DeviceArray<std::byte> rows(laid_out(vectors.rows, layout.rows_by_row), on_device);
        const DeviceArray<std::byte> queries(laid_out(vectors.queries, layout.queries_by_row), on_device);
        const auto size = static_cast<std::size_t>(vectors.queries.count * k);
        DeviceArray<float> distances(std::vector<float>(size), on_device);
        DeviceArray<Id> ids(std::vector<Id>(size), on_device);
        args.vectors = rows.data();
        args.vectorsRowMajor = layout.rows_by_row;
        args.vectorNorms = norms;
        args.queries = queries.data();
        args.queriesRowMajor = layout.queries_by_row;
        args.outDistances = distances.data();
        args.outIndicesType = sizeof(Id) == 8 ? faiss::gpu::IndicesDataType::I64 : faiss::gpu::IndicesDataType::I32;
        args.outIndices = ids.data();
        faiss::gpu::bfKnn(&resources(), args);
        if (on_device) resources().getResources()->syncDefaultStreamCurrentDevice();
        const std::vector<Id> found = ids.values();
        return {distances.values(), {found.begin(), found.end()}};
    }

    /// All distances of each query as answers, best first.
    Answers in_order(const std::vector<float>& all, std::int64_t count) const {
        Answers answers;
        for (auto first = all.begin(); first != all.end(); first += count) {
            std::vector<std::int64_t> ids(static_cast<std::size_t>(count));
            std::iota(ids.begin(), ids.end(), 0);
            std::sort(ids.begin(), ids.end(), [&](std::int64_t a, std::int64_t b) {
                return metric() == Metric::inner_product ? first[a] > first[b] : first[a] < first[b];
            });
            for (const std::int64_t id : ids) answers.distances.push_back(first[id]);
            answers.ids.insert(answers.ids.end(), ids.begin(), ids.end());
        }
        return answers;
    }

    void expect_same_as_reference(const Answers& ours, const OracleVectors& vectors, std::int64_t k,
                                  Layout layout = {}) const {
        if (metric() == Metric::l2 && precision() != Precision::f32) {
            expect_nearest_by_short_norms(ours, vectors.rows, layout.rows_by_row ? rounding() : unrounded,
                                          vectors.queries, layout.queries_by_row ? rounding() : unrounded, k);
        } else {
            expect_same(ours, search(reference(vectors.rows), vectors.queries, k), vectors.rows, vectors.queries, k,
                        metric(), float32_tolerance, 3);
        }
    }
};

TEST_P(BruteForce, AnswersInEveryLayout) {
    // More than a block of 32 x 32 pairs each way.
    const OracleVectors made = vectors(75, 37, 35);
    for (const bool rows_by_row : {true, false}) {
        for (const bool queries_by_row : {true, false}) {
            SCOPED_TRACE(testing::Message() << "rows by row: " << rows_by_row << ", queries: " << queries_by_row);
            const Layout layout{rows_by_row, queries_by_row};
            expect_same_as_reference(run<std::int64_t>(made, 10, layout), made, 10, layout);
        }
    }
}

TEST_P(BruteForce, AnswersWithShortIdsFromDeviceMemory) {
    const OracleVectors made = vectors(300, 32, 1);
    expect_same_as_reference(run<std::int32_t>(made, 100), made, 100);
    expect_same_as_reference(run<std::int32_t>(made, 400, {}, nullptr, true), made, 400);
    expect_same_as_reference(run<std::int64_t>(made, 1, {}, nullptr, true), made, 1);
}

TEST_P(BruteForce, AnswersWithNormsOfTheCaller) {
    const OracleVectors made = vectors(200, 12, 3);
    const std::vector<float> wrong(200, 1000);
    if (metric() != Metric::l2) {
        expect_same_as_reference(run<std::int64_t>(made, 10, {}, wrong.data()), made, 10);
        return;
    }
    const std::vector<double> exact = squared_norms(made.rows, rounding());
    const std::vector<float> norms(exact.begin(), exact.end());
    for (const std::int64_t k : {1, 10}) {
        expect_same_as_reference(run<std::int64_t>(made, k, {}, norms.data()), made, k);
    }
    // They are believed.
    EXPECT_GT(run<std::int64_t>(made, 1, {}, wrong.data()).distances[0], 900);
}

TEST_P(BruteForce, GivesAllDistances) {
    const OracleVectors made = vectors(67, 21, 34);
    for (const bool rows_by_row : {true, false}) {
        for (const bool queries_by_row : {true, false}) {
            faiss::gpu::GpuDistanceParams args = params(made, -1);
            const std::vector<std::byte> rows = laid_out(made.rows, rows_by_row);
            const std::vector<std::byte> queries = laid_out(made.queries, queries_by_row);
            std::vector<float> all(67 * 34);
            args.vectors = rows.data();
            args.vectorsRowMajor = rows_by_row;
            args.queries = queries.data();
            args.queriesRowMajor = queries_by_row;
            args.outDistances = all.data();
            faiss::gpu::bfKnn(&resources(), args);
            expect_same_as_reference(in_order(all, 67), made, 67, {rows_by_row, queries_by_row});
        }
    }
}

std::vector<Precision> precisions() {
    std::vector<Precision> all{Precision::f32, Precision::f16};
    if (faiss_compat::searches_bfloat16) all.push_back(Precision::bf16);
    return all;
}

INSTANTIATE_TEST_SUITE_P(, BruteForce,
                         testing::Combine(testing::ValuesIn(precisions()),
                                          testing::Values(Metric::inner_product, Metric::l2, Metric::l1, Metric::linf,
                                                          Metric::lp, Metric::canberra, Metric::bray_curtis,
                                                          Metric::jensen_shannon)),
                         [](const auto& given) {
                             return std::string(to_string(std::get<0>(given.param))) + "_" +
                                    to_string(std::get<1>(given.param));
                         });

using BruteForceOfAnyExponent = OnCards;

TEST_F(BruteForceOfAnyExponent, AnswersAsTheCpuDoes) {
    const OracleVectors made = positive_vectors(150, 11, 4);
    // 1 and 2 are L1 and L2; -1 is Faiss's name for L2 by the general kernel.
    for (const float exponent : {0.5F, 1.0F, 1.5F, 2.0F, 4.0F, -1.0F}) {
        faiss::IndexFlat reference(11, exponent == -1 ? faiss::METRIC_L2 : faiss::METRIC_Lp);
        reference.metric_arg = exponent;
        reference.add(150, made.rows.values.data());
        faiss::gpu::GpuDistanceParams args;
        faiss_compat::without_cuvs(args);
        args.metric = faiss::METRIC_Lp;
        args.metricArg = exponent;
        args.k = 10;
        args.dims = 11;
        args.vectors = made.rows.values.data();
        args.numVectors = 150;
        args.queries = made.queries.values.data();
        args.numQueries = 4;
        Answers ours{std::vector<float>(40), std::vector<std::int64_t>(40)};
        args.outDistances = ours.distances.data();
        args.outIndices = ours.ids.data();
        faiss::gpu::bfKnn(&resources(), args);
        SCOPED_TRACE(exponent);
        expect_same(ours, search(reference, made.queries, 10), made.rows, made.queries, 10, metric_of(reference),
                    float32_tolerance, exponent);
    }
}

using BruteForceBeyondOneTile = OnCards;

TEST_F(BruteForceBeyondOneTile, AnswersAsTheCpuDoes) {
    const OracleVectors made = positive_vectors(66'000, 3, 1);
    faiss::IndexFlat reference(3, faiss::METRIC_L1);
    reference.add(made.rows.count, made.rows.values.data());
    faiss::gpu::GpuDistanceParams args;
    faiss_compat::without_cuvs(args);
    args.metric = faiss::METRIC_L1;
    args.k = 10;
    args.dims = 3;
    args.vectors = made.rows.values.data();
    args.numVectors = static_cast<int>(made.rows.count);
    args.queries = made.queries.values.data();
    args.numQueries = 1;
    Answers ours{std::vector<float>(10), std::vector<std::int64_t>(10)};
    args.outDistances = ours.distances.data();
    args.outIndices = ours.ids.data();
    faiss::gpu::bfKnn(&resources(), args);
    expect_same(ours, search(reference, made.queries, 10), made.rows, made.queries, 10, Metric::l1);
}

}  // namespace
}  // namespace gpushard::test
