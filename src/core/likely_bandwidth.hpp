#pragma once

#include <gpushard/device_info.hpp>

namespace gpushard {

/// Memory bandwidth for a device that does not tell: of the catalogue's card whose words its name or spec has
/// ("NVIDIA A100-SXM4-40GB" is an A100) and whose memory is nearest, else an assumed one. It only weighs devices
/// against each other.
double likely_bytes_per_second(const DeviceInfo& device);

}  // namespace gpushard
