#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <optional>

#include <gpushard/device_info.hpp>
#include <gpushard/error.hpp>
#include <gpushard/report.hpp>
#include <gpushard/rig_files.hpp>

#include "device/card_name.hpp"
#include "device/device_name.hpp"
#include "device/device_sharing.hpp"
#include "device/device_spec.hpp"
#include "device/pci_id.hpp"

namespace gpushard {
namespace {

constexpr std::size_t most_devices = 65536;

std::string list_specs(const std::vector<DeviceInfo>& cards) {
    std::string text;
    for (const DeviceInfo& card : cards) text += (text.empty() ? "" : ", ") + card.spec;
    return text.empty() ? "none" : text;
}

/// Looks elements up in an inventory, asking it at most once for each kind of device.
class Resolver {
public:
    Resolver(const DeviceInventory& inventory, bool is_typed) : inventory_(inventory), is_typed_(is_typed) {}

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
        const DeviceName name = read_device_name(element.name, element.text);
        switch (name.kind) {
            case DeviceName::Kind::all_cards:
                return parts_of(cards(element), element);
            case DeviceName::Kind::ordinals:
                return cards_by_ordinal(name, element);
            case DeviceName::Kind::uuid:
                return {card_by_uuid(name.text, element)};
            case DeviceName::Kind::pci:
                return {card_by_pci(name.text, element)};
            case DeviceName::Kind::host:
                return {logical(host(), "host", element)};
            case DeviceName::Kind::any:
                return any(element);
            case DeviceName::Kind::rig_file:
                return rig(name.text, element);
            case DeviceName::Kind::any_card:
                return {logical(describe_card(name.memory, name.text), "", element)};
            case DeviceName::Kind::known_card:
                return {logical(describe(find_known_card(name.text, element.text)), "", element)};
        }
        refuse_unknown_name(element.name, element.text);
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

    /// Why there are none is said of what was typed.
    const std::vector<DeviceInfo>& cards(const DeviceElement& element) {
        if (cards_) return *cards_;
        try {
            cards_ = inventory_.cards();
        } catch (const DeviceError& error) {
            if (!is_typed_) throw;
            std::vector<ErrorField> fields = error.fields();
            std::erase_if(fields, [](const ErrorField& field) { return field.first == "device"; });
            std::vector<std::string> hints = error.hints();
            for (std::string& hint : plain_card_hints(element)) hints.push_back(std::move(hint));
            throw DeviceError(element.text, "device '" + element.text + "': " + error.what(), std::move(hints),
                              std::move(fields));
        }
        return *cards_;
    }

    std::vector<LogicalDevice> any(const DeviceElement& element) {
        if (element.budget) throw bad_device(element.text, "has a budget, expected 'any' alone or a named device");
        std::vector<DeviceInfo> found;
        try {
            found = cards(element);
        } catch (const DeviceError&) {
            // No card is what `any` is prepared for.
        }
        if (found.empty()) return {logical(host(), "host", element)};
        return parts_of(found, element);
    }

    static std::vector<LogicalDevice> rig(const std::string& path, const DeviceElement& element) {
        if (path.empty()) throw bad_device(element.text, "names no file, expected a path as in @rig.json");
        std::vector<LogicalDevice> devices;
        for (DeviceInfo& info : read_rig(path)) {
            info.planning_only = true;
            devices.push_back(logical(info, "", element));
        }
        return devices;
    }

    std::vector<LogicalDevice> cards_by_ordinal(const DeviceName& name, const DeviceElement& element) {
        std::vector<LogicalDevice> devices;
        for (std::uint64_t ordinal = name.first;; ++ordinal) {
            const std::string spec = "cuda:" + std::to_string(ordinal);
            devices.push_back(only_card(element, [&](const DeviceInfo& card) { return card.spec == spec; }));
            if (ordinal == name.last) return devices;
        }
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
        for (const DeviceInfo& card : cards(element)) {
            if (matches(card)) found.push_back(card);
        }
        if (found.empty()) throw not_there(element);
        if (found.size() > 1) {
            throw bad_device(element.text, "could be any of " + list_specs(found) + ", expected more of its digits");
        }
        return logical(found.front(), found.front().spec, element);
    }

    /// A bare number may have been meant otherwise.
    static std::vector<std::string> plain_card_hints(const DeviceElement& element) {
        if (!all_digits(element.name)) return {};
        return {"to plan for a card of " + element.name + " GiB: --devices " + element.name + "GiB"};
    }

    DeviceError not_there(const DeviceElement& element) {
        return DeviceError(element.text,
                           "device '" + element.text + "' is not there, visible cards: " + list_specs(cards(element)),
                           plain_card_hints(element));
    }

    const DeviceInventory& inventory_;
    bool is_typed_;  ///< the specification, by someone
    std::optional<DeviceInfo> host_;
    std::optional<std::vector<DeviceInfo>> cards_;
};

}  // namespace

std::vector<DeviceInfo> resolve_devices(std::string_view specification, const DeviceInventory& inventory) {
    Resolver resolver(inventory, !specification.empty());
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
