#include "cuda/card_examination.hpp"

#include <algorithm>
#include <cuda_runtime_api.h>

#include <gpushard/error.hpp>

#include "cuda/card_fitness.hpp"
#include "cuda/cuda_inventory.hpp"
#include "cuda/no_cards_probe.hpp"
#include "cuda/own_device_code.hpp"

namespace gpushard {
namespace {

CardFacts examine(int ordinal, int count) {
    CardFacts card;
    card.visible = true;
    card.info.kind = DeviceKind::cuda;
    card.info.spec = "cuda:" + std::to_string(ordinal);
    try {
        card.info = identify_card(ordinal);
        card.info = describe_visible_card(ordinal, count);
    } catch (const DeviceError& error) {
        card.failure = error.what();
    }
    return card;
}

/// Whether both are the same card. Of two that do not answer nothing tells otherwise.
bool same_card(const CardFacts& visible, const CardFacts& installed) {
    if (!visible.info.uuid.empty() && visible.info.uuid == installed.info.uuid) return true;
    if (!visible.info.pci.empty() && !installed.info.pci.empty()) return visible.info.pci == installed.info.pci;
    return !visible.failure.empty() && !installed.failure.empty();
}

/// Takes what the driver tells of the visible card out of `installed`, if it is there.
void add_what_the_driver_tells(CardFacts& visible, std::vector<CardFacts>& installed) {
    const auto found = std::find_if(installed.begin(), installed.end(),
                                    [&](const CardFacts& card) { return same_card(visible, card); });
    if (found == installed.end()) return;
    visible.driver_index = found->driver_index;
    visible.health = found->health;
    if (visible.failure.empty()) visible.failure = found->failure;
    installed.erase(found);
}

}  // namespace

GpuFacts examine_cards(const std::filesystem::path& root) {
    GpuFacts facts = read_gpu_facts(root);
    facts.compiled_in = true;
    facts.simulated = cards_are_simulated();
    facts.faiss_code = faiss_device_code();
    facts.faiss_risk = gpu_risk_of_faiss();
    facts.risk_allowed = risk_on_cards_is_allowed();
    int count = 0;
    const cudaError_t error = cudaGetDeviceCount(&count);
    cudaGetLastError();
    add_runtime_facts(facts.machine, error);
    if (error != cudaSuccess || count < 1) return facts;
    facts.machine.runtime_error.clear();
    std::vector<CardFacts> cards;
    for (int ordinal = 0; ordinal < count; ++ordinal) {
        cards.push_back(examine(ordinal, count));
        add_what_the_driver_tells(cards.back(), facts.cards);
    }
    cards.insert(cards.end(), facts.cards.begin(), facts.cards.end());
    facts.cards = std::move(cards);
    return facts;
}

}  // namespace gpushard
