#include <algorithm>
#include <optional>
#include <string>
#include <tuple>

#include <gpushard/error.hpp>
#include <gpushard/placement_planner.hpp>

#include "core/plan_request.hpp"
#include "core/try_plan.hpp"

namespace gpushard {
namespace {

void validate_most_cards(int max_cards) {
    constexpr int most_cards = 1024;
    if (max_cards < 1 || max_cards > most_cards) {
        throw out_of_range("largest number of cards", max_cards, "1 to " + std::to_string(most_cards));
    }
}

/// The plan on the fewest of `card`, at most `max_cards`; nothing where those do not suffice. A further card never
/// makes a plan impossible, so the number is found by halving.
std::optional<PlacementPlan> plan_on_fewest(const IndexProfile& index, const KnownCard& card,
                                            const PlanOptions& options, int max_cards) {
    std::optional<PlacementPlan> smallest;
    int too_few = std::max(options.min_devices, options.replicas) - 1;
    int enough = max_cards + 1;
    while (enough - too_few > 1) {
        const int middle = too_few + (enough - too_few) / 2;
        const std::vector<DeviceInfo> rig(static_cast<std::size_t>(middle), describe(card));
        if (auto plan = try_plan(index, rig, options)) {
            smallest = std::move(plan);
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    return smallest;
}

int cards_of(const PlacementPlan& plan) { return static_cast<int>(plan.devices.size()) - (plan.spilled ? 1 : 0); }

Bytes memory_of(const KnownCard& card, int count) {
    return checked_multiply(static_cast<Bytes>(count), card.total_bytes);
}

bool holds(const KnownCard& card, Precision precision) { return precision != Precision::bf16 || card.holds_bfloat16; }

/// The options of one precision of a fit.
PlanOptions at_precision(const PlanOptions& options, Precision precision) {
    PlanOptions one = options;
    switch (precision) {
        case Precision::f32:
            one.precision = PrecisionChoice::f32;
            break;
        case Precision::f16:
            one.precision = PrecisionChoice::f16;
            break;
        case Precision::bf16:
            one.precision = PrecisionChoice::bf16;
            break;
    }
    return one;
}

std::vector<Precision> precisions_to_fit(const IndexProfile& index, const PlanOptions& options) {
    if (options.precision != PrecisionChoice::stored) return precisions_to_try(index, options);
    return {Precision::f32, Precision::f16, Precision::bf16};
}

FittingRig describe_fit(const KnownCard& card, const PlacementPlan& plan) {
    FittingRig rig;
    rig.card = card;
    rig.count = cards_of(plan);
    rig.precision = plan.precision;
    rig.memory_bytes = memory_of(card, rig.count);
    rig.headroom_bytes = card.total_bytes;
    for (const ShardPlacement& shard : plan.devices) {
        const Bytes peak = shard.memory.peak();
        if (shard.device.kind == DeviceKind::cpu) {
            rig.host_bytes = checked_add(rig.host_bytes, peak);
            continue;
        }
        rig.peak_bytes = std::max(rig.peak_bytes, peak);
        rig.total_bytes = checked_add(rig.total_bytes, peak);
        rig.headroom_bytes = std::min(rig.headroom_bytes, shard.usable_bytes() - peak);
    }
    return rig;
}

}  // namespace

std::string FittingRig::spec() const { return std::to_string(count) + "x" + card.name; }

std::vector<RigSuggestion> suggest_rigs(const IndexProfile& index, const PlanOptions& requested, int max_cards) {
    PlanOptions options = requested;
    options.spill_bytes = 0;  // a rig that holds the index needs none
    validate_request(index, options);
    validate_most_cards(max_cards);
    std::vector<RigSuggestion> suggestions;
    if (!card_searches(index.metric)) return suggestions;
    for (const KnownCard& card : offered_cards()) {
        const std::optional<PlacementPlan> plan = plan_on_fewest(index, card, options, max_cards);
        if (!plan) continue;
        suggestions.push_back({.card = card, .count = cards_of(*plan), .peak_bytes = largest_peak(*plan)});
    }
    std::stable_sort(suggestions.begin(), suggestions.end(), [](const RigSuggestion& a, const RigSuggestion& b) {
        return std::make_pair(memory_of(a.card, a.count), a.count) <
               std::make_pair(memory_of(b.card, b.count), b.count);
    });
    return suggestions;
}

RigFit fit_rigs(const IndexProfile& index, const PlanOptions& requested, int max_cards) {
    RigFit fit{.index = index, .options = requested, .max_cards = max_cards, .rigs = {}};
    PlanOptions& options = fit.options;
    if (options.replicas > 1 && options.strategy == Strategy::balanced) options.strategy = Strategy::replicate;
    validate_request(index, options);
    validate_spill({}, options);
    validate_most_cards(max_cards);
    if (!card_searches(index.metric)) {
        throw InvalidArgument("cards cannot search by " + to_string(index.metric) + ", so none of them fits",
                              {"--devices cpu searches by every metric of Faiss"});
    }
    for (const KnownCard& card : offered_cards()) {
        for (const Precision precision : precisions_to_fit(index, options)) {
            if (!holds(card, precision)) continue;
            const auto plan = plan_on_fewest(index, card, at_precision(options, precision), max_cards);
            if (plan) fit.rigs.push_back(describe_fit(card, *plan));
        }
    }
    const auto key = [](const FittingRig& rig) {
        return std::tie(rig.count, rig.memory_bytes, rig.card.name, rig.precision);
    };
    std::sort(fit.rigs.begin(), fit.rigs.end(),
              [&](const FittingRig& a, const FittingRig& b) { return key(a) < key(b); });
    return fit;
}

}  // namespace gpushard
