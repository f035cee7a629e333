#pragma once

#include <gpushard/device_info.hpp>

namespace gpushard {

/// See gpushard::measure_context.
DeviceInfo measure_cuda_context(const DeviceInfo& card);

}  // namespace gpushard
