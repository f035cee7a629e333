// What stock Faiss allocates for FlashRAG's wiki index at a tenth of its rows, counted, beside the formulas and beside
// simulate_stock_faiss. The temp stack of 1.5 GiB does not shrink with the index: a card of C GiB is stood for by one
// that has (C - 1.5) / 10 + 1.5 free.
#include <memory>
#include <vector>

#include <faiss/gpu/GpuCloner.h>
#include <faiss/gpu/StandardGpuResources.h>
#include <faiss/impl/FaissException.h>
#include <gmock/gmock.h>

#include <gpushard/stock_faiss.hpp>

#include "simcuda/tests/index_of_zeros.hpp"
#include "simcuda/tests/simulated_rig.hpp"
#include "support/wiki_index.hpp"

namespace gpushard {
namespace {

using test::card_bytes;
using test::card_peak_bytes;
using testing::HasSubstr;

constexpr Bytes count = 2'101'532;
constexpr Bytes dim = 768;
constexpr Bytes f32_bytes = 4 * count * dim;
constexpr Bytes f16_bytes = 2 * count * dim;
constexpr Bytes stack = 1536_MiB;

constexpr Bytes rounded(Bytes bytes) { return (bytes + 255) / 256 * 256; }

/// Free bytes of a card that stands for one of so many GiB.
Bytes tenth_of(double gib) { return static_cast<Bytes>((gib - 1.5) / 10 * static_cast<double>(1_GiB)) + stack; }

/// Loads the index as users of stock Faiss do, on as many cards as the rig has.
class StockLoad {
public:
    /// `free_bytes` of every card; all are large enough for the full temp stack.
    StockLoad(const std::vector<Bytes>& free_bytes, Precision precision) : rig_(rig_with(free_bytes)) {
        std::string text;
        for (const DeviceInfo& card : rig_) {
            text += (text.empty() ? "" : ",") + std::to_string(card.total_bytes) +
                    "B:used=" + std::to_string(card.total_bytes - card.free_bytes) + "B";
        }
        test::set_simulated_cards(text);
        prediction_ = simulate_stock_faiss(test::flat_index(count, dim), precision, rig_);
        load(precision);
    }
    StockLoad(const StockLoad&) = delete;
    StockLoad& operator=(const StockLoad&) = delete;
    ~StockLoad() {
        index_.reset();
        resources_.clear();
        for (int card = 0; card < static_cast<int>(rig_.size()); ++card) {
            cudaSetDevice(card);
            cudaDeviceReset();  // what the cloner leaks
        }
    }

    const std::string& message() const { return message_; }  ///< of the exception; empty where it loads
    const StockFaissOutcome& prediction() const { return prediction_; }

    void expect_as_predicted() const {
        EXPECT_EQ(prediction_.outcome == StockFaissOutcome::Kind::fails, !message_.empty()) << message_;
        for (std::size_t card = 0; card < rig_.size(); ++card) {
            EXPECT_EQ(prediction_.peak_bytes[card], card_peak_bytes(static_cast<int>(card))) << "card " << card;
            EXPECT_EQ(prediction_.held_bytes[card], card_bytes(static_cast<int>(card))) << "card " << card;
        }
    }

private:
    static std::vector<DeviceInfo> rig_with(const std::vector<Bytes>& free_bytes) {
        std::vector<DeviceInfo> rig;
        for (const Bytes bytes : free_bytes) {
            DeviceInfo card;
            card.spec = "cuda:" + std::to_string(rig.size());
            card.kind = DeviceKind::cuda;
            card.free_bytes = bytes;
            card.total_bytes = bytes + 8_GiB;  // above 8 GiB Faiss takes its full temp stack
            rig.push_back(card);
        }
        return rig;
    }

    void load(Precision precision) {
        const faiss::IndexFlat index = test::index_of_zeros(count, dim);
        faiss::gpu::GpuMultipleClonerOptions options;
        options.useFloat16 = precision == Precision::f16;
        options.shard = true;
        std::vector<faiss::gpu::GpuResourcesProvider*> providers;
        std::vector<int> devices;
        for (std::size_t card = 0; card < rig_.size(); ++card) {
            resources_.push_back(std::make_unique<faiss::gpu::StandardGpuResources>());
            providers.push_back(resources_.back().get());
            devices.push_back(static_cast<int>(card));
        }
        try {
            index_.reset(faiss::gpu::index_cpu_to_gpu_multiple(providers, devices, &index, &options));
        } catch (const faiss::FaissException& error) {
            message_ = error.what();
        }
    }

    std::vector<DeviceInfo> rig_;
    StockFaissOutcome prediction_;
    std::vector<std::unique_ptr<faiss::gpu::StandardGpuResources>> resources_;
    std::unique_ptr<faiss::Index> index_;
    std::string message_;
};

TEST(StockFaissCounted, OneCardOf75Float16FailsOnTheConvertedCopy) {
    const StockLoad load({tenth_of(74.5)}, Precision::f16);
    EXPECT_THAT(load.message(), HasSubstr("alloc fail type TemporaryMemoryOverflow dev 0 space Device"));
    EXPECT_THAT(load.message(), HasSubstr("size " + std::to_string(f16_bytes) + " bytes"));
    EXPECT_EQ(load.prediction().failed_request_bytes, f16_bytes);
    EXPECT_EQ(card_peak_bytes(0), stack + f32_bytes);
    EXPECT_EQ(card_bytes(0), stack);
    load.expect_as_predicted();
}

TEST(StockFaissCounted, OneCardOf200Float16PeaksAtFourTimesItsVectors) {
    const StockLoad load({tenth_of(200)}, Precision::f16);
    EXPECT_EQ(load.message(), "");
    EXPECT_EQ(card_peak_bytes(0), 4 * f16_bytes + stack);
    EXPECT_EQ(card_bytes(0), f16_bytes + rounded(4 * count) + stack);
    EXPECT_EQ(test::card_bytes_copied(test::CopyDirection::to_card, 0), f32_bytes);
    load.expect_as_predicted();
}

TEST(StockFaissCounted, OneCardOf75Float32Loads) {
    const StockLoad load({tenth_of(74.5)}, Precision::f32);
    EXPECT_EQ(load.message(), "");
    EXPECT_EQ(card_peak_bytes(0), f32_bytes + rounded(4 * count) + stack);
    EXPECT_EQ(card_bytes(0), card_peak_bytes(0));
    load.expect_as_predicted();
}

TEST(StockFaissCounted, FourCardsOf40Float16AddInPages) {
    const StockLoad load(std::vector<Bytes>(4, tenth_of(40)), Precision::f16);
    EXPECT_EQ(load.message(), "");
    constexpr Bytes rows = count / 4;
    constexpr Bytes page = 32'768;
    constexpr Bytes pages = (rows + page - 1) / page;
    for (int card = 0; card < 4; ++card) {
        EXPECT_EQ(card_bytes(card), 2 * rows * dim + rounded(4 * rows) + stack) << card;
        EXPECT_EQ(card_peak_bytes(card), card_bytes(card) + 4 * (pages - 1) * page)
            << "the norms before the last page, on card " << card;
        EXPECT_EQ(test::card_calls("cudaMalloc", card), pages + 2) << "the stack, the vectors, norms for every page";
        // Every row goes up once in float32, and once more is copied on the card: three times what stays.
        EXPECT_EQ(test::card_bytes_copied(test::CopyDirection::to_card, card), 4 * rows * dim) << card;
        EXPECT_EQ(test::card_bytes_copied(test::CopyDirection::between_cards, card), 2 * rows * dim) << card;
    }
    load.expect_as_predicted();
}

TEST(StockFaissCounted, AFullThirdCardFailsAndTheFirstTwoKeepTheirShards) {
    const StockLoad load({tenth_of(60), tenth_of(20), tenth_of(3), tenth_of(10)}, Precision::f16);
    constexpr Bytes rows = count / 4;
    EXPECT_THAT(load.message(), HasSubstr("alloc fail type FlatData dev 2"));
    EXPECT_THAT(load.message(), HasSubstr("size " + std::to_string(2 * rows * dim) + " bytes"));
    for (const int card : {0, 1}) EXPECT_EQ(card_bytes(card), 2 * rows * dim + rounded(4 * rows) + stack) << card;
    EXPECT_EQ(card_bytes(2), stack);
    EXPECT_EQ(card_bytes(3), 0U) << "Faiss did not come to the fourth";
    load.expect_as_predicted();
}

}  // namespace
}  // namespace gpushard
