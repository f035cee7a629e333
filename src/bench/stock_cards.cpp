#include "bench/stock_cards.hpp"

#include <algorithm>

#include <faiss/gpu/GpuCloner.h>
#include <faiss/index_io.h>

#include "cuda/cuda_inventory.hpp"

namespace gpushard::bench {
namespace {

/// Several logical devices on one card are one card to Faiss.
std::vector<int> cards_of(const PlacementPlan& plan) {
    std::vector<int> cards;
    for (const ShardPlacement& placement : plan.devices) {
        if (placement.rows.count() == 0) continue;
        const int card = ordinal_of_card(placement.device);
        if (std::find(cards.begin(), cards.end(), card) == cards.end()) cards.push_back(card);
    }
    return cards;
}

}  // namespace

StockCards::StockCards(const std::filesystem::path& file, const PlacementPlan& plan) {
    std::vector<int> cards = cards_of(plan);
    std::vector<faiss::gpu::GpuResourcesProvider*> providers;
    for (std::size_t i = 0; i < cards.size(); ++i) {
        resources_.push_back(std::make_unique<faiss::gpu::StandardGpuResources>());
        providers.push_back(resources_.back().get());
    }
    faiss::gpu::GpuMultipleClonerOptions options;
    options.shard = true;
    options.useFloat16 = plan.precision != Precision::f32;

    const std::unique_ptr<faiss::Index> whole(faiss::read_index(file.c_str()));
    index_.reset(cards.size() == 1
                     ? faiss::gpu::index_cpu_to_gpu(providers.front(), cards.front(), whole.get(), &options)
                     : faiss::gpu::index_cpu_to_gpu_multiple(providers, cards, whole.get(), &options));
}

}  // namespace gpushard::bench
