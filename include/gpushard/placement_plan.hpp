#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gpushard/bytes.hpp>
#include <gpushard/device_info.hpp>
#include <gpushard/index_profile.hpp>
#include <gpushard/memory_model.hpp>
#include <gpushard/stock_faiss.hpp>

namespace gpushard {

/// How vectors are shared out among devices.
enum class Strategy {
    balanced,      ///< equal search time: rows in proportion to bandwidth, capped by what each device can hold
    proportional,  ///< equal fill: rows in proportion to what each device can hold
    fewest,        ///< as few devices as possible, those that hold most first
    replicate,     ///< several groups of devices, each with a whole copy; balanced inside a group
};

/// What precision to load. `stored` keeps the file's; `automatic` takes float32 if it fits, else float16, and the
/// plan says which.
enum class PrecisionChoice { stored, f32, f16, bf16, automatic };

std::string_view to_string(Strategy strategy);          ///< as typed after --strategy
std::string_view to_string(PrecisionChoice precision);  ///< as typed after --precision; `automatic` is "auto"
Strategy parse_strategy(std::string_view text);         ///< throws InvalidArgument
/// Also accepts float32, fp32, float16, fp16, half, bfloat16; throws InvalidArgument.
PrecisionChoice parse_precision(std::string_view text);

/// The most threads a plan may name.
inline constexpr int most_threads = 4096;

/// What a plan is asked to achieve.
struct PlanOptions {
    Strategy strategy = Strategy::balanced;
    int replicas = 1;     ///< groups for Strategy::replicate; other strategies take 1 only
    int min_devices = 1;  ///< use at least so many devices, even if fewer would do
    PrecisionChoice precision = PrecisionChoice::stored;
    /// Memory of each device to leave untouched. Unset: 256 MiB on a card, 0 on the host.
    std::optional<Bytes> reserve_bytes;
    Bytes staging_bytes = 256_MiB;  ///< host memory for staging during a load, all devices together
    /// Host memory that may take rows, for one replica, where the devices have no room for all of them. It is planned
    /// only when it is needed, as one more device at the end of the list, and takes as few rows as will do. 0: none.
    Bytes spill_bytes = 0;
    std::int64_t max_batch = 256;  ///< most queries searched at a time; larger calls are cut into such batches
    std::int64_t k = 10;  ///< neighbours for which search scratch is planned; a larger k searches in smaller tiles
    /// Threads that search on the host, all its devices together. 0: as many as this process has processors, found out
    /// by whoever plans for this machine (plan, load); plan_placement, which asks no machine, takes it for 1.
    int threads = 0;
};

/// Whether a shard holds its rows less a centre, the mean of a sample of the rows: distances to queries less the same
/// stay what they are, inner products with queries as they are lack one number a query, which is added again, and what
/// the rows have in common costs no digits.
enum class Centring {
    none,
    if_far,  ///< where the sample says that norms are large against distances
    always,
};
std::string_view to_string(Centring centring);  ///< "none", "if far" or "always"

/// What a shard on such a device does: always in float16 and bfloat16 by metrics that a shift does not change (L2, L1,
/// Linf) or changes by a constant (inner product); in float32 only on cards by L2, where distances are made of norms.
Centring planned_centring(DeviceKind kind, Precision precision, Metric metric);

/// Rows [begin, end) of an index.
struct RowRange {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::int64_t count() const { return end - begin; }
    bool operator==(const RowRange&) const = default;
};

/// What one device of the rig is given. A device that is given nothing has no rows and group -1.
struct ShardPlacement {
    DeviceInfo device;
    Bytes reserve_bytes = 0;
    RowRange rows;
    double share = 0;  ///< of the index, 0 to 1
    int group = -1;    ///< replica this shard belongs to
    SearchTile tile;
    ShardMemory memory;

    /// free - reserve - context, never below zero: what the plan may use of this device.
    Bytes usable_bytes() const;
};

/// A decision: which rows go where and what that takes. A plain value; printed and read back by report.hpp.
struct PlacementPlan {
    IndexProfile index;
    std::string fingerprint;  ///< of the index file; empty where the plan was made from a profile alone
    PlanOptions options;
    Precision precision = Precision::f32;
    std::vector<ShardPlacement> devices;  ///< one for each device of the rig, in the order given, and the spill last
    bool spilled = false;                 ///< the last device is host memory under PlanOptions::spill_bytes
    Bytes host_staging_bytes = 0;         ///< host memory used while loading, beside the shards
    Bytes host_resident_bytes = 0;        ///< host memory the shards on the host keep
    Bytes host_search_bytes = 0;          ///< host memory for answers of several shards before they are merged
    StockFaissOutcome stock_faiss;        ///< what stock Faiss would do with the same request

    /// Throws InvalidArgument where the plan is of no file, and so cannot be loaded or replayed.
    void must_be_of_a_file() const;
    /// Sum of the devices' memory.
    ShardMemory totals() const;
    /// What the host takes at most: staging, the peaks of the shards on it, and host_search_bytes.
    Bytes host_peak_bytes() const;
    /// Devices that hold rows.
    int used_devices() const;
};

}  // namespace gpushard
