#include <algorithm>
#include <array>
#include <cuda_runtime_api.h>
#include <functional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <gpushard/cuda/device_search.hpp>
#include <gpushard/error.hpp>

#include "cuda/faiss_gpu_compat.hpp"
#include "gpu_checks/card_under_test.hpp"
#include "gpu_checks/exact_answers.hpp"

namespace gpushard::test {
namespace {

constexpr std::int32_t dim = 64;
constexpr std::array<std::int64_t, 4> batches = {1, 16, 100, 600};
constexpr Bytes budget = 1_GiB;

const char* const kernels_do_nothing =
    "answers of cards cannot be checked: these are simulated, and their kernels do nothing";

struct AnswersCase {
    std::string name;
    Metric metric;
    Precision precision;
    float metric_arg = 0;
    float smallest = -1;  ///< of the values of rows and queries: measures of distributions want positive ones
};

std::ostream& operator<<(std::ostream& out, const AnswersCase& tested) { return out << tested.name; }

/// Those that are no matrix products take long on the host.
std::int64_t rows_of(const AnswersCase& tested) {
    return tested.metric == Metric::inner_product || tested.metric == Metric::l2 ? 12'000 : 3'000;
}

Rows values_for(const AnswersCase& tested, std::int64_t count, std::uint64_t seed) {
    Rows rows = uniform_rows(count, dim, seed);
    for (float& value : rows.values) value = tested.smallest + (value + 1) / 2 * (1 - tested.smallest);
    return rounded_rows(tested.precision, std::move(rows));
}

struct Rig {
    std::string name;
    std::vector<DeviceInfo> devices;
    bool has_host = false;
    bool has_card = true;
};

std::vector<Rig> rigs() {
    return {{"the card", {part_of_card(budget)}},
            {"four logical devices on the card", std::vector<DeviceInfo>(4, part_of_card(budget))},
            {"the card and the host", {part_of_card(budget), part_of_host(budget)}, true},
            {"the host alone", {part_of_host(budget)}, true, false}};
}

std::int64_t most_neighbors() { return faiss_compat::most_neighbors; }

/// Rows, queries, and the answers there should be.
class Exam {
public:
    explicit Exam(const AnswersCase& tested)
        : tested_(tested),
          rows_(values_for(tested, rows_of(tested), 1)),
          queries_(values_for(tested, batches.back(), 2)),
          exact_(rows_, queries_, tested.metric, tested.metric_arg, tested.precision == Precision::f32 ? 1e-5 : 2e-4),
          file_(flat_index(rows_, tested.metric, tested.metric_arg)) {}

    ShardedIndex load(const Rig& rig) const {
        PlanOptions options;
        options.min_devices = static_cast<int>(rig.devices.size());
        options.precision = parse_precision(to_string(tested_.precision));
        options.max_batch = batches.back();
        return load_onto(rig.devices, view_memory(file_.data(), file_.size()), options);
    }

    std::string wrong_in_search(const ShardedIndex& index, std::int64_t nq, std::int64_t k) const {
        const SearchResult result = index.search(nq, queries_.values.data(), k);
        return exact_.wrong(nq, k, result.distances.data(), result.ids.data());
    }

    const Rows& queries() const { return queries_; }
    const ExactAnswers& exact() const { return exact_; }

private:
    const AnswersCase tested_;
    const Rows rows_;
    const Rows queries_;
    const ExactAnswers exact_;
    const std::string file_;
};

class Answers : public testing::TestWithParam<AnswersCase> {
protected:
    void SetUp() override {
        if (GetParam().precision == Precision::bf16 && !card_has_bfloat16()) {
            GTEST_SKIP() << "bfloat16 needs compute capability 8.0 and a Faiss that has it";
        }
    }
};

TEST_P(Answers, AreThoseOfBruteForceInDouble) {
    const Exam exam(GetParam());
    for (const Rig& rig : rigs()) {
        if (rig.has_host && GetParam().precision == Precision::bf16) continue;
        const ShardedIndex index = exam.load(rig);
        for (const std::int64_t nq : batches) {
            for (const std::int64_t k : {std::int64_t{1}, std::int64_t{10}, std::int64_t{100}, most_neighbors()}) {
                const std::string wrong = exam.wrong_in_search(index, nq, k);
                if (rig.has_card && !kernels_compute()) continue;
                EXPECT_EQ(wrong, "") << rig.name << ", nq " << nq << ", k " << k;
            }
        }
    }
    if (!kernels_compute()) GTEST_SKIP() << "searched; " << kernels_do_nothing;
}

INSTANTIATE_TEST_SUITE_P(
    Card, Answers,
    testing::Values(AnswersCase{"InnerProductF32", Metric::inner_product, Precision::f32},
                    AnswersCase{"InnerProductF16", Metric::inner_product, Precision::f16},
                    AnswersCase{"InnerProductBf16", Metric::inner_product, Precision::bf16},
                    AnswersCase{"L2F32", Metric::l2, Precision::f32}, AnswersCase{"L2F16", Metric::l2, Precision::f16},
                    AnswersCase{"L2Bf16", Metric::l2, Precision::bf16},
                    AnswersCase{"L1F32", Metric::l1, Precision::f32}, AnswersCase{"L1F16", Metric::l1, Precision::f16},
                    AnswersCase{"L1Bf16", Metric::l1, Precision::bf16},
                    AnswersCase{"LinfF32", Metric::linf, Precision::f32},
                    AnswersCase{"LpF32", Metric::lp, Precision::f32, 3.0F},
                    AnswersCase{"CanberraF32", Metric::canberra, Precision::f32, 0, 0.05F},
                    AnswersCase{"BrayCurtisF32", Metric::bray_curtis, Precision::f32, 0, 0.05F},
                    AnswersCase{"JensenShannonF32", Metric::jensen_shannon, Precision::f32, 0, 0.05F}),
    [](const testing::TestParamInfo<AnswersCase>& instance) { return instance.param.name; });

/// An array on the card.
template <typename Element>
class OnCard {
public:
    explicit OnCard(std::size_t count) : bytes_(count * sizeof(Element)) {
        if (cudaMalloc(&address_, bytes_) != cudaSuccess) throw std::runtime_error("cudaMalloc failed");
    }
    explicit OnCard(const std::vector<Element>& values) : OnCard(values.size()) {
        copy(address_, values.data(), cudaMemcpyHostToDevice);
    }
    ~OnCard() { cudaFree(address_); }
    OnCard(const OnCard&) = delete;
    OnCard& operator=(const OnCard&) = delete;

    Element* data() const { return static_cast<Element*>(address_); }
    std::vector<Element> values() const {
        std::vector<Element> values(bytes_ / sizeof(Element));
        copy(values.data(), address_, cudaMemcpyDeviceToHost);
        return values;
    }

private:
    void copy(void* to, const void* from, cudaMemcpyKind kind) const {
        if (cudaMemcpyAsync(to, from, bytes_, kind, nullptr) != cudaSuccess ||
            cudaStreamSynchronize(nullptr) != cudaSuccess) {
            throw std::runtime_error("cudaMemcpyAsync failed");
        }
    }

    const std::size_t bytes_;
    void* address_ = nullptr;
};

const AnswersCase usual = {"InnerProductF32", Metric::inner_product, Precision::f32};

TEST(QueriesOnTheCard, GiveTheSameAnswersThere) {
    const Exam exam(usual);
    constexpr std::int64_t nq = 100;
    constexpr std::int64_t k = 10;
    for (const Rig& rig : rigs()) {
        const ShardedIndex index = exam.load(rig);
        const OnCard<float> queries(exam.queries().values);
        const OnCard<float> distances(std::vector<float>(nq * k, -12345.0F));
        const OnCard<std::int64_t> ids(std::vector<std::int64_t>(nq * k, -12345));
        cudaStream_t stream = nullptr;
        ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
        search(index, nq, queries.data(), k, distances.data(), ids.data(), stream);
        EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
        const std::vector<float> found_distances = distances.values();
        const std::vector<std::int64_t> found = ids.values();
        EXPECT_EQ(std::count(found.begin(), found.end(), -12345), 0) << rig.name;
        if (!kernels_compute()) continue;
        EXPECT_EQ(exam.exact().wrong(nq, k, found_distances.data(), found.data()), "") << rig.name;
    }
    if (!kernels_compute()) GTEST_SKIP() << "searched; " << kernels_do_nothing;
}

TEST(SixteenThreads, SearchAtOnce) {
    const Exam exam(usual);
    for (const Rig& rig : rigs()) {
        const ShardedIndex index = exam.load(rig);
        std::vector<std::string> wrong(16);
        std::vector<std::thread> threads;
        for (std::string& found : wrong) {
            threads.emplace_back([&found, &exam, &index] {
                try {
                    for (int round = 0; round < 5 && found.empty(); ++round) {
                        for (const std::int64_t nq : {1, 16, 100}) {
                            const std::string here = exam.wrong_in_search(index, nq, 10);
                            if (kernels_compute()) found += here;
                        }
                    }
                } catch (const std::exception& error) {
                    found = error.what();
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
        for (const std::string& found : wrong) EXPECT_EQ(found, "") << rig.name;
    }
    if (!kernels_compute()) GTEST_SKIP() << "searched; " << kernels_do_nothing;
}

}  // namespace
}  // namespace gpushard::test
