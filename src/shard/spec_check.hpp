#pragma once

#include <string>

#include <gpushard/backend.hpp>

namespace gpushard {

/// Throws InvalidArgument naming `device` for a shard that cannot keep to what it is granted: a tile of nothing, or
/// less memory than the memory model gives for a device of this kind.
void check_spec(const ShardSpec& spec, DeviceKind kind, const std::string& device);

}  // namespace gpushard
