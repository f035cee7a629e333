#pragma once

#include <string>

#include <gpushard/device_info.hpp>

namespace gpushard {

/// "python (pid 4711)", or "pid 4711" where the name is not known.
std::string process_of(const MemoryHolder& holder);

/// What other processes are known to hold of `card`, at most all of it.
Bytes held_bytes(const DeviceInfo& card);

}  // namespace gpushard
