#include "rig/card_spec.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <functional>
#include <map>
#include <set>

#include "rig/text.hpp"

namespace simcuda {
namespace {

bool parse_yes_no(std::string_view text) {
    if (text == "yes") return true;
    if (text == "no") return false;
    throw BadText("\"" + std::string(text) + "\" is neither yes nor no");
}

/// "90", or "9.0" as NVIDIA writes it.
int parse_compute_capability(std::string_view text) {
    std::string digits(text);
    std::erase(digits, '.');
    const std::uint64_t value = parse_number(digits);
    if (value < 10 || value > 999) throw BadText("\"" + std::string(text) + "\" is not a compute capability");
    return static_cast<int>(value);
}

void set_multi_instance(CardSpec& card, const std::string& text) {
    card.multi_instance_pending = text == "pending";
    card.multi_instance = !card.multi_instance_pending && parse_yes_no(text);
}

/// "none", "off", "on", or a number of errors.
void set_ecc(CardSpec& card, const std::string& text) {
    card.ecc = text == "none" ? CardSpec::Ecc::none : text == "off" ? CardSpec::Ecc::off : CardSpec::Ecc::on;
    if (card.ecc == CardSpec::Ecc::on && text != "on") card.uncorrected_errors = parse_number(text);
}

CardSpec::Repair parse_repair(const std::string& text, bool may_fail) {
    if (text == "none") return CardSpec::Repair::none;
    if (text == "pending") return CardSpec::Repair::pending;
    if (text == "failed" && may_fail) return CardSpec::Repair::failed;
    throw BadText("\"" + text + "\" is neither none nor pending" + (may_fail ? " nor failed" : ""));
}

void set_option(CardSpec& card, const std::string& key, const std::string& value) {
    static const std::map<std::string, std::function<void(CardSpec&, const std::string&)>> options{
        {"used", [](CardSpec& spec, const std::string& text) { spec.used_bytes = parse_bytes(text); }},
        {"context", [](CardSpec& spec, const std::string& text) { spec.context_bytes = parse_bytes(text); }},
        {"granularity", [](CardSpec& spec, const std::string& text) { spec.granularity = parse_bytes(text); }},
        {"sm",
         [](CardSpec& spec, const std::string& text) { spec.compute_capability = parse_compute_capability(text); }},
        {"bandwidth", [](CardSpec& spec, const std::string& text) { spec.bytes_per_second = parse_bytes(text); }},
        {"name", [](CardSpec& spec, const std::string& text) { spec.name = text; }},
        {"uuid", [](CardSpec& spec, const std::string& text) { spec.uuid = text; }},
        {"pci", [](CardSpec& spec, const std::string& text) { spec.pci = text; }},
        {"numa",
         [](CardSpec& spec, const std::string& text) { spec.numa_node = static_cast<int>(parse_number(text)); }},
        {"mig", set_multi_instance},
        {"ecc", set_ecc},
        {"persistence", [](CardSpec& spec, const std::string& text) { spec.persistence = parse_yes_no(text); }},
        {"remap", [](CardSpec& spec, const std::string& text) { spec.remap = parse_repair(text, true); }},
        {"retire", [](CardSpec& spec, const std::string& text) { spec.retire = parse_repair(text, false); }},
        {"peer", [](CardSpec& spec, const std::string& text) { spec.peer_access = parse_yes_no(text); }},
    };
    const auto option = options.find(key);
    if (option == options.end()) {
        std::string known;
        for (const auto& [name, set] : options) known += (known.empty() ? "" : ", ") + name;
        throw BadText("\"" + key + "\" is not an option of a card; there are: " + known);
    }
    option->second(card, value);
}

/// "4x" before the size of a card.
std::size_t take_repetition(std::string_view& text) {
    std::size_t digits = 0;
    while (digits < text.size() && std::isdigit(static_cast<unsigned char>(text[digits])) != 0) ++digits;
    if (digits == 0 || digits == text.size() || text[digits] != 'x') return 1;
    const std::uint64_t repetition = parse_number(text.substr(0, digits));
    if (repetition < 1 || repetition > max_cards) {
        throw BadText(std::string(text) + ": 1 to " + std::to_string(max_cards) + " cards can be simulated");
    }
    text.remove_prefix(digits + 1);
    return repetition;
}

/// Cuts "80GiB:used=12GiB:pci=0000:65:00.0" at the colons before a key.
std::vector<std::string> card_parts(std::string_view entry) {
    std::vector<std::string> parts;
    for (std::string& piece : split(entry, ':')) {
        if (parts.size() > 1 && piece.find('=') == std::string::npos) {
            parts.back() += ":" + piece;
        } else {
            parts.push_back(std::move(piece));
        }
    }
    return parts;
}

CardSpec parse_card(std::string_view entry) {
    const std::vector<std::string> parts = card_parts(entry);
    CardSpec card;
    card.total_bytes = parse_bytes(parts.front());
    for (std::size_t i = 1; i < parts.size(); ++i) {
        const auto equals = parts[i].find('=');
        if (equals == std::string::npos) throw BadText("\"" + parts[i] + "\" is not an option such as used=12GiB");
        set_option(card, parts[i].substr(0, equals), parts[i].substr(equals + 1));
    }
    if (card.used_bytes > card.total_bytes) throw BadText(std::string(entry) + ": more is used than the card has");
    if (card.granularity == 0) throw BadText(std::string(entry) + ": granularity is at least 1");
    return card;
}

/// The same for the same place in every rig, and different from its first digit on for the first 16 cards.
std::string default_uuid(std::size_t place) {
    char text[48];
    std::snprintf(text, sizeof text, "GPU-%x%07x-51c0-4da0-8000-%012zx", static_cast<unsigned>((place + 10) % 16),
                  static_cast<unsigned>(place * 0x9E3779B1U) & 0xFFFFFFFU, place);
    return text;
}

std::string default_pci(std::size_t place) {
    char text[16];
    std::snprintf(text, sizeof text, "0000:%02x:00.0", static_cast<unsigned>(place + 1) & 0xFFU);
    return text;
}

void name_card(CardSpec& card, std::size_t place) {
    if (card.name.empty()) card.name = "Simulated " + format_bytes(card.total_bytes);
    if (card.uuid.empty()) card.uuid = default_uuid(place);
    if (card.pci.empty()) card.pci = default_pci(place);
    parse_uuid(card.uuid);
    parse_pci(card.pci);
}

void refuse_twins(const std::vector<CardSpec>& cards) {
    std::set<std::string> uuids;
    std::set<PciAddress> addresses;
    for (const CardSpec& card : cards) {
        if (!uuids.insert(card.uuid).second) throw BadText("two cards have the UUID " + card.uuid);
        if (!addresses.insert(parse_pci(card.pci)).second) throw BadText("two cards have the PCI id " + card.pci);
    }
}

}  // namespace

RigSpec parse_rig(std::string_view text) {
    text = trimmed(text);
    if (text.empty() || text == "nodriver") return {.driver = false, .cards = {}};
    if (text == "none") return {};
    RigSpec rig;
    for (const std::string& entry : split(text, ',')) {
        std::string_view rest = trimmed(entry);
        const std::size_t repetition = take_repetition(rest);
        rig.cards.insert(rig.cards.end(), repetition, parse_card(rest));
    }
    if (rig.cards.size() > max_cards) {
        throw BadText(std::to_string(rig.cards.size()) + " cards; at most " + std::to_string(max_cards) +
                      " can be simulated");
    }
    for (std::size_t i = 0; i < rig.cards.size(); ++i) name_card(rig.cards[i], i);
    refuse_twins(rig.cards);
    return rig;
}

DriverSpec parse_driver(std::string_view text) {
    DriverSpec driver;
    text = trimmed(text);
    if (text.empty()) return driver;
    const auto colon = text.find(':');
    driver.name = std::string(text.substr(0, colon));
    if (colon == std::string_view::npos) return driver;
    const std::string option(text.substr(colon + 1));
    int major = 0;
    int minor = 0;
    int length = 0;
    if (std::sscanf(option.c_str(), "cuda=%d.%d%n", &major, &minor, &length) != 2 ||
        static_cast<std::size_t>(length) != option.size() || major < 1 || minor < 0) {
        throw BadText("\"" + option + "\" is not the CUDA version of a driver, such as cuda=12.4");
    }
    driver.cuda_version = major * 1000 + minor * 10;
    return driver;
}

PciAddress parse_pci(std::string_view text) {
    const std::string copy(text);
    PciAddress address;
    unsigned function = 0;
    int length = 0;
    const auto whole = [&] { return static_cast<std::size_t>(length) == copy.size(); };
    if (std::sscanf(copy.c_str(), "%x:%x:%x.%x%n", &address.domain, &address.bus, &address.device, &function,
                    &length) == 4 &&
        whole()) {
        return address;
    }
    address.domain = 0;
    length = 0;
    if (std::sscanf(copy.c_str(), "%x:%x.%x%n", &address.bus, &address.device, &function, &length) == 3 && whole()) {
        return address;
    }
    throw BadText("\"" + copy + "\" is not a PCI id such as 0000:65:00.0");
}

std::array<unsigned char, 16> parse_uuid(std::string_view text) {
    std::string digits(text.substr(0, 4) == "GPU-" || text.substr(0, 4) == "MIG-" ? text.substr(4) : "");
    std::erase(digits, '-');
    std::array<unsigned char, 16> bytes{};
    bool right = digits.size() == 2 * bytes.size();
    for (std::size_t i = 0; right && i < bytes.size(); ++i) {
        const char* const pair = digits.data() + 2 * i;
        right = std::from_chars(pair, pair + 2, bytes[i], 16).ptr == pair + 2;
    }
    if (!right) {
        throw BadText("\"" + std::string(text) + "\" is not a UUID such as GPU-01234567-89ab-cdef-0123-456789abcdef");
    }
    return bytes;
}

}  // namespace simcuda
