#include "device/card_name.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "core/ascii.hpp"
#include "device/device_name.hpp"
#include "device/device_spec.hpp"
#include "device/edit_distance.hpp"

namespace gpushard {
namespace {

using Words = std::vector<std::string>;

/// Words that tell no card from another: the driver's names have them.
constexpr std::array<std::string_view, 33> filler = {
    "nvidia", "geforce", "tesla", "gpu",         "gpus",    "graphics", "card",   "cards",      "sxm",
    "sxm2",   "sxm3",    "sxm4",  "sxm5",        "sxm6",    "pcie",     "pci",    "hbm2",       "hbm2e",
    "hbm3",   "hbm3e",   "gddr6", "gddr7",       "edition", "ampere",   "hopper", "generation", "blackwell",
    "server", "turing",  "volta", "workstation", "pascal",  "lovelace"};

/// Letters and digits between anything else, in lower case, without filler.
Words words_of(std::string_view name) {
    Words words;
    std::string word;
    const auto end_word = [&] {
        if (!word.empty() && std::find(filler.begin(), filler.end(), word) == filler.end()) words.push_back(word);
        word.clear();
    };
    for (const unsigned char c : name) {
        if (std::isalnum(c) != 0) {
            word += static_cast<char>(std::tolower(c));
        } else {
            end_word();
        }
    }
    end_word();
    return words;
}

std::string joined(const Words& words) {
    std::string text;
    for (const std::string& word : words) text += word;
    return text;
}

/// "rtx409024" of "rtx409024gb", "...24g" and "...24gib".
std::string without_unit(std::string text) {
    for (const std::string_view unit : {"gib", "gb", "g"}) {
        if (!text.ends_with(unit) || text.size() == unit.size()) continue;
        if (is_digit(text[text.size() - unit.size() - 1])) text.resize(text.size() - unit.size());
        break;
    }
    return text;
}

/// "4090" of "rtx4090" and "a6000" of "rtxa6000": the series is said by what follows.
std::string_view without_series(std::string_view text) {
    for (const std::string_view series : {"rtx", "gtx"}) {
        if (text.starts_with(series) && text.size() > series.size()) return text.substr(series.size());
    }
    return text;
}

/// A card's name in the forms in which it may be typed.
struct Spellings {
    const KnownCard* card = nullptr;
    Words words;       ///< {"rtx", "4090"}
    std::string base;  ///< "rtx4090"
    std::string full;  ///< "rtx409024"
};

const std::vector<Spellings>& catalogue() {
    static const std::vector<Spellings> spellings = [] {
        std::vector<Spellings> all;
        for (const KnownCard& card : known_cards()) {
            // Every name ends in the memory the card is sold with.
            const auto dash = card.name.rfind('-');
            Words words = words_of(card.name.substr(0, dash));
            std::string base = joined(words);
            std::string full = base + without_unit(joined(words_of(card.name.substr(dash + 1))));
            all.push_back({&card, std::move(words), std::move(base), std::move(full)});
        }
        return all;
    }();
    return spellings;
}

template <typename Matches>
std::vector<const KnownCard*> cards_where(Matches matches) {
    std::vector<const KnownCard*> found;
    for (const Spellings& spellings : catalogue()) {
        if (matches(spellings)) found.push_back(spellings.card);
    }
    return found;
}

bool has_all(const Words& words, const Words& wanted) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& word) {
        return std::find(words.begin(), words.end(), word) != words.end();
    });
}

/// The cards that a name means, by the first rule that finds any.
std::vector<const KnownCard*> cards_meant(std::string_view name) {
    const Words words = words_of(name);
    const std::string typed = joined(words);
    if (typed.empty() || std::none_of(typed.begin(), typed.end(), is_digit)) {
        return cards_where([&](const Spellings& card) { return !typed.empty() && card.base == typed; });
    }
    const std::string with_memory = without_unit(typed);
    auto found = cards_where([&](const Spellings& card) { return card.full == with_memory; });
    if (found.empty()) found = cards_where([&](const Spellings& card) { return card.base == typed; });
    const std::string_view bare = without_series(typed);
    const std::string_view bare_with_memory = without_series(with_memory);
    if (found.empty()) {
        found = cards_where([&](const Spellings& card) { return without_series(card.full) == bare_with_memory; });
    }
    if (found.empty()) found = cards_where([&](const Spellings& card) { return without_series(card.base) == bare; });
    if (found.empty()) found = cards_where([&](const Spellings& card) { return has_all(card.words, words); });
    return found;
}

std::string list_of(const std::vector<const KnownCard*>& cards) {
    std::string text;
    for (const KnownCard* card : cards) text += (text.empty() ? "" : ", ") + card->name;
    return text;
}

/// How far `typed` is from a card's name, with or without its memory; 0 where one is part of the other.
std::size_t distance_of(const std::string& typed, const Spellings& card) {
    constexpr std::size_t shortest_part = 3;
    if (typed.size() >= shortest_part && card.full.find(typed) != std::string::npos) return 0;
    if (card.base.size() >= shortest_part && typed.find(card.base) != std::string::npos) return 0;
    return std::min(edit_distance(typed, card.full), edit_distance(typed, card.base));
}

}  // namespace

SimilarCards similar_cards(std::string_view name) {
    constexpr std::size_t most_shown = 6;
    const std::string typed = without_unit(joined(words_of(name)));
    const std::size_t most = tolerated_distance(typed);
    std::vector<std::pair<std::size_t, std::string>> near;
    for (const Spellings& card : catalogue()) {
        const std::size_t distance = typed.empty() ? most + 1 : distance_of(typed, card);
        if (distance <= most) near.emplace_back(distance, card.card->name);
    }
    std::sort(near.begin(), near.end());
    SimilarCards similar;
    for (const auto& [distance, card] : near) {
        if (similar.names.size() < most_shown) similar.names.push_back(card);
    }
    if (!near.empty()) similar.distance = near.front().first;
    return similar;
}

bool is_known_card(std::string_view name) { return !cards_meant(name).empty(); }

const KnownCard& find_known_card(std::string_view name, std::string_view element) {
    const std::vector<const KnownCard*> cards = cards_meant(name);
    if (cards.empty()) refuse_unknown_name(name, element);
    if (cards.size() > 1) throw bad_device(element, "could be any of " + list_of(cards) + ", expected one of them");
    return *cards.front();
}

}  // namespace gpushard
