#pragma once

#include <string>
#include <vector>

#include <gpushard/device_info.hpp>

namespace gpushard {

/// The visible cards, "cuda:0" first. Throws DeviceError saying why there are none: no driver, CUDA_VISIBLE_DEVICES
/// hides them, no permission. Creates no CUDA context where NVML can tell what is free. Thread-safe.
std::vector<DeviceInfo> cuda_cards();

/// The name, PCI id, UUID, size and compute capability of a visible card: nothing that changes while others use it.
/// Throws DeviceError where the card does not answer. Thread-safe.
DeviceInfo identify_card(int ordinal);

/// All that cuda_cards tells of one of `count` visible cards. Throws DeviceError where the card does not answer.
DeviceInfo describe_visible_card(int ordinal, int count);

/// What is free on the visible card that `card` names by UUID, or by ordinal where it has none: asked as cuda_cards
/// asks it. Throws DeviceError where the card is not there. Thread-safe.
Bytes free_bytes_of_card(const DeviceInfo& card);

/// The CUDA ordinal of the visible card that `card` names by UUID, or, where it has none, by "cuda:N" in its spec.
/// Throws DeviceError where it is not there. Thread-safe.
int ordinal_of_card(const DeviceInfo& card);

/// Other processes that hold memory of the visible card that `card` names, most bytes first; none where that cannot be
/// told. Throws DeviceError where the card is not there. Thread-safe.
std::vector<MemoryHolder> memory_holders(const DeviceInfo& card);

}  // namespace gpushard
