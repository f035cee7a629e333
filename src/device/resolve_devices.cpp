#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>

#include <gpushard/device_info.hpp>
#include <gpushard/error.hpp>
#include <gpushard/report.hpp>
#include <gpushard/rig_files.hpp>

#include "device/card_name.hpp"
#include "device/device_sharing.hpp"
#include "device/device_spec.hpp"
#include "device/pci_id.hpp"

namespace gpushard {
namespace {

constexpr std::size_t most_devices = 65536;

bool is_uuid(const std::string& lower) { return lower.rfind("gpu-", 0) == 0 || lower.rfind("mig-", 0) == 0; }

std::string list_specs(const std::vector<DeviceInfo>& cards) {
    std::string text;
    for (const DeviceInfo& card : cards) text += (text.empty() ? "" : ", ") + card.spec;
    return text.empty() ? "none" : text;
}

/// Looks elements up in an inventory, asking it at most once for each kind of device.
class Resolver {
public:
    explicit Resolver(const DeviceInventory& inventory) : inventory_(inventory) {}

    std::vector<LogicalDevice> resolve(const DeviceElement& element) {
        const std::vector<LogicalDevice> once = resolve_once(element);
        const std::size_t repeat = static_cast<std::size_t>(element.repeat);
        if (once.size() * repeat > most_devices) {
            throw bad_device(element.text, "stands for more than " + std::to_string(most_devices) + " devices");
        }
        std::vector<LogicalDevice> devices;
        for (std::size_t i = 0; i < repeat; ++i) devices.insert(devices.end(), once.begin(), once.end());
        return devices;
    }

private:
    std::vector<LogicalDevice> resolve_once(const DeviceElement& element) {
        const std::string name = compact_lower(element.name);
        if (name.front() == '@') return rig(element);
        if (name == "any") return any(element);
        if (name == "cpu") return {logical(host(), "host", element)};
        if (name == "cuda:all") return parts_of(cards(), element);
        if (name.rfind("cuda", 0) == 0) return {card_by_ordinal(name, element)};
        if (is_uuid(name)) return {card_by_uuid(name, element)};
        if (const auto pci = canonical_pci(name)) return {card_by_pci(*pci, element)};
        return known(element);
    }

    static LogicalDevice logical(const DeviceInfo& info, std::string physical, const DeviceElement& element) {
        return {info, std::move(physical), element.text, element.budget_text, element.budget};
    }

    static std::vector<LogicalDevice> parts_of(const std::vector<DeviceInfo>& cards, const DeviceElement& element) {
        std::vector<LogicalDevice> parts;
        for (const DeviceInfo& card : cards) parts.push_back(logical(card, card.spec, element));
        return parts;
    }

    const DeviceInfo& host() {
        if (!host_) host_ = inventory_.host();
        return *host_;
    }

    const std::vector<DeviceInfo>& cards() {
        if (!cards_) cards_ = inventory_.cards();
        return *cards_;
    }

    std::vector<LogicalDevice> any(const DeviceElement& element) {
        if (element.budget) throw bad_device(element.text, "has a budget, expected 'any' alone or a named device");
        std::vector<DeviceInfo> found;
        try {
            found = cards();
        } catch (const DeviceError&) {
            // No card is what `any` is prepared for.
        }
        if (found.empty()) return {logical(host(), "host", element)};
        return parts_of(found, element);
    }

    static std::vector<LogicalDevice> rig(const DeviceElement& element) {
        const std::string path = element.name.substr(1);
        if (path.empty()) throw bad_device(element.text, "names no file, expected a path as in @rig.json");
        std::vector<LogicalDevice> devices;
        for (DeviceInfo& info : read_rig(path)) {
            info.planning_only = true;
            devices.push_back(logical(info, "", element));
        }
        return devices;
    }

    static std::vector<LogicalDevice> known(const DeviceElement& element) {
        const CountedName counted = split_count(compact_lower(element.name), element.text);
        const DeviceInfo card = describe(find_known_card(counted.name, element.text));
        return {static_cast<std::size_t>(counted.count), logical(card, "", element)};
    }

    LogicalDevice card_by_ordinal(const std::string& name, const DeviceElement& element) {
        const std::string_view ordinal = std::string_view(name).substr(std::min<std::size_t>(5, name.size()));
        if (name.rfind("cuda:", 0) != 0 || !all_digits(ordinal)) {
            throw bad_device(element.text, "is malformed, expected cuda:all or cuda:N as in cuda:0");
        }
        const auto digits = ordinal.substr(std::min(ordinal.find_first_not_of('0'), ordinal.size() - 1));
        const std::string spec = "cuda:" + std::string(digits);
        return only_card(element, [&](const DeviceInfo& card) { return card.spec == spec; });
    }

    LogicalDevice card_by_uuid(const std::string& name, const DeviceElement& element) {
        return only_card(element, [&](const DeviceInfo& card) { return compact_lower(card.uuid).rfind(name, 0) == 0; });
    }

    LogicalDevice card_by_pci(const std::string& pci, const DeviceElement& element) {
        return only_card(element,
                         [&](const DeviceInfo& card) { return canonical_pci(compact_lower(card.pci)) == pci; });
    }

    template <typename Matches>
    LogicalDevice only_card(const DeviceElement& element, Matches matches) {
        std::vector<DeviceInfo> found;
        for (const DeviceInfo& card : cards()) {
            if (matches(card)) found.push_back(card);
        }
        if (found.empty()) {
            throw DeviceError(element.text,
                              "device '" + element.text + "' is not there, visible cards: " + list_specs(cards()));
        }
        if (found.size() > 1) {
            throw bad_device(element.text, "could be any of " + list_specs(found) + ", expected more of its digits");
        }
        return logical(found.front(), found.front().spec, element);
    }

    const DeviceInventory& inventory_;
    std::optional<DeviceInfo> host_;
    std::optional<std::vector<DeviceInfo>> cards_;
};

}  // namespace

std::vector<DeviceInfo> resolve_devices(std::string_view specification, const DeviceInventory& inventory) {
    Resolver resolver(inventory);
    std::vector<LogicalDevice> devices;
    const std::string default_specification = inventory.default_specification();
    if (specification.empty()) specification = default_specification;
    for (const DeviceElement& element : parse_device_list(specification)) {
        std::vector<LogicalDevice> some = resolver.resolve(element);
        devices.insert(devices.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
        if (devices.size() > most_devices) {
            throw bad_device(element.text, "makes more than " + std::to_string(most_devices) + " devices");
        }
    }
    return share_out(std::move(devices));
}

std::vector<std::filesystem::path> rig_files(std::string_view specification) {
    std::vector<std::filesystem::path> files;
    try {
        for (const DeviceElement& element : parse_device_list(specification)) {
            if (element.name.front() == '@') files.emplace_back(element.name.substr(1));
        }
    } catch (const InvalidArgument&) {
        return {};
    }
    return files;
}

}  // namespace gpushard
