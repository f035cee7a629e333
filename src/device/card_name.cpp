#include "device/card_name.hpp"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <vector>

#include "device/device_spec.hpp"

namespace gpushard {
namespace {

/// Lower case, letters and digits only.
std::string comparable(std::string_view name) {
    std::string letters;
    for (const unsigned char c : name) {
        if (std::isalnum(c) != 0) letters += static_cast<char>(std::tolower(c));
    }
    return letters;
}

/// "A100" of "A100-40GB"; the whole name where it does not end in a memory size.
std::string_view without_memory(std::string_view name) {
    const auto dash = name.rfind('-');
    if (dash == std::string_view::npos) return name;
    const std::string_view suffix = name.substr(dash + 1);
    const bool is_memory = suffix.size() > 2 && suffix.substr(suffix.size() - 2) == "GB" &&
                           all_digits(suffix.substr(0, suffix.size() - 2));
    return is_memory ? name.substr(0, dash) : name;
}

/// Letters to insert, delete or replace to turn one text into the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

/// How far `typed` is from a card's name, with or without its memory; 0 where one is part of the other.
std::size_t name_distance(const std::string& typed, const KnownCard& card) {
    const std::string full = comparable(card.name);
    const std::string base = comparable(without_memory(card.name));
    if (typed.size() >= 2 && full.find(typed) != std::string::npos) return 0;
    if (typed.find(base) != std::string::npos) return 0;
    return std::min(edit_distance(typed, full), edit_distance(typed, base));
}

std::string join(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

std::vector<std::string> similar_names(const std::string& typed) {
    constexpr std::size_t most_shown = 6;
    constexpr std::size_t largest_distance = 2;
    std::vector<std::pair<std::size_t, std::string>> candidates;
    for (const KnownCard& card : known_cards()) {
        const std::size_t distance = name_distance(typed, card);
        if (distance <= largest_distance) candidates.emplace_back(distance, card.name);
    }
    std::sort(candidates.begin(), candidates.end());
    std::vector<std::string> names;
    for (const auto& [distance, name] : candidates) {
        if (names.size() < most_shown) names.push_back(name);
    }
    return names;
}

InvalidArgument unknown_card(const std::string& typed, std::string_view element) {
    std::vector<std::string> all;
    for (const KnownCard& card : known_cards()) all.push_back(card.name);
    const std::vector<std::string> similar = similar_names(typed);
    const std::string expected =
        similar.empty() ? "expected cuda:all, cuda:N, a PCI id, a UUID, cpu, cpu=SIZE, any, @rig.json or a known card"
                        : "did you mean " + join(similar) + "?";
    return bad_device(element, "is unknown, " + expected, {"known cards: " + join(all)});
}

}  // namespace

const KnownCard& find_known_card(std::string_view name, std::string_view element) {
    const std::string typed = comparable(name);
    std::vector<const KnownCard*> same_base;
    for (const KnownCard& card : known_cards()) {
        if (comparable(card.name) == typed) return card;
        if (comparable(without_memory(card.name)) == typed) same_base.push_back(&card);
    }
    if (same_base.empty()) throw unknown_card(typed, element);
    if (same_base.size() > 1) {
        std::vector<std::string> names;
        for (const KnownCard* card : same_base) names.push_back(card->name);
        throw bad_device(element, "could be any of " + join(names) + ", expected one of them");
    }
    return *same_base.front();
}

CountedName split_count(std::string_view name, std::string_view element) {
    const auto x = name.find_first_of("xX");
    if (x == std::string_view::npos || x + 1 == name.size() || !all_digits(name.substr(0, x))) {
        return {1, std::string(name)};
    }
    return {parse_repeat(name.substr(0, x), element), std::string(name.substr(x + 1))};
}

}  // namespace gpushard
