#pragma once

#include <gpushard/device_info.hpp>

#include "report/json_reader.hpp"

namespace gpushard {

/// A device of a rig or plan. `spec`, `name` and `total_bytes` must be there; what else is missing keeps its default,
/// and the kind follows from the spec. The memory bandwidth is "memory_bytes_per_second" in a plan and
/// "bytes_per_second" in a rig. Throws BadFile.
DeviceInfo stored_device(const JsonReader& json);

}  // namespace gpushard
