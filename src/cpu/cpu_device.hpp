#pragma once

#include <memory>

#include <gpushard/backend.hpp>

namespace gpushard {

/// make_cpu_device with a number of threads for each search: the processors divided by the devices that share the
/// host, so that searches on several logical devices do not compete.
std::unique_ptr<Device> make_cpu_device(const DeviceInfo& info, int threads);

}  // namespace gpushard
