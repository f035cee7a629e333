#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include <gpushard/device_info.hpp>
#include <gpushard/error.hpp>
#include <gpushard/report.hpp>

#include "device/card_name.hpp"
#include "device/device_spec.hpp"

namespace gpushard {
namespace {

constexpr std::size_t most_devices = 65536;

/// A device of the list, still whole: what it is a part of, and the budget it was given.
struct LogicalDevice {
    DeviceInfo info;       ///< the physical device
    std::string physical;  ///< equal for parts of one physical device; empty for cards that need not exist
    std::string element;   ///< as typed
    std::string budget_text;
    std::optional<Bytes> budget;
};

/// "0000:3b:00.0" for "3B:00.0", "00000000:3b:00.0" and itself; nothing for what is no PCI id.
std::optional<std::string> canonical_pci(std::string_view text) {
    std::vector<std::string_view> parts;
    for (std::string_view rest = text;;) {
        const auto end = rest.find_first_of(":.");
        parts.push_back(rest.substr(0, end));
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + 1);
    }
    if (parts.size() == 3) parts.insert(parts.begin(), "0");
    if (parts.size() != 4 || text.find('.') == std::string_view::npos ||
        text.find('.') != text.size() - parts[3].size() - 1) {
        return std::nullopt;
    }
    std::string canonical;
    static constexpr std::size_t widths[] = {4, 2, 2, 1};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        unsigned value = 0;
        const auto [end, error] = std::from_chars(parts[i].data(), parts[i].data() + parts[i].size(), value, 16);
        if (parts[i].empty() || error != std::errc{} || end != parts[i].data() + parts[i].size()) return std::nullopt;
        static constexpr char digits[] = "0123456789abcdef";
        std::string hex;
        for (; value != 0; value >>= 4) hex.insert(hex.begin(), digits[value & 15]);
        if (hex.size() < widths[i]) hex.insert(0, widths[i] - hex.size(), '0');
        canonical += (i == 0 ? "" : i == 3 ? "." : ":") + hex;
    }
    return canonical;
}

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

/// What the parts of one physical device have been given so far.
struct Sharing {
    std::size_t parts = 0;
    bool whole = false;  ///< a part has no budget, so it claims everything
    Bytes budgets = 0;   ///< of a card; those of the host are taken at their word
    Bytes left = 0;      ///< free memory not yet handed to a part
};

void check_budget(const LogicalDevice& device, Bytes budgets) {
    const Bytes total = device.info.total_bytes;
    if (budgets <= total) return;
    const bool alone = budgets == *device.budget;
    throw bad_device(device.element,
                     (alone ? "has a budget of " + format_bytes(budgets)
                            : "brings the budgets on " + device.info.spec + " to " + format_bytes(budgets)) +
                         ", expected at most the " + format_bytes(total) + " of " + device.info.name);
}

std::map<std::string, Sharing> count_parts(const std::vector<LogicalDevice>& devices) {
    std::map<std::string, Sharing> sharing;
    for (const LogicalDevice& device : devices) {
        if (device.physical.empty()) continue;
        Sharing& of = sharing[device.physical];
        if (of.parts > 0 && (of.whole || !device.budget)) {
            throw bad_device(device.element, "names " + device.info.spec +
                                                 " more than once, expected each device once, or a budget for each "
                                                 "of its parts as in " +
                                                 device.info.spec + "=2GiB*2");
        }
        of.parts += 1;
        of.whole = !device.budget.has_value();
        of.left = device.info.free_bytes;
        if (device.budget && device.info.kind == DeviceKind::cuda) {
            of.budgets += *device.budget;
            check_budget(device, of.budgets);
        }
    }
    return sharing;
}

void apply_budget(LogicalDevice& device) {
    if (!device.budget) return;
    device.info.spec += "=" + device.budget_text;
    device.info.free_bytes = std::min(device.info.free_bytes, *device.budget);
}

/// A part of the host is its budget, whatever the machine has: the plan for `cpu=2GiB*4` is the same everywhere.
void take_host_budget(LogicalDevice& device) {
    device.info.spec += "=" + device.budget_text;
    device.info.total_bytes = device.info.free_bytes = *device.budget;
}

/// Hands out the free memory of a card in the order of its parts. The first part pays for the CUDA context, which the
/// parts share.
void take_card_budget(LogicalDevice& device, Sharing& sharing, bool first) {
    device.info.free_bytes = sharing.left;
    apply_budget(device);
    sharing.left -= device.info.free_bytes;
    if (!first) device.info.context_bytes = 0;
}

std::vector<DeviceInfo> share_out(std::vector<LogicalDevice> devices) {
    std::map<std::string, Sharing> sharing = count_parts(devices);
    std::map<std::string, std::size_t> seen;
    std::vector<DeviceInfo> infos;
    for (LogicalDevice& device : devices) {
        if (device.physical.empty()) {
            if (device.budget) check_budget(device, *device.budget);
            apply_budget(device);
        } else if (device.budget) {
            Sharing& of = sharing[device.physical];
            const bool first = seen[device.physical]++ == 0;
            device.info.bytes_per_second /= static_cast<double>(of.parts);
            if (device.info.kind == DeviceKind::cpu) {
                take_host_budget(device);
            } else {
                take_card_budget(device, of, first);
            }
        }
        infos.push_back(std::move(device.info));
    }
    return infos;
}

/// Without CUDA compiled in, the host.
constexpr std::string_view default_specification = "cpu";

}  // namespace

std::vector<DeviceInfo> resolve_devices(std::string_view specification, const DeviceInventory& inventory) {
    Resolver resolver(inventory);
    std::vector<LogicalDevice> devices;
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

}  // namespace gpushard
