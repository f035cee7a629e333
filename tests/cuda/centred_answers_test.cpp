// Answers of shards that hold rows less a centre, in every precision: how near they come to those of float32.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "cuda/answers_on_cards.hpp"
#include "cuda/faiss_gpu_compat.hpp"
#include "support/shared_data.hpp"

namespace gpushard::test {
namespace {

constexpr std::int64_t k = 10;

/// How far answers are from those of exact arithmetic.
struct Difference {
    double recall = 0;
    double largest_error = 0;  ///< of the distances of what was found
};

class CentredAnswers : public AnswersOnCards {
protected:
    void write(const Rows& rows, Metric metric) {
        rows_ = rows;
        metric_ = metric;
        write_file(path("rows.index"), flat_index(rows, metric));
    }

    ShardedIndex loaded_as(const std::string& precision, const std::string& devices = "cuda:0,cuda:1") {
        type_cards();
        options_ = {};
        options_.devices = devices;
        options_.plan.precision = parse_precision(precision);
        options_.plan.reserve_bytes = 0;
        options_.plan.max_batch = 32;
        return load(path("rows.index"), options_);
    }

    double exact(const float* query, const float* row) const {
        double sum = 0;
        for (std::int32_t i = 0; i < rows_.dim; ++i) {
            const double difference = static_cast<double>(query[i]) - row[i];
            sum += metric_ == Metric::l2 ? difference * difference : static_cast<double>(query[i]) * row[i];
        }
        return sum;
    }

    Difference difference_of(const ShardedIndex& index, const Rows& queries) const {
        const SearchResult found = index.search(queries.count, queries.values.data(), k);
        Difference difference;
        std::vector<double> all(static_cast<std::size_t>(rows_.count));
        for (std::int64_t query = 0; query < queries.count; ++query) {
            for (std::int64_t row = 0; row < rows_.count; ++row) {
                all[static_cast<std::size_t>(row)] = exact(queries.row(query), rows_.row(row));
            }
            std::vector<double> best = all;
            if (metric_ != Metric::l2) {
                for (double& product : best) product = -product;
            }
            std::nth_element(best.begin(), best.begin() + k - 1, best.end());
            const double last = best[k - 1];
            for (const Neighbor& answer : found.row(query)) {
                const double distance = all[static_cast<std::size_t>(answer.id)];
                if ((metric_ == Metric::l2 ? distance : -distance) <= last) difference.recall += 1;
                difference.largest_error = std::max(difference.largest_error, std::abs(answer.distance - distance));
            }
        }
        difference.recall /= static_cast<double>(queries.count * k);
        return difference;
    }

    Metric metric_ = Metric::l2;
};

/// Old versions of Faiss have no bfloat16 on cards.
bool is_searched(const std::string& precision) { return precision != "bf16" || faiss_compat::searches_bfloat16; }

Rows normal_rows(std::int64_t count, std::int32_t dim, float offset, std::uint32_t seed) {
    Rows rows{.count = count, .dim = dim, .values = std::vector<float>(static_cast<std::size_t>(count * dim))};
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (float& value : rows.values) value = offset + normal(random);
    return rows;
}

TEST_F(CentredAnswers, FindTheNearestWhateverTheOffset) {
    for (const float offset : {0.0F, 100.0F, 1e4F}) {
        write(normal_rows(3000, 64, offset, 1), Metric::l2);
        const Rows queries = normal_rows(64, 64, offset, 2);
        for (const auto& [precision, least] : {std::pair{"f32", 0.998}, {"f16", 0.995}, {"bf16", 0.96}}) {
            if (!is_searched(precision)) continue;
            const ShardedIndex index = loaded_as(precision);
            const Difference difference = difference_of(index, queries);
            EXPECT_GE(difference.recall, least) << precision << " around " << offset;
            EXPECT_EQ(index.load_report().devices[1].centred, offset > 0 || precision != std::string("f32"));
            EXPECT_THAT(verify(index, 5).failures, testing::IsEmpty());
            RecordProperty(std::string(precision) + "_recall_around_" + std::to_string(static_cast<int>(offset)),
                           std::to_string(difference.recall));
        }
    }
}

// Products are 64 x offset^2, and told apart by 64 x offset: float32 has those digits, float16 of whole rows has not.
TEST_F(CentredAnswers, HaveTheWholeInnerProduct) {
    write(normal_rows(1500, 64, 5, 1), Metric::inner_product);
    const Rows queries = normal_rows(32, 64, 0, 2);
    for (const auto& [precision, most] : {std::pair{"f32", 1e-3}, {"f16", 0.02}, {"bf16", 0.2}}) {
        if (!is_searched(precision)) continue;
        const Difference difference = difference_of(loaded_as(precision), queries);
        EXPECT_LE(difference.largest_error, most) << precision;
        EXPECT_GE(difference.recall, precision == std::string("bf16") ? 0.96 : 0.99) << precision;
    }
}

TEST_F(CentredAnswers, AreRightByEveryMetricThatIsCentred) {
    for (const Metric metric : {Metric::inner_product, Metric::l2, Metric::l1, Metric::linf}) {
        write(normal_rows(600, 64, 30, 1), metric);
        for (const std::string precision : {"f16", "bf16"}) {
            if (!is_searched(precision)) continue;
            const ShardedIndex index = loaded_as(precision);
            EXPECT_TRUE(index.load_report().devices[0].centred);
            EXPECT_THAT(verify(index, 10).failures, testing::IsEmpty()) << to_string(metric) << " " << precision;
        }
    }
}

// Of 20,000 embeddings of package descriptions; plain float16 is off by 9.0e-5 and bfloat16 by 8.2e-4. Of the 6,000
// nearest a dozen are within 7e-6 of the next, so chance decides about the last few.
TEST_F(CentredAnswers, OfRealEmbeddingsComeNearFloat32) {
    const std::filesystem::path shared = shared_data();
    if (shared.empty()) GTEST_SKIP() << "no real embeddings: see tests/README.md";
    const std::string bytes = read_file(shared / "debian_e5_flat.index");
    Rows rows{.count = 20'000, .dim = 384, .values = std::vector<float>(7'680'000)};
    std::memcpy(rows.values.data(), bytes.data() + 45, rows.values.size() * sizeof(float));
    write(rows, Metric::inner_product);
    const std::string npy = read_file(shared / "queries.npy");
    Rows queries{.count = 600, .dim = 384, .values = std::vector<float>(230'400)};
    const std::size_t of_values = queries.values.size() * sizeof(float);
    std::memcpy(queries.values.data(), npy.data() + npy.size() - of_values, of_values);

    struct Case {
        const char* precision;
        double least_recall;
        double most_error;
    };
    for (const Case& expected : {Case{"f16", 0.999, 3.5e-5}, Case{"bf16", 0.996, 3e-4}}) {
        if (!is_searched(expected.precision)) continue;
        const Difference difference = difference_of(loaded_as(expected.precision), queries);
        EXPECT_GE(difference.recall, expected.least_recall) << expected.precision;
        EXPECT_LE(difference.largest_error, expected.most_error) << expected.precision;
        RecordProperty(std::string(expected.precision) + "_recall", std::to_string(difference.recall));
        RecordProperty(std::string(expected.precision) + "_error", std::to_string(difference.largest_error));
    }
}

}  // namespace
}  // namespace gpushard::test
