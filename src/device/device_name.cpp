#include "device/device_name.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <optional>
#include <vector>

#include <gpushard/error.hpp>

#include "core/ascii.hpp"
#include "device/card_name.hpp"
#include "device/device_spec.hpp"
#include "device/edit_distance.hpp"
#include "device/other_accelerators.hpp"
#include "device/pci_id.hpp"

namespace gpushard {
namespace {

using Kind = DeviceName::Kind;

constexpr Bytes smallest_card = 1_MiB;

/// Words that name devices, without spaces and in lower case, and how each is best written.
struct Keyword {
    std::string_view word;
    Kind kind;
    std::string_view spelling;
};
constexpr Keyword keywords[] = {
    {"cuda:all", Kind::all_cards, "cuda:all"},
    {"cuda", Kind::all_cards, "cuda:all"},
    {"cuda:*", Kind::all_cards, "cuda:all"},
    {"gpu", Kind::all_cards, "cuda:all"},
    {"gpus", Kind::all_cards, "cuda:all"},
    {"gpu:all", Kind::all_cards, "cuda:all"},
    {"gpu:*", Kind::all_cards, "cuda:all"},
    {"nvidia", Kind::all_cards, "cuda:all"},
    {"nvidia:all", Kind::all_cards, "cuda:all"},
    {"all", Kind::all_cards, "cuda:all"},
    {"any", Kind::any, "any"},
    {"cpu", Kind::host, "cpu"},
    {"cpu:0", Kind::host, "cpu"},
    {"host", Kind::host, "cpu"},
    {"ram", Kind::host, "cpu"},
};

/// Words of other tools that mean something, though not plainly enough to act on.
struct Hint {
    std::string_view word;
    std::string_view spelling;
};
constexpr Hint word_hints[] = {{"auto", "any"},     {"default", "any"}, {"best", "any"}, {"-1", "cpu"},
                               {"none", "cpu"},     {"no", "cpu"},      {"off", "cpu"},  {"false", "cpu"},
                               {"memory", "cpu"},   {"cpus", "cpu"},    {"mem", "cpu"},  {"local", "any"},
                               {"true", "cuda:all"}};

/// Lower case, letters and digits only.
std::string letters_and_digits(std::string_view text) {
    std::string letters;
    for (const unsigned char c : text) {
        if (std::isalnum(c) != 0) letters += static_cast<char>(std::tolower(c));
    }
    return letters;
}

/// "0 1" is two numbers, which 01 is not.
bool has_spaced_digits(std::string_view text) {
    bool digit = false;
    bool space = false;
    for (const char c : text) {
        if (is_digit(c) && digit && space) return true;
        if (is_digit(c)) {
            digit = true;
            space = false;
        } else if (c == ' ' || c == '\t') {
            space = true;
        } else {
            digit = space = false;
        }
    }
    return false;
}

/// A number of any length; what is too large for the type is the largest, which no card has.
std::uint64_t number_of(std::string_view digits) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return error == std::errc{} ? number : std::numeric_limits<std::uint64_t>::max();
}

/// "cuda:0", "gpu 1", "3", "cuda:0-3": NAME[:]N[-N], where the name may be missing.
std::optional<DeviceName> ordinals(std::string_view name, std::string_view element) {
    if (has_spaced_digits(name)) return std::nullopt;
    const std::string compact = compact_lower(name);
    std::string_view rest = compact;
    for (const std::string_view prefix : {"cuda", "gpu", "nvidia"}) {
        if (!rest.starts_with(prefix)) continue;
        rest.remove_prefix(prefix.size());
        if (rest.starts_with(":")) rest.remove_prefix(1);
        break;
    }
    const auto dash = rest.find('-');
    const std::string_view first = rest.substr(0, dash);
    const std::string_view last = dash == std::string_view::npos ? first : rest.substr(dash + 1);
    if (!all_digits(first) || !all_digits(last)) return std::nullopt;
    const DeviceName range{.kind = Kind::ordinals, .text = {}, .first = number_of(first), .last = number_of(last)};
    if (range.first > range.last) {
        throw bad_device(element, "ends before it begins, expected the lower number first, as in cuda:0-3");
    }
    return range;
}

bool is_uuid(std::string_view compact) {
    if (!compact.starts_with("gpu-") && !compact.starts_with("mig-")) return false;
    const std::string_view digits = compact.substr(4);
    return !digits.empty() && digits.find_first_not_of("0123456789abcdef-/gpu") == std::string_view::npos &&
           std::isxdigit(static_cast<unsigned char>(digits.front())) != 0;
}

bool has_unit(std::string_view size) { return std::isalpha(static_cast<unsigned char>(size.back())) != 0; }

/// "20GiB": a card of which only the memory matters. A number without a unit is an ordinal.
std::optional<DeviceName> any_card(const std::string& name, std::string_view element) {
    if (std::isdigit(static_cast<unsigned char>(name.front())) == 0 || !has_unit(name)) return std::nullopt;
    DeviceName card{.kind = Kind::any_card, .text = {}};
    for (const char c : name) {
        if (c != ' ') card.text += c;
    }
    try {
        card.memory = parse_bytes(name);
    } catch (const InvalidArgument&) {
        return std::nullopt;
    }
    if (card.memory < smallest_card) {
        throw bad_device(element, "is a card of " + format_bytes(card.memory) + ", expected at least " +
                                      format_bytes(smallest_card) + ", as in 20GiB");
    }
    return card;
}

void refuse_other_accelerators(std::string_view name, std::string_view element) {
    const auto other = find_other_accelerator(name);
    if (!other) return;
    std::vector<std::string> ways;
    if (other->worth_planning) {
        const std::string size = other->memory > 0 ? std::to_string(other->memory / 1_GiB) + "GiB" : "24GiB";
        const auto count = leading_count(element);
        ways.push_back("to plan by memory alone, name a size" +
                       (other->memory > 0 ? ": --devices " + (count ? std::string(count->digits) + "x" : "") + size
                                          : ", such as --devices " + size));
    }
    ways.emplace_back("use the host: --devices cpu");
    throw bad_device(element, "is " + other->what + "; the cards that Faiss searches on here are those of CUDA",
                     std::move(ways));
}

/// "4090": no machine has so many cards.
bool is_model_number(const std::string& compact) {
    constexpr std::size_t digits_of_a_model = 4;
    return compact.size() == digits_of_a_model && all_digits(compact) && is_known_card(compact);
}

/// What a name would mean as it stands.
std::optional<DeviceName> recognise(std::string_view name, std::string_view element) {
    if (name.front() == '@') return DeviceName{.kind = Kind::rig_file, .text = std::string(name.substr(1))};
    const std::string compact = compact_lower(name);
    for (const Keyword& keyword : keywords) {
        if (compact == keyword.word) return DeviceName{.kind = keyword.kind, .text = {}};
    }
    if (is_model_number(compact)) return DeviceName{.kind = Kind::known_card, .text = compact};
    if (auto cards = ordinals(name, element)) return cards;
    if (is_uuid(compact)) return DeviceName{.kind = Kind::uuid, .text = compact};
    if (auto pci = canonical_pci(compact)) return DeviceName{.kind = Kind::pci, .text = std::move(*pci)};
    if (is_known_card(name)) return DeviceName{.kind = Kind::known_card, .text = std::string(name)};
    refuse_other_accelerators(name, element);
    return any_card(std::string(name), element);
}

bool is_meaningful(std::string_view name) {
    if (name.empty()) return false;
    try {
        return recognise(name, name).has_value();
    } catch (const InvalidArgument&) {
        return false;
    }
}

bool is_all_cards(std::string_view word) {
    return std::any_of(std::begin(keywords), std::end(keywords), [&](const Keyword& keyword) {
        return keyword.kind == Kind::all_cards && compact_lower(word) == keyword.word;
    });
}

/// "cuda:0,cuda:1" of "cuda:0 cuda:1" and "0;1": devices with another sign between them.
std::optional<std::string> with_commas(std::string_view text) {
    for (const std::string_view signs : {";", "|", "+", "/", "&", " "}) {
        std::string list;
        std::size_t devices = 0;
        std::string_view rest = text;
        for (bool more = true; more;) {
            const auto end = rest.find_first_of(signs);
            const std::string_view name = without_outer_spaces(rest.substr(0, end));
            more = end != std::string_view::npos;
            if (more) rest.remove_prefix(end + 1);
            if (name.empty()) continue;
            if (!is_meaningful(name)) {
                devices = 0;
                break;
            }
            const bool continues_word = devices == 1 && all_digits(name) && is_all_cards(list);
            list += (devices++ == 0 ? "" : continues_word ? ":" : ",") + std::string(name);
        }
        if (devices > 1) return list;
    }
    return std::nullopt;
}

/// "cuda:0=24GiB" of "cuda:0:24GiB", "cuda:0@24GiB" and "cuda:0 (24GiB)": a budget with another sign before it.
std::optional<std::string> with_budget(std::string_view text) {
    const auto sign = text.find_last_of(":@ (/");
    if (sign == std::string_view::npos) return std::nullopt;
    std::string_view size = without_outer_spaces(text.substr(sign + 1));
    if (size.ends_with(")")) size.remove_suffix(1);
    const std::string_view name = without_outer_spaces(text.substr(0, sign));
    const bool is_size = !size.empty() && has_unit(size) && is_meaningful(size) && !is_known_card(size);
    const bool is_memory_of_a_card = text[sign] == ' ' && is_known_card(name);
    if (!is_size || is_memory_of_a_card || !is_meaningful(name)) return std::nullopt;
    return std::string(name) + "=" + std::string(size);
}

/// "cuda:0" of "cuda-0", "cuda_0" and "card0".
std::optional<std::string> as_ordinal(const std::string& letters) {
    for (const std::string_view prefix : {"cuda", "gpu", "card", "device", "nvidia"}) {
        const std::string_view rest = std::string_view(letters).substr(std::min(prefix.size(), letters.size()));
        if (letters.starts_with(prefix) && all_digits(rest)) return "cuda:" + std::string(rest);
    }
    return std::nullopt;
}

/// The keywords that are nearest to what was typed, and how far that is.
struct Nearest {
    std::vector<std::string> names;
    std::size_t distance = 0;
};

Nearest nearest_keywords(const std::string& typed) {
    Nearest nearest{.names = {}, .distance = tolerated_distance(typed)};
    for (const Keyword& keyword : keywords) {
        const std::size_t distance = edit_distance(typed, letters_and_digits(keyword.word));
        if (distance > nearest.distance) continue;
        if (distance < nearest.distance) nearest.names.clear();
        nearest.distance = distance;
        const std::string spelling(keyword.spelling);
        if (std::find(nearest.names.begin(), nearest.names.end(), spelling) == nearest.names.end()) {
            nearest.names.push_back(spelling);
        }
    }
    return nearest;
}

/// What the writer of a name that means nothing may have meant, likeliest first.
std::vector<std::string> what_was_meant(std::string_view name) {
    const std::string compact = compact_lower(name);
    for (const Hint& hint : word_hints) {
        if (compact == hint.word) return {std::string(hint.spelling)};
    }
    if (auto budget = with_budget(name)) return {*budget};
    if (auto list = with_commas(name)) return {*list};
    const std::string letters = letters_and_digits(name);
    if (auto ordinal = as_ordinal(letters)) return {*ordinal};
    const Nearest words = nearest_keywords(letters);
    const SimilarCards cards = similar_cards(name);
    if (!words.names.empty() && (cards.names.empty() || words.distance <= cards.distance)) return words.names;
    return cards.names;
}

std::string list_of(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

}  // namespace

DeviceName read_device_name(std::string_view name, std::string_view element) {
    if (auto known = recognise(name, element)) return *known;
    constexpr std::string_view prefix = "cuda:";
    const std::string compact = compact_lower(name);
    const bool says_all = edit_distance(compact, "cuda:all") <= 1 || compact == prefix;
    if (compact.starts_with(prefix) && !says_all && !with_budget(name) && !with_commas(name)) {
        throw bad_device(element, "is malformed, expected cuda:all, cuda:N as in cuda:0, or cuda:N-N as in cuda:0-3");
    }
    return {.kind = Kind::known_card, .text = std::string(name)};
}

bool names_cards_here(std::string_view specification) {
    try {
        const std::vector<DeviceElement> elements = parse_device_list(specification);
        return std::any_of(elements.begin(), elements.end(), [](const DeviceElement& element) {
            const Kind kind = read_device_name(element.name, element.text).kind;
            return kind == Kind::all_cards || kind == Kind::ordinals || kind == Kind::uuid || kind == Kind::pci;
        });
    } catch (const InvalidArgument&) {
        return false;
    }
}

void refuse_unknown_name(std::string_view name, std::string_view element) {
    const std::vector<std::string> meant = what_was_meant(name);
    const std::string expected = meant.empty()
                                     ? "expected cuda:all, cuda:N, a PCI id, a UUID, cpu, cpu=SIZE, any, @rig.json, or "
                                       "for planning a known card or a size such as 24GiB"
                                     : "did you mean " + list_of(meant) + "?";
    throw bad_device(element, "is unknown, " + expected, {"list the known cards: gpushard devices --known"});
}

}  // namespace gpushard
