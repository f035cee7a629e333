#include "api/open_devices.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include <gpushard/device_info.hpp>
#include <gpushard/error.hpp>
#include <gpushard/index_inspector.hpp>
#include <gpushard/printable_text.hpp>

#include "api/cards.hpp"
#include "core/host_scan_memory.hpp"
#include "cpu/cpu_device.hpp"
#include "cpu/exact_search.hpp"
#include "cpu/host_budgets.hpp"
#include "cpu/host_threads.hpp"

namespace gpushard {
namespace {

bool is_used(const ShardPlacement& placement) { return placement.rows.count() > 0; }

void refuse_planning_only(const DeviceInfo& device) {
    if (!device.planning_only) return;
    throw DeviceError(device.spec, "device " + device.spec + " is for planning only, expected a device of this machine",
                      {"list the devices of this machine: gpushard devices"});
}

bool is_on_host(const ShardPlacement& placement) {
    return is_used(placement) && placement.device.kind == DeviceKind::cpu;
}

int devices_on_host(const PlacementPlan& plan) {
    return static_cast<int>(std::count_if(plan.devices.begin(), plan.devices.end(), is_on_host));
}

/// Of each device on the host where Faiss searches, which shares no threads: those of the plan divided among them.
int faiss_threads(const PlacementPlan& plan) {
    return std::max(1, plan.options.threads / std::max(1, devices_on_host(plan)));
}

/// Budgets of the host are shared with other loads, by specification and place among its like; what rows may spill to
/// belongs to one load.
class HostBudgets {
public:
    explicit HostBudgets(const PlacementPlan& plan) : plan_(plan) {}

    std::shared_ptr<DeviceBudget> next(const ShardPlacement& placement) {
        const DeviceInfo& device = placement.device;
        const bool is_spill = plan_.spilled && &placement == &plan_.devices.back();
        if (!has_host_budget(device) || is_spill) return nullptr;
        return host_budget(device.spec, numbers_[device.spec]++, device.total_bytes);
    }

private:
    const PlacementPlan& plan_;
    std::map<std::string, int> numbers_;
};

std::unique_ptr<Device> open_device(const DeviceInfo& device, int host_threads, std::shared_ptr<DeviceBudget> shared) {
    return device.kind == DeviceKind::cuda ? open_card(device)
                                           : make_cpu_device(device, host_threads, std::move(shared));
}

/// Each after a space, for a shell.
std::string quoted_files(const ByteSource& source) {
    std::string text;
    for (const std::string& file : source.files()) text += " " + shell_quoted(file);
    return text;
}

}  // namespace

void refuse_unsupported(const PlacementPlan& plan) {
    refuse_unsupported_by_cards(plan);
    for (const ShardPlacement& placement : plan.devices) {
        if (is_used(placement) && placement.device.kind == DeviceKind::cpu && !cpu_supports(plan.index.metric)) {
            throw InvalidArgument(placement.device.spec + ": the Faiss this was built with does not know the metric " +
                                  to_string(plan.index.metric));
        }
    }
}

void check_same_index(const PlacementPlan& plan, const ByteSource& source) {
    const IndexProfile found = inspect_index(source);
    const IndexProfile& planned = plan.index;
    const bool same_header = found.fourcc == planned.fourcc && found.bytes == planned.bytes &&
                             found.dim == planned.dim && found.count == planned.count &&
                             found.metric == planned.metric && found.metric_arg == planned.metric_arg;
    if (same_header && (plan.fingerprint.empty() || fingerprint(source, found) == plan.fingerprint)) return;
    throw FileChanged(source.name() + ": another index than the plan was made for: " +
                          (same_header ? "its content has another fingerprint, expected " + plan.fingerprint
                                       : "its header differs (" + std::to_string(found.count) + " x " +
                                             std::to_string(found.dim) + ", planned " + std::to_string(planned.count) +
                                             " x " + std::to_string(planned.dim) + ")"),
                      {"plan again: gpushard plan" + quoted_files(source)}, {{"file", source.name()}});
}

void prepare_host(const PlacementPlan& plan) {
    const int on_host = devices_on_host(plan);
    if (on_host == 0) return;
    const bool shares_threads = host_scans(plan.index.metric);
    // A worker of each device, and the threads that search: of all devices together, or what OpenMP gives each.
    check_threads_can_start(shares_threads ? on_host + std::max(1, plan.options.threads)
                                           : on_host * faiss_threads(plan));
}

std::vector<std::shared_ptr<Device>> open_devices(const PlacementPlan& plan, std::optional<HostClaim>& claim) {
    for (const ShardPlacement& placement : plan.devices) {
        if (is_used(placement)) refuse_planning_only(placement.device);
    }
    claim.reset();
    claim.emplace(plan);
    const int threads = faiss_threads(plan);
    HostBudgets budgets(plan);
    std::vector<std::shared_ptr<Device>> devices;
    for (const ShardPlacement& placement : plan.devices) {
        std::shared_ptr<DeviceBudget> shared = budgets.next(placement);
        devices.push_back(is_used(placement) ? open_device(placement.device, threads, std::move(shared)) : nullptr);
    }
    return devices;
}

}  // namespace gpushard
