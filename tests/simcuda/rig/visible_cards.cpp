#include "rig/visible_cards.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <set>

#include "rig/text.hpp"

namespace simcuda {
namespace {

std::optional<int> card_by_uuid(const std::vector<CardSpec>& cards, std::string_view beginning) {
    std::optional<int> found;
    for (std::size_t i = 0; i < cards.size(); ++i) {
        if (!cards[i].uuid.starts_with(beginning)) continue;
        if (found) return std::nullopt;
        found = static_cast<int>(i);
    }
    return found;
}

std::optional<int> card_named(const std::vector<CardSpec>& cards, const std::vector<int>& enumerated,
                              std::string_view entry) {
    if (entry.starts_with("GPU-") || entry.starts_with("MIG-")) return card_by_uuid(cards, entry);
    int ordinal = -1;
    const auto [end, error] = std::from_chars(entry.data(), entry.data() + entry.size(), ordinal);
    if (error != std::errc() || end != entry.data() + entry.size()) return std::nullopt;
    if (ordinal < 0 || ordinal >= static_cast<int>(enumerated.size())) return std::nullopt;
    return enumerated[static_cast<std::size_t>(ordinal)];
}

}  // namespace

std::vector<int> cards_by_pci(const std::vector<CardSpec>& cards) {
    std::vector<int> places(cards.size());
    std::iota(places.begin(), places.end(), 0);
    std::sort(places.begin(), places.end(), [&](int a, int b) {
        return parse_pci(cards[static_cast<std::size_t>(a)].pci) < parse_pci(cards[static_cast<std::size_t>(b)].pci);
    });
    return places;
}

std::vector<int> visible_cards(const std::vector<CardSpec>& cards, const std::optional<std::string>& visible_devices,
                               const std::optional<std::string>& order) {
    std::vector<int> enumerated = cards_by_pci(cards);
    if (order != "PCI_BUS_ID") std::iota(enumerated.begin(), enumerated.end(), 0);
    if (!visible_devices) return enumerated;

    std::vector<int> visible;
    for (const std::string& entry : split(*visible_devices, ',')) {
        const auto card = card_named(cards, enumerated, trimmed(entry));
        if (!card) break;
        visible.push_back(*card);
    }
    const std::set<int> distinct(visible.begin(), visible.end());
    if (distinct.size() != visible.size()) visible.clear();
    return visible;
}

}  // namespace simcuda
