#include <algorithm>
#include <cstdint>
#include <cuda_runtime_api.h>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <gpushard/error.hpp>
#include <gpushard/load.hpp>

#include "bench/card_counters.hpp"
#include "gpu_checks/card_under_test.hpp"
#include "gpu_checks/free_bytes_watch.hpp"
#include "gpu_checks/generated_source.hpp"
#include "support/index_writer.hpp"
#include "support/test_sources.hpp"

namespace gpushard::test {
namespace {

constexpr std::int32_t dim = 768;

/// What the driver may take beyond the bytes asked for: it hands out pages of 2 MiB, and a shard makes at most four
/// allocations (temp stack, vectors, norms, one of Faiss's own).
constexpr Bytes driver_rounding = 4 * 2_MiB;

struct MemoryCase {
    std::string name;
    Metric metric;
    PrecisionChoice precision;
    Bytes element_bytes;
};

std::ostream& operator<<(std::ostream& out, const MemoryCase& tested) { return out << tested.name; }

const std::vector<MemoryCase>& cases() {
    static const std::vector<MemoryCase> all = {
        {"InnerProductF32", Metric::inner_product, PrecisionChoice::f32, 4},
        {"L2F32", Metric::l2, PrecisionChoice::f32, 4},
        {"InnerProductF16", Metric::inner_product, PrecisionChoice::f16, 2},
        {"L2F16", Metric::l2, PrecisionChoice::f16, 2},
        {"InnerProductBf16", Metric::inner_product, PrecisionChoice::bf16, 2},
    };
    return all;
}

/// Much of the card, and no more than loads in seconds; little where the card is simulated in host memory.
Bytes shard_bytes() { return std::min<Bytes>(card_free_bytes() / 10 * 6, kernels_compute() ? 8_GiB : 512_MiB); }

std::shared_ptr<GeneratedSource> make_source(const MemoryCase& tested, Bytes held) {
    const auto content = kernels_compute() ? GeneratedSource::Content::uniform : GeneratedSource::Content::zeros;
    return std::make_shared<GeneratedSource>(static_cast<std::int64_t>(held / (dim * tested.element_bytes)), dim,
                                             tested.metric, content);
}

PlanOptions options_of(const MemoryCase& tested) {
    PlanOptions options;
    options.precision = tested.precision;
    return options;
}

std::vector<float> some_queries(std::int64_t count) { return uniform_rows(count, dim, 3).values; }

void search(const ShardedIndex& index, std::int64_t nq, std::int64_t k) {
    static_cast<void>(index.search(nq, some_queries(nq).data(), k));
}

/// Loads and searches once, so that kernels, cuBLAS and the driver's own pools are there: they stay, and are no part of
/// what a load takes.
void warm_up(const MemoryCase& tested) {
    const ShardedIndex index =
        load_onto({part_of_card(card_free_bytes())}, make_source(tested, 64_MiB), options_of(tested));
    for (const std::int64_t nq : {1, 256}) search(index, nq, 10);
}

class Memory : public testing::TestWithParam<MemoryCase> {
protected:
    void SetUp() override {
        if (GetParam().precision == PrecisionChoice::bf16 && !card_has_bfloat16()) {
            GTEST_SKIP() << "bfloat16 needs compute capability 8.0 and a Faiss that has it";
        }
        warm_up(GetParam());
    }

    static void record(const std::string& what, Bytes bytes) { RecordProperty(what + "_bytes", std::to_string(bytes)); }
};

TEST_P(Memory, OfALoadIsThePlannedOne) {
    const auto source = make_source(GetParam(), shard_bytes());
    const std::vector<DeviceInfo> devices = {part_of_card(card_free_bytes())};
    const PlacementPlan plan = plan_onto(devices, *source, options_of(GetParam()));
    const ShardMemory planned = plan.totals();
    const Bytes handle = cublas_handle_bytes();

    const Bytes free_before = card_free_bytes();
    FreeBytesWatch watch;
    const ShardedIndex index = load(plan, source, open(devices));
    const Bytes driver_peak = watch.most_taken();
    const Bytes driver_drop = free_before - std::min(free_before, card_free_bytes());
    const Bytes ledger_peak = index.load_report().devices.front().measured_peak_bytes;

    record("planned_load_peak", planned.load_peak());
    record("ledger_load_peak", ledger_peak);
    record("driver_load_peak", driver_peak);
    record("driver_held", driver_drop);
    record("cublas_handle", handle);
    EXPECT_EQ(index.load_report().devices.front().measured_resident_bytes, planned.resident);
    EXPECT_LE(ledger_peak, planned.load_peak());
    EXPECT_LE(driver_peak, planned.load_peak() + driver_rounding + handle);
    EXPECT_GE(driver_peak, planned.resident);
    EXPECT_GE(driver_drop, planned.resident);

    FreeBytesWatch searching;
    for (const std::int64_t nq : {1, 16, 256}) {
        for (const std::int64_t k : {1, 10, 100}) search(index, nq, k);
    }
    const Bytes search_peak = index.peak_bytes().front();
    record("planned_peak", planned.peak());
    record("ledger_peak", search_peak);
    record("driver_taken_by_searches", searching.most_taken());
    EXPECT_LE(search_peak, planned.peak());

    if (!kernels_compute() || GetParam().precision == PrecisionChoice::bf16) return;
    const VerifyReport verified = verify(index, 20);
    for (const std::string& failure : verified.failures) ADD_FAILURE() << failure;
    RecordProperty("verified_rows", std::to_string(verified.rows));
    RecordProperty("verified_worst_error", std::to_string(verified.worst_error));
}

TEST_P(Memory, IsGivenBackToTheByte) {
    const auto source = make_source(GetParam(), shard_bytes() / 8);
    const std::vector<DeviceInfo> devices = {part_of_card(card_free_bytes())};
    const PlacementPlan plan = plan_onto(devices, *source, options_of(GetParam()));

    const auto load_and_search = [&] {
        const ShardedIndex index = load(plan, source, open(devices));
        search(index, 16, 10);
        return card_free_bytes();
    };
    load_and_search();  // what a first time leaves behind, such as kernels for this shape
    const Bytes before_a_load = card_free_bytes();
    EXPECT_LT(load_and_search(), before_a_load);
    EXPECT_EQ(card_free_bytes(), before_a_load) << "after an index was let go";

    const auto broken = std::make_shared<HookedSource>(source, fail_read(2, true));
    EXPECT_THROW(load(plan, broken, open(devices)), BadFile);
    EXPECT_GT(broken->reads(), 2) << "the load failed before it read rows";
    EXPECT_EQ(card_free_bytes(), before_a_load) << "after a load that failed in the middle";

    std::stop_source stop;
    LoadOptions options;
    options.stop = stop.get_token();
    const auto stopping = std::make_shared<HookedSource>(source, [&stop](std::int64_t read, Bytes, Bytes) {
        if (read == 2) stop.request_stop();
    });
    EXPECT_THROW(load(plan, stopping, open(devices), options), Cancelled);
    EXPECT_EQ(card_free_bytes(), before_a_load) << "after a load that was cancelled";
}

TEST_P(Memory, IsNotTakenByRepeatedSearches) {
    const ShardedIndex index =
        load_onto({part_of_card(card_free_bytes())}, make_source(GetParam(), 64_MiB), options_of(GetParam()));
    for (const std::int64_t nq : {1, 16, 100, 256, 600}) search(index, nq, 10);
    const bench::CardCounters* const counters = bench::CardCounters::find();
    FreeBytesWatch watch;
    for (int round = 0; round < 5; ++round) {
        for (const std::int64_t nq : {1, 16, 100, 256, 600}) search(index, nq, 10);
    }
    if (counters != nullptr) {
        EXPECT_EQ(counters->counts().mallocs, 0U);
    }
    EXPECT_EQ(watch.most_taken(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Card, Memory, testing::ValuesIn(cases()),
                         [](const testing::TestParamInfo<MemoryCase>& instance) { return instance.param.name; });

/// Memory of the card that something else holds.
class Hog {
public:
    explicit Hog(Bytes bytes) {
        if (cudaMalloc(&address_, bytes) != cudaSuccess) throw std::runtime_error("cudaMalloc failed");
    }
    ~Hog() { cudaFree(address_); }
    Hog(const Hog&) = delete;
    Hog& operator=(const Hog&) = delete;

private:
    void* address_ = nullptr;
};

TEST(CardHeldByOthers, RefusesALoadThatWasPlannedBefore) {
    const MemoryCase usual = cases().front();
    warm_up(usual);
    const std::shared_ptr<GeneratedSource> source = make_source(usual, 1_GiB);
    const std::vector<DeviceInfo> devices = {part_of_card(card_free_bytes())};
    const PlacementPlan plan = plan_onto(devices, *source, options_of(usual));
    const Bytes read_to_plan = source->bytes_read();

    const Hog hog(card_free_bytes() - 512_MiB);
    const Bytes free_before = card_free_bytes();
    try {
        load(plan, source, open(devices));
        ADD_FAILURE() << "1 GiB was loaded into " << format_bytes(free_before);
    } catch (const InsufficientMemory& refusal) {
        EXPECT_GT(refusal.short_bytes(), 0U);
        EXPECT_NE(std::string(refusal.what()).find("cuda:"), std::string::npos) << refusal.what();
    }
    EXPECT_LT(source->bytes_read() - read_to_plan, dim * sizeof(float)) << "rows were read for a load that cannot fit";
    EXPECT_EQ(card_free_bytes(), free_before);
}

}  // namespace
}  // namespace gpushard::test
