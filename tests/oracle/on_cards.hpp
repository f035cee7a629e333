#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <faiss/Index.h>
#include <faiss/gpu/StandardGpuResources.h>
#include <gtest/gtest.h>

#include <gpushard/index_profile.hpp>

#include "oracle_vectors.hpp"

namespace gpushard::test {

/// What distances may be off, on the scales of same_answers.hpp: in float32, and where each number of a table of terms
/// is rounded to float16, which takes at most this part of it.
inline constexpr double float32_tolerance = 1e-5;
inline constexpr double float16_table_tolerance = 1.0 / 2048;

/// (nq, k) arrays.
struct Answers {
    std::vector<float> distances;
    std::vector<std::int64_t> ids;
};

/// Faiss's GPU code on cards that compute. Each temporary of Faiss is an allocation of its own, so that the cards see
/// accesses beyond it. Findings fail a test, but for those of support/known_findings.hpp.
class OnCards : public testing::Test {
protected:
    void SetUp() override;
    void TearDown() override { resources_.reset(); }

    faiss::gpu::StandardGpuResources& resources() { return *resources_; }
    /// With Faiss's own temporary memory, as an application has it.
    void use_temp_stack();

private:
    std::unique_ptr<faiss::gpu::StandardGpuResources> resources_;
};

inline faiss::MetricType faiss_metric(Metric metric) {
    return static_cast<faiss::MetricType>(static_cast<int>(metric));
}

Answers search(const faiss::Index& index, const Rows& queries, std::int64_t k);

/// Expects the same answers, as same_answers.hpp defines them. `kept`: the vectors as the index keeps them.
void expect_same(const Answers& ours, const Answers& reference, const Rows& kept, const Rows& queries, std::int64_t k,
                 Metric metric, double tolerance = float32_tolerance, float metric_arg = 0);

/// The same, of indexes; ids are the places of vectors.
void expect_same(const faiss::Index& on_card, const faiss::Index& reference, const Rows& kept, const Rows& queries,
                 std::int64_t k, double tolerance = float32_tolerance);

/// What an index gives back of its vectors 0, 1, 2, ...
Rows kept_by(const faiss::Index& index);

Metric metric_of(const faiss::Index& index);

}  // namespace gpushard::test
