#pragma once

#include <vector>

#include <gpushard/device_info.hpp>
#include <gpushard/error.hpp>
#include <gpushard/placement_plan.hpp>

/// The host as one thing that staging and all devices on it share, whatever each of those was promised.
namespace gpushard {

/// Host memory that a load is promised, for as long as it is under way: others are not promised what it has not touched
/// yet. Thread-safe.
class HostClaim {
public:
    /// Throws InsufficientMemory when the devices of a plan on the host need more, together with the staging of the
    /// load and the answers of searches, than this process may use now.
    explicit HostClaim(const PlacementPlan& plan);
    ~HostClaim();
    HostClaim(const HostClaim&) = delete;
    HostClaim& operator=(const HostClaim&) = delete;

    /// The load has succeeded, so its memory is taken.
    void loaded() { loaded_ = true; }

private:
    const Bytes bytes_;
    bool loaded_ = false;
};

/// Lowers what devices with a budget of the host have free to what the indexes loaded by this process have left of it.
void take_held_budgets(std::vector<DeviceInfo>& rig);

/// Lowers what the devices on the host, and the spill, are promised to what this process may use now, each by the same
/// part, so that a HostClaim accepts any plan of them.
void cap_host_memory(std::vector<DeviceInfo>& rig, PlanOptions& options);

/// A refusal without the offers to spill more than this process may use now.
InsufficientMemory within_host_memory(const InsufficientMemory& refusal);

}  // namespace gpushard
