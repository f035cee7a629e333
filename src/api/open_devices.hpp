#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <gpushard/backend.hpp>
#include <gpushard/byte_source.hpp>
#include <gpushard/placement_plan.hpp>

#include "api/host_memory.hpp"

namespace gpushard {

/// Throws InvalidArgument when a device that is given rows cannot search the index: a metric the linked Faiss does not
/// know.
void refuse_unsupported(const PlacementPlan& plan);

/// Throws FileChanged when `source` is not the index that `plan` was made for, by header and fingerprint.
void check_same_index(const PlacementPlan& plan, const ByteSource& source);

/// Proves, before anything is read, that the threads that search on the host can be started. Throws
/// InsufficientMemory.
void prepare_host(const PlacementPlan& plan);

/// Opens the devices of a plan on this machine, null for those without rows. Throws DeviceError for a device that is
/// not here or is for planning only, and InsufficientMemory when the devices on the host were promised more memory,
/// all together and with the staging of the load, than this process may use now.
/// `claim` is what the load is promised from then on, in place of what it held before.
std::vector<std::shared_ptr<Device>> open_devices(const PlacementPlan& plan, std::optional<HostClaim>& claim);

}  // namespace gpushard
