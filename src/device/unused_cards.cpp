#include "device/unused_cards.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace gpushard {
namespace {

/// Each once, in the order of the files.
std::string models_of(const NoCardFacts& facts) {
    std::vector<std::string> seen;
    std::string text;
    for (const std::string& model : facts.models) {
        if (std::find(seen.begin(), seen.end(), model) != seen.end()) continue;
        text += (seen.empty() ? " (" : ", ") + model;
        seen.push_back(model);
    }
    return seen.empty() ? "" : text + ")";
}

}  // namespace

std::string unused_cards(const NoCardFacts& facts) {
    const std::size_t on_bus = facts.cards_on_pci_bus > 0 ? static_cast<std::size_t>(facts.cards_on_pci_bus) : 0;
    const std::size_t cards = facts.models.empty() ? on_bus : facts.models.size();
    const bool has_files = facts.open_device_files > 0 || !facts.closed_device_files.empty();
    const bool has_driver = !facts.kernel_module_version.empty();
    if (cards == 0 && !has_files && !has_driver) return {};
    const std::string count =
        cards == 0 ? "" : std::to_string(cards) + " NVIDIA card" + (cards == 1 ? "" : "s") + models_of(facts);
    const std::string driver = has_driver  ? "the NVIDIA driver " + facts.kernel_module_version
                               : has_files ? "device files of the NVIDIA driver"
                                           : "";
    return "this machine has " + count + (count.empty() || driver.empty() ? "" : " and ") + driver;
}

}  // namespace gpushard
