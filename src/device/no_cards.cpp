#include "device/no_cards.hpp"

#include <algorithm>
#include <charconv>

#include "device/kernel_files.hpp"

namespace gpushard {
namespace {

using Cards = std::optional<std::vector<std::string>>;

std::vector<std::string> elements_of(std::string_view value) {
    std::vector<std::string> elements;
    while (true) {
        const auto comma = value.find(',');
        elements.emplace_back(trim(value.substr(0, comma)));
        if (comma == std::string_view::npos) return elements;
        value.remove_prefix(comma + 1);
    }
}

std::string count(std::size_t number, const std::string& thing) {
    return std::to_string(number) + " " + thing + (number == 1 ? "" : "s");
}

std::string cuda_version(int version) {
    return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

/// What is wrong with one element. A card is named by its ordinal or by the beginning of its UUID.
std::optional<std::string> problem_with(const std::string& element, const Cards& cards) {
    if (starts_with(element, "MIG-")) return std::nullopt;
    if (starts_with(element, "GPU-")) {
        if (!cards) return std::nullopt;
        const auto named =
            std::count_if(cards->begin(), cards->end(), [&](const auto& uuid) { return starts_with(uuid, element); });
        if (named == 1) return std::nullopt;
        return named == 0 ? "names no card of this machine (it has " + std::to_string(cards->size()) + ")"
                          : "could be any of " + count(static_cast<std::size_t>(named), "card") + " of this machine";
    }
    if (element.empty()) return "is no card";
    long long ordinal = 0;
    const char* const end = element.data() + element.size();
    const auto [rest, error] = std::from_chars(element.data(), end, ordinal);
    if (error == std::errc::result_out_of_range) return "names no card of this machine";
    if (error != std::errc{} || rest != end) return "is neither a number nor a UUID (GPU-... or MIG-...)";
    if (ordinal < 0) return "ends the list of visible cards";
    if (!cards || static_cast<unsigned long long>(ordinal) < cards->size()) return std::nullopt;
    return "names no card of this machine (it has " + std::to_string(cards->size()) + ")";
}

NoCardReason no_driver(const NoCardFacts& facts) {
    const auto on_bus = static_cast<std::size_t>(std::max(0, facts.cards_on_pci_bus));
    const std::vector<std::string> without = {"use the host: --devices cpu",
                                              "plan for cards by name: --devices 4xA100-40GB"};
    if (facts.container && (on_bus > 0 || !facts.kernel_module_version.empty())) {
        const std::string has = facts.kernel_module_version.empty()
                                    ? "its machine has " + count(on_bus, "NVIDIA card")
                                    : "its machine runs the NVIDIA driver " + facts.kernel_module_version;
        return {"this container (" + *facts.container + ") was started without its cards: " + has +
                    ", but libcuda.so.1 is not in here",
                {"start it with its cards: docker run --gpus all, or podman run --device nvidia.com/gpu=all, with the "
                 "NVIDIA Container Toolkit on the machine",
                 without[0]}};
    }
    if (on_bus > 0 || !facts.kernel_module_version.empty()) {
        return {"no NVIDIA driver: libcuda.so.1 cannot be loaded" +
                    (on_bus > 0 ? ", though " + count(on_bus, "NVIDIA card") + (on_bus == 1 ? " is" : " are") +
                                      " on the PCI bus"
                                : ", though the kernel module " + facts.kernel_module_version + " is loaded"),
                {"install the NVIDIA driver; nvidia-smi must list the cards", without[0], without[1]}};
    }
    return {"no NVIDIA driver (libcuda.so.1 is not there) and no NVIDIA card on the PCI bus", without};
}

NoCardReason hidden(const NoCardFacts& facts, const std::string& how) {
    const std::string has = facts.cards && !facts.cards->empty() && how.find("this machine") == std::string::npos
                                ? " (this machine has " + count(facts.cards->size(), "card") + ")"
                                : "";
    return {"CUDA_VISIBLE_DEVICES" + how + has,
            {"unset CUDA_VISIBLE_DEVICES, or name cards as nvidia-smi -L lists them", "use the host: --devices cpu"}};
}

NoCardReason no_permission(const NoCardFacts& facts) {
    std::string files;
    for (const std::string& file : facts.closed_device_files) files += (files.empty() ? "" : ", ") + file;
    return {"no permission to open " + files,
            {"run as a member of the group that owns them (often video or render), or change their mode",
             facts.container ? "let the container use them: docker run --gpus all" : "use the host: --devices cpu"}};
}

NoCardReason no_device_files(const NoCardFacts& facts) {
    if (facts.container) {
        return {"this container (" + *facts.container + ") was started without its cards: there is no /dev/nvidia*",
                {"start it with its cards: docker run --gpus all, or podman run --device nvidia.com/gpu=all",
                 "use the host: --devices cpu"}};
    }
    return {"the NVIDIA kernel module is not loaded: there is no /dev/nvidia*",
            {"load it: modprobe nvidia, or see why it failed: dmesg", "use the host: --devices cpu"}};
}

}  // namespace

std::optional<std::string> explain_visible_devices(std::string_view value, const Cards& cards) {
    const std::vector<std::string> elements = elements_of(value);
    if (trim(value).empty()) return "is empty, so it hides every card";
    for (const std::string& element : elements) {
        if (std::count(elements.begin(), elements.end(), element) > 1 && !element.empty()) {
            return "names " + element + " more than once, so CUDA shows no card";
        }
    }
    for (std::size_t i = 0; i < elements.size(); ++i) {
        const auto problem = problem_with(elements[i], cards);
        if (!problem) continue;
        if (elements.size() == 1) return *problem;
        return "has '" + elements[i] + "' as element " + std::to_string(i + 1) + ", which " + *problem +
               ": CUDA ignores it and what follows";
    }
    return std::nullopt;
}

NoCardReason explain_no_cards(const NoCardFacts& facts) {
    if (!facts.driver_library_loads && facts.driver_version == 0) return no_driver(facts);
    if (facts.driver_is_too_old && facts.driver_version > 0) {
        return {"the NVIDIA driver is older than the CUDA runtime: driver " + cuda_version(facts.driver_version) +
                    ", runtime " + cuda_version(facts.runtime_version),
                {"update the NVIDIA driver, or link a CUDA runtime of at most " + cuda_version(facts.driver_version),
                 "use the host: --devices cpu"}};
    }
    if (facts.visible_devices) {
        const auto problem = explain_visible_devices(*facts.visible_devices, facts.cards);
        const std::string value = trim(*facts.visible_devices).empty() ? " " : "=" + *facts.visible_devices + " ";
        if (problem) return hidden(facts, value + *problem);
    }
    if (!facts.closed_device_files.empty()) return no_permission(facts);
    if (facts.open_device_files == 0 && facts.driver_library_loads) return no_device_files(facts);
    if (facts.visible_devices) {
        return hidden(facts,
                      "=" + *facts.visible_devices + " names no card that CUDA shows (" + facts.runtime_error + ")");
    }
    return {"CUDA lists no card: " + facts.runtime_error,
            {"nvidia-smi says whether the driver sees the cards", "use the host: --devices cpu"}};
}

}  // namespace gpushard
