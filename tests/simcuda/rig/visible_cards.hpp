#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rig/card_spec.hpp"

namespace simcuda {

/// Which cards a process sees, in the order of its CUDA ordinals, as places in the rig. CUDA_VISIBLE_DEVICES is obeyed
/// as the CUDA runtime does: indices, UUIDs and their unambiguous beginnings; the list ends before the first entry that
/// names no card; a card named twice leaves none. `order` is CUDA_DEVICE_ORDER.
std::vector<int> visible_cards(const std::vector<CardSpec>& cards, const std::optional<std::string>& visible_devices,
                               const std::optional<std::string>& order);

/// Places in the rig by rising PCI address: the order of NVML and nvidia-smi.
std::vector<int> cards_by_pci(const std::vector<CardSpec>& cards);

}  // namespace simcuda
