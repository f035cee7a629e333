#pragma once

#include <vector>

#include <gpushard/device_info.hpp>

namespace gpushard {

/// The visible cards, "cuda:0" first. Throws DeviceError saying why there are none: no driver, CUDA_VISIBLE_DEVICES
/// hides them, no permission. Creates no CUDA context where NVML can tell what is free. Thread-safe.
std::vector<DeviceInfo> cuda_cards();

}  // namespace gpushard
