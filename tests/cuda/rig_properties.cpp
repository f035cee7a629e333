// Random rigs and indexes: what was planned beside what was counted.

#include <algorithm>
#include <cstdlib>
#include <cuda_runtime_api.h>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <gpushard/cuda/cuda_device.hpp>

#include "core/card_memory.hpp"
#include "cuda/card_rig.hpp"

namespace gpushard::test {
namespace {

/// An index of so many zeros in memory that nobody allocates.
class ZeroSource final : public ByteSource {
public:
    ZeroSource(std::int64_t count, std::int32_t dim, Metric metric)
        : header_(flat_index_header(count, dim, metric)),
          size_(header_.size() + static_cast<Bytes>(count) * static_cast<Bytes>(dim) * sizeof(float)) {}

    std::string name() const override { return "zeros"; }
    Bytes size() const override { return size_; }

private:
    void read_bytes(Bytes offset, void* destination, std::size_t count) const override {
        std::fill_n(static_cast<char*>(destination), count, '\0');
        if (offset >= header_.size()) return;
        std::copy_n(header_.data() + offset, std::min<std::size_t>(count, header_.size() - offset),
                    static_cast<char*>(destination));
    }

    std::string header_;
    Bytes size_;
};

struct RandomRig {
    std::string cards;
    int count = 0;
};

RandomRig random_rig() {
    // Always as many cards: CUB, inside Faiss, asks for their number once in a process. Some are too small for anything.
    RandomRig rig;
    rig.count = 5;
    for (int card = 0; card < rig.count; ++card) {
        const int mib = *rc::gen::oneOf(rc::gen::inRange(1, 4), rc::gen::inRange(4, 48));
        const int used = *rc::gen::inRange(0, mib / 2);
        const int context = *rc::gen::inRange(0, mib / 2 + 1);
        rig.cards += (card > 0 ? "," : "") + std::to_string(mib) + "MiB:used=" + std::to_string(used) +
                     "MiB:context=" + std::to_string(context) + "MiB";
    }
    return rig;
}

/// The cards as a plan sees them that knows every byte: what others hold and the context are typed.
std::vector<DeviceInfo> measured_cards(int count) {
    std::vector<DeviceInfo> cards;
    for (int card = 0; card < count; ++card) {
        std::size_t free = 0;
        std::size_t total = 0;
        EXPECT_EQ(cudaSetDevice(card), cudaSuccess);
        EXPECT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
        DeviceInfo info;
        info.spec = "cuda:" + std::to_string(card);
        info.name = "a card";
        info.kind = DeviceKind::cuda;
        info.total_bytes = total;
        info.free_bytes = free;
        info.context_bytes = 0;  // exists by now
        info.bytes_per_second = 1e12;
        cards.push_back(info);
    }
    EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
    return cards;
}

/// Whether the card has room for what a shard of `rows` would allocate, one cudaMalloc after another.
bool counted_fit(int card, const ShardWorkload& workload, std::int64_t rows) {
    const ShardMemory memory = shard_memory(workload, rows, smallest_tile(workload, rows));
    const Bytes norms = workload.metric == Metric::l2 ? card_rounded(static_cast<Bytes>(rows) * sizeof(float)) : 0;
    std::vector<void*> taken;
    bool fits = cudaSetDevice(card) == cudaSuccess;
    for (const Bytes bytes : {memory.fixed, memory.resident - norms, norms}) {
        if (bytes == 0 || !fits) continue;
        void* address = nullptr;
        fits = cudaMalloc(&address, bytes) == cudaSuccess;
        if (fits) taken.push_back(address);
    }
    for (void* const address : taken) EXPECT_EQ(cudaFree(address), cudaSuccess);
    cudaGetLastError();
    return fits;
}

/// As many rigs, unless RC_PARAMS says otherwise; read when the first property runs.
[[maybe_unused]] const int rigs_are_many = ::setenv("RC_PARAMS", "max_success=1000", 0);

class CardProperties : public SimulatedRig {};

RC_GTEST_FIXTURE_PROP(CardProperties, PlansAreKeptAndNotMuchTooHigh, ()) {
    if (!simulated_cards_are_there()) return;  // a skipped fixture does not keep the property from running
    const RandomRig rig = random_rig();
    set_simulated_cards(rig.cards);
    const std::vector<DeviceInfo> cards = measured_cards(rig.count);
    const auto metric = *rc::gen::element(Metric::inner_product, Metric::l2);
    const auto dim = *rc::gen::inRange<std::int32_t>(1, 200);
    PlanOptions options;
    options.reserve_bytes = 0;
    options.precision = *rc::gen::element(PrecisionChoice::f32, PrecisionChoice::f16);
    options.max_batch = *rc::gen::element<std::int64_t>(1, 16, 256, 1000);
    options.k = *rc::gen::element<std::int64_t>(1, 10, 100, 1000);
    options.strategy = *rc::gen::element(Strategy::balanced, Strategy::proportional, Strategy::fewest);
    const Precision precision = options.precision == PrecisionChoice::f32 ? Precision::f32 : Precision::f16;
    Bytes free = 0;
    for (const DeviceInfo& card : cards) free += card.free_bytes;
    // From a tenth of what the cards have free to a little more than all of it.
    const auto most = static_cast<std::int64_t>(free / (static_cast<Bytes>(dim) * element_bytes(precision)) * 11 / 10);
    const std::int64_t count = *rc::gen::inRange<std::int64_t>(std::max<std::int64_t>(1, most / 10), most + 2);

    const auto source = std::make_shared<ZeroSource>(count, dim, metric);
    const IndexProfile profile = inspect_index(*source);
    const ShardWorkload workload{.kind = DeviceKind::cuda,
                                 .precision = precision,
                                 .metric = metric,
                                 .dim = dim,
                                 .k = options.k,
                                 .max_batch = options.max_batch};
    PlacementPlan plan;
    try {
        plan = plan_placement(profile, cards, options);
    } catch (const InsufficientMemory&) {
        // The most that each card can count is less than the index.
        std::int64_t room = 0;
        for (std::size_t card = 0; card < cards.size(); ++card) {
            const std::int64_t rows = rows_within(workload, cards[card].free_bytes, count);
            if (rows > 0) RC_ASSERT(counted_fit(static_cast<int>(card), workload, rows));
            if (rows < count) RC_ASSERT(!counted_fit(static_cast<int>(card), workload, rows + 1));
            room += rows;
        }
        RC_ASSERT(room < count);
        RC_TAG("refused");
        return;
    }
    RC_TAG("loaded");
    reset_card_peaks();
    std::vector<std::shared_ptr<Device>> devices;
    for (const ShardPlacement& placement : plan.devices) {
        devices.push_back(placement.rows.count() > 0 ? std::shared_ptr<Device>(make_cuda_device(placement.device))
                                                     : nullptr);
    }
    const ShardedIndex index = load(plan, source, std::move(devices));
    for (std::size_t card = 0; card < cards.size(); ++card) {
        const Bytes planned = plan.devices[card].memory.load_peak();
        const Bytes counted = card_peak_bytes(static_cast<int>(card));
        RC_ASSERT(counted <= planned);
        RC_ASSERT(static_cast<double>(planned) <= 1.03 * static_cast<double>(counted));
    }
    index.search(3, std::vector<float>(static_cast<std::size_t>(3 * dim), 0.5F).data(), options.k);
    for (std::size_t card = 0; card < cards.size(); ++card) {
        RC_ASSERT(card_peak_bytes(static_cast<int>(card)) <= plan.devices[card].memory.search_peak());
    }
}

}  // namespace
}  // namespace gpushard::test
