#pragma once

#include <vector>

#include "device/device_code.hpp"

namespace gpushard {

/// The code for cards that Faiss brought into this process, read from the program or library that its GPU functions
/// are in. Empty where it is not known: the file is stripped of its sections, or not readable. Read once; thread-safe.
const std::vector<DeviceCode>& faiss_device_code();

}  // namespace gpushard
