// FlashRAG's wiki_100w_e5_index at its true size, from a file without blocks on the disk: what is taken, copied and
// refused is exact; the vectors are zero.

#include <algorithm>
#include <chrono>

#include <gmock/gmock.h>

#include "cuda/card_rig.hpp"

namespace gpushard::test {
namespace {

constexpr std::int64_t wiki_count = 21'015'324;
constexpr std::int32_t wiki_dim = 768;
constexpr Bytes wiki_halves = static_cast<Bytes>(wiki_count) * wiki_dim * 2;

class TrueSize : public SimulatedRig {
protected:
    /// Loads onto the typed cards and checks what every load must keep.
    ShardedIndex load_onto(const std::string& cards, PrecisionChoice precision,
                           const std::string& devices = "cuda:all") {
        set_simulated_cards(cards);
        const std::filesystem::path file = write_sparse_index(folder_, wiki_count, wiki_dim);
        LoadOptions options;
        options.devices = devices;
        options.plan.precision = precision;
        options.progress_interval = std::chrono::milliseconds(20);
        const Bytes anonymous_before = anonymous_bytes();
        Bytes anonymous_peak = anonymous_before;
        options.on_progress = [&](const LoadProgress&) {
            anonymous_peak = std::max(anonymous_peak, anonymous_bytes());
        };

        ShardedIndex index = load(file, options);

        const PlacementPlan& plan = index.plan();
        Bytes on_host = 0;
        for (const ShardPlacement& placement : plan.devices) {
            if (placement.device.kind == DeviceKind::cpu) on_host += placement.memory.resident;
        }
        EXPECT_LE(anonymous_peak - anonymous_before, 256_MiB + plan.host_staging_bytes + on_host);
        // Every byte once, and what the fingerprint and the centre are made of a second time.
        const Bytes of_fingerprint = plan.index.payload_offset + 64_KiB;
        const std::int64_t sample_rows = plan.precision == Precision::f32 ? 0 : 65'536;
        EXPECT_EQ(index.load_report().centre_sample_rows, sample_rows);
        EXPECT_EQ(index.load_report().file_bytes_read,
                  plan.index.bytes + of_fingerprint + static_cast<Bytes>(sample_rows) * plan.index.row_bytes());
        EXPECT_THAT(index.load_report().recovery, testing::IsEmpty());
        expect_planned_peaks(index, 0.02);
        for (std::size_t i = 0; i < plan.devices.size(); ++i) {
            if (plan.devices[i].device.kind != DeviceKind::cuda) continue;
            const int card = static_cast<int>(i);
            const auto vector_bytes =
                static_cast<Bytes>(plan.devices[i].rows.count()) * wiki_dim * element_bytes(plan.precision);
            EXPECT_EQ(card_bytes_copied(CopyDirection::to_card, card), vector_bytes);
            EXPECT_LE(card_calls("cudaMalloc", card), 5u);
        }
        return index;
    }
};

TEST_F(TrueSize, InFloat16OnOneCardOf40GiB) {
    const ShardedIndex index = load_onto("40GiB", PrecisionChoice::f16);
    EXPECT_LE(static_cast<double>(card_peak_bytes(0)), 1.02 * static_cast<double>(wiki_halves));
}

TEST_F(TrueSize, InFloat16OnFourCardsOf40GiB) {
    const ShardedIndex index = load_onto("4x40GiB", PrecisionChoice::f16);
    EXPECT_EQ(index.plan().used_devices(), 4);
}

TEST_F(TrueSize, InFloat16OnEightCardsOf40GiB) {
    const ShardedIndex index = load_onto("8x40GiB:bandwidth=1555GB", PrecisionChoice::f16);
    EXPECT_EQ(index.plan().used_devices(), 8);
}

TEST_F(TrueSize, InFloat16OnFourCardsOfWhichOthersHoldAPart) {
    const ShardedIndex index =
        load_onto("80GiB:used=20GiB,40GiB:used=20GiB,40GiB:used=37GiB,40GiB:used=30GiB", PrecisionChoice::f16);
    EXPECT_EQ(index.plan().used_devices(), 4);
}

TEST_F(TrueSize, InFloat16OnEightCardsOf8GiB) {
    const ShardedIndex index = load_onto("8x8GiB", PrecisionChoice::f16);
    EXPECT_EQ(index.plan().used_devices(), 8);
}

TEST_F(TrueSize, InFloat32OnOneCardOf80GiB) {
    const ShardedIndex index = load_onto("80GiB", PrecisionChoice::f32);
    EXPECT_LE(static_cast<double>(card_peak_bytes(0)), 1.02 * 2 * static_cast<double>(wiki_halves));
}

TEST_F(TrueSize, InFloat16OnOneCardOf24GiBAndTheHost) {
    const ShardedIndex index = load_onto("24GiB", PrecisionChoice::f16, "cuda:all,cpu=9GiB");
    EXPECT_EQ(index.plan().used_devices(), 2);
    EXPECT_GT(index.plan().devices[0].rows.count(), 2 * index.plan().devices[1].rows.count());
}

}  // namespace
}  // namespace gpushard::test
