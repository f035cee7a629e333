#include "core/likely_bandwidth.hpp"

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

namespace gpushard {
namespace {

/// What a current data centre card has, and the host's.
constexpr double assumed_card_bytes_per_second = 2e12;
constexpr double assumed_host_bytes_per_second = 25e9;

/// Letters and digits between anything else, in lower case: {"nvidia", "a100", "sxm4", "40gb"}.
std::set<std::string> words_of(std::string_view name) {
    std::set<std::string> words;
    std::string word;
    for (const unsigned char c : name) {
        if (std::isalnum(c) != 0) {
            word += static_cast<char>(std::tolower(c));
        } else if (!word.empty()) {
            words.insert(std::move(word));
            word.clear();
        }
    }
    if (!word.empty()) words.insert(std::move(word));
    return words;
}

/// The words of "A100-40GB" but its memory, which is compared in bytes.
std::set<std::string> model_words(const KnownCard& card) {
    return words_of(std::string_view(card.name).substr(0, card.name.rfind('-')));
}

Bytes distance(Bytes a, Bytes b) { return a > b ? a - b : b - a; }

}  // namespace

double likely_bytes_per_second(const DeviceInfo& device) {
    if (device.kind == DeviceKind::cpu) return assumed_host_bytes_per_second;
    const std::set<std::string> words = words_of(device.name + " " + device.spec);
    const KnownCard* best = nullptr;
    const auto fit = [&](const KnownCard& card) {
        return std::make_tuple(model_words(card).size(),
                               -static_cast<double>(distance(card.total_bytes, device.total_bytes)));
    };
    for (const KnownCard& card : known_cards()) {
        const std::set<std::string> model = model_words(card);
        if (!std::includes(words.begin(), words.end(), model.begin(), model.end())) continue;
        if (best == nullptr || fit(card) > fit(*best)) best = &card;
    }
    return best != nullptr ? best->bytes_per_second : assumed_card_bytes_per_second;
}

}  // namespace gpushard
