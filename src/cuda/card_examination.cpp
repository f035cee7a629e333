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

/// Whether both are the same card, as far as both tell.
bool same_card(const DeviceInfo& visible, const DeviceInfo& installed) {
    if (!visible.uuid.empty() && visible.uuid == installed.uuid) return true;
    return !visible.pci.empty() && visible.pci == installed.pci;
}

bool tells_who_it_is(const CardFacts& card) { return !card.info.uuid.empty() || !card.info.pci.empty(); }

/// Adds to a visible card what the driver tells of it.
void complete(CardFacts& visible, const CardFacts& installed) {
    visible.driver_index = installed.driver_index;
    visible.health = installed.health;
    if (visible.failure.empty()) visible.failure = installed.failure;
    if (tells_who_it_is(visible)) return;
    visible.info.name = installed.info.name;
    visible.info.uuid = installed.info.uuid;
    visible.info.pci = installed.info.pci;
}

/// Completes the visible cards, and leaves in `installed` those that CUDA does not show.
void match(std::vector<CardFacts>& visible, std::vector<CardFacts>& installed) {
    std::vector<CardFacts*> unmatched;
    for (CardFacts& card : visible) {
        const auto found = std::find_if(installed.begin(), installed.end(),
                                        [&](const CardFacts& other) { return same_card(card.info, other.info); });
        if (found != installed.end()) {
            complete(card, *found);
            installed.erase(found);
        } else if (!card.failure.empty()) {
            unmatched.push_back(&card);
        }
    }
    // A card that fails may not tell CUDA, or the driver, who it is: it must be the one that is left.
    if (unmatched.size() != installed.size()) return;
    for (std::size_t i = 0; i < unmatched.size(); ++i) {
        if (tells_who_it_is(*unmatched[i]) && tells_who_it_is(installed[i])) return;
    }
    for (std::size_t i = 0; i < unmatched.size(); ++i) complete(*unmatched[i], installed[i]);
    installed.clear();
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
    for (int ordinal = 0; ordinal < count; ++ordinal) cards.push_back(examine(ordinal, count));
    match(cards, facts.cards);
    cards.insert(cards.end(), facts.cards.begin(), facts.cards.end());
    facts.cards = std::move(cards);
    return facts;
}

}  // namespace gpushard
