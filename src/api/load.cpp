#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <gpushard/backend.hpp>
#include <gpushard/device_info.hpp>
#include <gpushard/error.hpp>
#include <gpushard/index_inspector.hpp>
#include <gpushard/load.hpp>
#include <gpushard/placement_planner.hpp>

#include "api/cards.hpp"
#include "api/host_memory.hpp"
#include "api/load_here.hpp"
#include "api/open_devices.hpp"
#include "core/plan_rules.hpp"
#include "device/processors.hpp"
#include "load/load_recovery.hpp"
#include "log/log.hpp"
#include "search/sharded_index_impl.hpp"

namespace gpushard {
namespace {

/// Plans for devices of this machine, and refuses no later than that what they cannot do.
PlacementPlan plan_for(const IndexProfile& index, const std::vector<DeviceInfo>& rig, const PlanOptions& options) {
    try {
        PlacementPlan plan = plan_placement(index, rig, options);
        check_search(plan, plan.options.k);
        refuse_unsupported(plan);
        return plan;
    } catch (const InsufficientMemory& refusal) {
        const bool elsewhere =
            std::any_of(rig.begin(), rig.end(), [](const DeviceInfo& device) { return device.planning_only; });
        if (elsewhere) throw;
        throw within_host_memory(refusal);
    }
}

PlacementPlan plan_source(const ByteSource& source, const LoadOptions& options) {
    const IndexProfile profile = inspect_index(source);
    PlacementPlan plan = plan_here(profile, options);
    plan.fingerprint = fingerprint(source, profile);
    return plan;
}

/// The devices of this machine; `claim` is what the load is promised of the host, and must outlive it.
LoadEnvironment this_machine(std::optional<HostClaim>& claim, bool may_replan) {
    LoadEnvironment environment{.open = [&claim](const PlacementPlan& plan) { return open_devices(plan, claim); },
                                .replan = {}};
    if (!may_replan) return environment;
    environment.replan = [](const IndexProfile& index, std::vector<DeviceInfo> rig, PlanOptions options) {
        cap_host_memory(rig, options);
        return plan_for(index, rig, options);
    };
    return environment;
}

/// Devices that the caller has opened, null where there is none to be had. A spill that the caller did not plan for
/// goes to a device of our own.
LoadEnvironment given(std::vector<std::shared_ptr<Device>> devices, bool may_replan) {
    LoadEnvironment environment;
    environment.open = [devices](const PlacementPlan& plan) {
        std::vector<std::shared_ptr<Device>> opened = devices;
        opened.resize(plan.devices.size());
        if (plan.spilled && !opened.back()) opened.back() = make_cpu_device(plan.devices.back().device);
        return opened;
    };
    if (!may_replan) return environment;
    environment.replan = [devices = std::move(devices)](const IndexProfile& index, std::vector<DeviceInfo> rig,
                                                        PlanOptions options) {
        for (std::size_t i = 0; i < rig.size(); ++i) {
            if (!devices[i]) rig[i].free_bytes = 0;
        }
        std::vector<DeviceInfo> taken_at_their_word;
        cap_host_memory(taken_at_their_word, options);
        return plan_placement(index, rig, options);
    };
    return environment;
}

ShardedIndex load_at(const LoadEnvironment& environment, const PlacementPlan& plan,
                     std::shared_ptr<const ByteSource> source, const LoadOptions& options) {
    log_info("loading {}: {} onto {} of {} devices, {} of staging", plan.index.display_name(),
             format_bytes(plan.totals().resident), plan.used_devices(), plan.devices.size(),
             format_bytes(plan.host_staging_bytes));
    RecoveredLoad load = load_with_recovery(plan, source, environment, options);
    LoadReport& report = load.loaded.report;
    log_info("loaded {}: {} read in {:.3f} s", plan.index.display_name(), format_bytes(report.file_bytes_read),
             report.seconds);
    if (report.non_finite_rows > 0) {
        log_warn("{}: {} rows hold a NaN or an infinity, the first is row {}; they are kept as they are",
                 plan.index.display_name(), report.non_finite_rows, report.first_non_finite_row);
    }
    if (report.overflowing_norm_rows > 0) {
        log_warn("{}: {} rows are too long for L2 in float32, the first is row {}; cards do not find them",
                 plan.index.display_name(), report.overflowing_norm_rows, report.first_overflowing_norm_row);
    }
    if (report.underflowed_rows > 0) {
        log_warn("{}: {} rows are too small for float16 and lose their digits, the first is row {}",
                 plan.index.display_name(), report.underflowed_rows, report.first_underflowed_row);
    }
    return ShardedIndex(std::make_shared<ShardedIndexImpl>(std::move(load.plan), std::move(report), std::move(source),
                                                           std::move(load.devices), std::move(load.loaded.shards)));
}

/// Nobody asked for the host: it is what this build can use.
void warn_of_unused_cards(const IndexProfile& index) {
    const std::string here = cards_left_unused();
    if (here.empty()) return;
    log_warn(
        "{}: {} of vectors go into host memory: {}, but this build of gpushard has no GPU support; build with "
        "-DGPUSHARD_CUDA=ON, or name the host: --devices cpu",
        index.display_name(), format_bytes(index.payload_bytes), here);
}

}  // namespace

PlacementPlan plan_here(const IndexProfile& index, const LoadOptions& options) {
    if (options.devices.empty()) warn_of_unused_cards(index);
    std::vector<DeviceInfo> rig = resolve_devices(options.devices);
    take_held_budgets(rig);
    PlanOptions asked = options.plan;
    if (asked.threads == 0) asked.threads = default_threads();
    return plan_for(index, rig, asked);
}

ShardedIndex load_here(const PlacementPlan& plan, std::shared_ptr<const ByteSource> source,
                       const LoadOptions& options) {
    prepare_host(plan);
    std::optional<HostClaim> claim;
    ShardedIndex index = load_at(this_machine(claim, options.may_replan), plan, std::move(source), options);
    if (claim) claim->loaded();
    return index;
}

PlacementPlan plan(const std::vector<std::filesystem::path>& parts, const LoadOptions& options) {
    return plan_source(*open_parts(parts, options.part_order), options);
}

PlacementPlan plan(const std::filesystem::path& path, const LoadOptions& options) {
    return plan(std::vector{path}, options);
}

PlacementPlan plan(const IndexProfile& index, const LoadOptions& options) { return plan_here(index, options); }

ShardedIndex load(const std::vector<std::filesystem::path>& parts, const LoadOptions& options) {
    const std::shared_ptr<ByteSource> source = open_parts(parts, options.part_order);
    LoadOptions replanning = options;
    replanning.may_replan = true;
    return load_here(plan_source(*source, options), source, replanning);
}

ShardedIndex load(const std::filesystem::path& path, const LoadOptions& options) {
    return load(std::vector{path}, options);
}

ShardedIndex load(const PlacementPlan& plan, const LoadOptions& options) {
    plan.must_be_of_a_file();
    check_plan(plan, DevicesOf::machine);
    const std::vector<std::filesystem::path> paths(plan.index.files.begin(), plan.index.files.end());
    const std::shared_ptr<ByteSource> source = open_parts(paths, options.part_order);
    check_same_index(plan, *source);
    PlacementPlan found = plan;
    found.index.files = source->files();
    return load_here(found, source, options);
}

ShardedIndex load(const PlacementPlan& plan, std::shared_ptr<const ByteSource> source,
                  std::vector<std::shared_ptr<Device>> devices, const LoadOptions& options) {
    if (devices.size() != plan.devices.size()) {
        throw InvalidArgument("the plan is for " + std::to_string(plan.devices.size()) + " devices, " +
                              std::to_string(devices.size()) + " are given");
    }
    return load_at(given(std::move(devices), options.may_replan), plan, std::move(source), options);
}

}  // namespace gpushard
