#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <gpushard/byte_source.hpp>
#include <gpushard/placement_plan.hpp>
#include <gpushard/sharded_index.hpp>

namespace gpushard {

class Device;

/// How far a load has come. Rates are averages since the load began.
struct LoadProgress {
    struct PerDevice {
        std::string spec;
        Bytes loaded_bytes = 0;  ///< payload bytes taken from the feed
        Bytes total_bytes = 0;
        double bytes_per_second = 0;
        double seconds_left = 0;  ///< estimate; 0 when done, and before the first block
    };
    std::vector<PerDevice> devices;
    Bytes loaded_bytes = 0;
    Bytes total_bytes = 0;
    double seconds = 0;  ///< since the load began
    double bytes_per_second = 0;
    double seconds_left = 0;
};

/// Knobs of a load.
struct LoadOptions {
    /// Where to load: see resolve_devices. Empty: every visible card in a CUDA build, the host otherwise.
    /// A budget of the host is one for the whole process: `cpu=2GiB` again has what the indexes that were loaded with
    /// it leave (their planned peaks count for as long as they live), and `cpu=2GiB*4` are four such budgets, in order.
    /// Budgets written differently are different ones; what rows may spill to belongs to one load.
    std::string devices;
    PlanOptions plan;
    /// Whether the names of several files are checked: see open_parts.
    PartOrder part_order = PartOrder::by_name;
    /// For the loads that are given a plan: whether rows may go elsewhere when a device turns out fuller than it was,
    /// refuses memory, or fails. The plan that was loaded is ShardedIndex::plan() then, and LoadReport::recovery says
    /// why. Loads that plan by themselves always may.
    bool may_replan = false;
    /// Called from a thread of the load, never by two at a time, at most every `progress_interval` and once at the
    /// end. An exception it throws gives the load up, whatever its type, and reaches the caller as it was thrown. A
    /// load that begins again after a failure counts from zero again.
    std::function<void(const LoadProgress&)> on_progress;
    std::chrono::milliseconds progress_interval{100};
    /// Ask to stop through it: the load ends with Cancelled within one block per device, leaving nothing behind.
    std::stop_token stop;
};

/// Loads an index file: inspects, probes the devices, plans, and fills one shard per device by streaming. A
/// transaction: returns a whole index or throws and leaves nothing behind.
///
/// When memory turns out shorter than planned, or a device fails, everything is released, the devices are looked at
/// again, and the load begins again with what there is: less staging, rows on other devices (those without rows so far,
/// too), smaller search tiles, rows in host memory where PlanOptions::spill_bytes allows it, a failed device left out.
/// Every step is a line of LoadReport::recovery. No row but those of a sample is read before every device has given its
/// memory, so this costs no other reading, unless a device fails later. The precision never changes.
///
/// At the end the file must be the one that was planned: its times, and the pieces that the fingerprint is made of,
/// which are read a second time.
///
/// Throws what inspect_index, resolve_devices and plan_placement throw, the latter also when nothing fits any more (the
/// first failure and what was tried are hints then); FileChanged when the file changes meanwhile; DeviceError when a
/// device fails and the others cannot take its rows; Cancelled.
ShardedIndex load(const std::filesystem::path& path, const LoadOptions& options = {});

/// The same for an index cut into several files, in order: see open_parts, and it throws what that throws.
ShardedIndex load(const std::vector<std::filesystem::path>& parts, const LoadOptions& options = {});

/// Loads exactly the placement of `plan`, on the machine it was made for. Free memory is checked again
/// (InsufficientMemory); a plan made or changed by hand that contradicts itself and one of no file (InvalidArgument, by
/// the rules of plan_from_json), another index (FileChanged, by fingerprint) or another device (DeviceError, by UUID
/// where there is one) is refused. Only staging may become less than planned, unless `options.may_replan` is set.
/// `options.devices` and `options.plan` are not used; its files are held to `options.part_order`.
ShardedIndex load(const PlacementPlan& plan, const LoadOptions& options = {});

/// Plans `path` as load would, without loading: inspects, probes the devices, plans, and takes the fingerprint.
PlacementPlan plan(const std::filesystem::path& path, const LoadOptions& options = {});
PlacementPlan plan(const std::vector<std::filesystem::path>& parts, const LoadOptions& options = {});

/// The same for an index that need not exist: see flat_profile. The plan has no fingerprint.
PlacementPlan plan(const IndexProfile& index, const LoadOptions& options = {});

/// The seam under the calls above, for devices and sources of your own: loads `plan` from `source` onto `devices`,
/// one for each entry of plan.devices in the same order (null where the plan gives it no rows). The index keeps the
/// devices alive. The plan's memory may be another than the memory model's where a device of your own says so;
/// otherwise it is checked as above. With `options.may_replan` rows may move among the devices that were given, by
/// plan_placement, and spill to host memory.
ShardedIndex load(const PlacementPlan& plan, std::shared_ptr<const ByteSource> source,
                  std::vector<std::shared_ptr<Device>> devices, const LoadOptions& options = {});

/// What `verify` found.
struct VerifyReport {
    std::int64_t rows = 0;  ///< rows searched for
    /// Rows of the whole index that the load counted and no search finds: those with a NaN or an infinity, and those
    /// whose norm overflows where that hides them.
    std::int64_t unreachable_rows = 0;
    /// Largest |reported - exact distance|, relative to the scale of the metric: |q| |x| for inner product,
    /// |q|^2 + |x|^2 for L2, the distance itself for others. Of an error beyond that bound which rounding the
    /// vectors explains, what rounding leaves counts, 1e-5 of the scale as all of error_bound.
    double worst_error = 0;
    double error_bound = 0;  ///< what worst_error may be at this precision: 1e-5, 2e-4 (f16), 4e-3 (bf16)
    /// By L2: the largest error, beyond that of rounding the vectors, relative to the distance of the farthest answer,
    /// or to a thousandth of the distance between any two rows where that is more.
    double worst_neighbor_error = 0;
    double neighbor_error_bound = 0;     ///< what worst_neighbor_error may be: 1e-2; 0 where there is no such bound
    double worst_neighbor_rounding = 0;  ///< what rounding the vectors does, relative to the same; it may be 0.5
    std::vector<std::string> failures;   ///< one line each; empty when all is right
};

/// Re-reads `rows` random rows from the index's file, searches each, and compares every answer with arithmetic in
/// double precision on the vectors as they stand in the file. What fails: a distance that is off by more than
/// error_bound, and more than rounding the vectors to the precision of the index explains; by L2 also one that is off
/// by so much that neighbours are not told apart (rows around a far offset), be it by arithmetic or by rounding; a row
/// that is missing from its own nearest, an answer that is none, given twice or out of order. Also: rows that cannot be
/// found (the load looked at every row, so this does not depend on chance), and rows of which none could be searched
/// for. Nothing fails where `rows` is 0 or the index is empty. Cost: about 11 row reads and one search per row. Throws
/// FileChanged when the file is another by now.
VerifyReport verify(const ShardedIndex& index, std::int64_t rows, std::uint64_t seed = 1);

}  // namespace gpushard
