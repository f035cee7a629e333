#include <algorithm>
#include <string>
#include <utility>

#include <gpushard/backend.hpp>
#include <gpushard/device_info.hpp>
#include <gpushard/error.hpp>
#include <gpushard/index_inspector.hpp>
#include <gpushard/load.hpp>
#include <gpushard/placement_planner.hpp>

#include "api/open_devices.hpp"
#include "load/shard_loader.hpp"
#include "log/log.hpp"
#include "search/sharded_index_impl.hpp"

namespace gpushard {
namespace {

std::shared_ptr<ByteSource> open(const std::vector<std::filesystem::path>& paths) {
    if (paths.empty()) throw InvalidArgument("no index file is named, expected at least one path");
    return paths.size() == 1 ? open_file(paths.front()) : open_parts(paths);
}

PlacementPlan plan_source(const ByteSource& source, const std::vector<std::filesystem::path>& paths,
                          const LoadOptions& options) {
    IndexProfile profile = inspect_index(source);
    profile.files.assign(paths.begin(), paths.end());
    PlacementPlan plan = plan_placement(profile, resolve_devices(options.devices), options.plan);
    refuse_unsupported(plan);
    plan.fingerprint = fingerprint(source, profile);
    return plan;
}

ShardedIndex load_planned(const PlacementPlan& plan, std::shared_ptr<const ByteSource> source,
                          const LoadOptions& options) {
    return load(plan, std::move(source), open_devices(plan), options);
}

}  // namespace

PlacementPlan plan(const std::vector<std::filesystem::path>& parts, const LoadOptions& options) {
    return plan_source(*open(parts), parts, options);
}

PlacementPlan plan(const std::filesystem::path& path, const LoadOptions& options) {
    return plan(std::vector{path}, options);
}

ShardedIndex load(const std::vector<std::filesystem::path>& parts, const LoadOptions& options) {
    const std::shared_ptr<ByteSource> source = open(parts);
    return load_planned(plan_source(*source, parts, options), source, options);
}

ShardedIndex load(const std::filesystem::path& path, const LoadOptions& options) {
    return load(std::vector{path}, options);
}

ShardedIndex load(const PlacementPlan& plan, const LoadOptions& options) {
    const std::vector<std::filesystem::path> paths(plan.index.files.begin(), plan.index.files.end());
    const std::shared_ptr<ByteSource> source = open(paths);
    check_same_index(plan, *source);
    return load_planned(plan, source, options);
}

ShardedIndex load(const PlacementPlan& plan, std::shared_ptr<const ByteSource> source,
                  std::vector<std::shared_ptr<Device>> devices, const LoadOptions& options) {
    if (devices.size() != plan.devices.size()) {
        throw InvalidArgument("the plan is for " + std::to_string(plan.devices.size()) + " devices, " +
                              std::to_string(devices.size()) + " are given");
    }
    log_info("loading {}: {} onto {} of {} devices, {} of staging", plan.index.display_name(),
             format_bytes(plan.totals().resident), plan.used_devices(), plan.devices.size(),
             format_bytes(plan.host_staging_bytes));
    LoadedShards loaded = load_shards(plan, source, devices, options);
    log_info("loaded {}: {} read in {:.3f} s", plan.index.display_name(), format_bytes(loaded.report.file_bytes_read),
             loaded.report.seconds);
    if (loaded.report.non_finite_rows > 0) {
        log_warn("{}: {} rows hold a NaN or an infinity, the first is row {}; they are kept as they are",
                 plan.index.display_name(), loaded.report.non_finite_rows, loaded.report.first_non_finite_row);
    }
    return ShardedIndex(std::make_shared<ShardedIndexImpl>(plan, std::move(loaded.report), std::move(source),
                                                           std::move(devices), std::move(loaded.shards)));
}

}  // namespace gpushard
