#pragma once

#include <memory>

#include <gpushard/backend.hpp>

#include "shard/device_budget.hpp"

namespace gpushard {

/// make_cpu_device with a number of threads for each search: the processors divided by the devices that share the
/// host, so that searches on several logical devices do not compete. Of `shared`, where it is not null, the peak of
/// each shard is taken as long as that lives; others take from it, too.
std::unique_ptr<Device> make_cpu_device(const DeviceInfo& info, int threads,
                                        std::shared_ptr<DeviceBudget> shared = nullptr);

}  // namespace gpushard
