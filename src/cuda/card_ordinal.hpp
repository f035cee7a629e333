#pragma once

#include <gpushard/device_info.hpp>

namespace gpushard {

/// The CUDA ordinal in this process of the card that `device` names: by UUID, or by the number in its specification
/// where it has none. Throws DeviceError when it is not visible.
int card_ordinal(const DeviceInfo& device);

}  // namespace gpushard
