#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <gpushard/bytes.hpp>
#include <gpushard/device_info.hpp>
#include <gpushard/index_profile.hpp>
#include <gpushard/placement_plan.hpp>
#include <gpushard/row_findings.hpp>

namespace gpushard {

/// Everything a device must know to hold one shard.
struct ShardSpec {
    IndexProfile index;
    Precision precision = Precision::f32;
    RowRange rows;
    SearchTile tile;
    ShardMemory memory;  ///< what the plan granted; the shard keeps within it
    std::int64_t k = 10;
    std::int64_t max_batch = 256;
    /// Host memory for buffers of the shard's own while it loads; 0 for a shard on the host. A part of what the plan
    /// grants to the staging of the load, so it may be less than a row where many cards share little.
    Bytes staging_bytes = 0;
    int threads = 1;  ///< that search on the host, all its devices together
    /// What rows are held less, `dim` values; null where they are held as they are. See Centring.
    std::shared_ptr<const std::vector<float>> centre;

    ShardWorkload workload(DeviceKind kind) const;
};

/// Some consecutive rows of an index on their way to a shard: float32, row-major, (row_count, dim).
/// `rows` stays valid until the next call of RowFeed::next or the end of the feed.
struct RowBlock {
    std::int64_t first_row = 0;  ///< in the whole index
    std::int64_t row_count = 0;
    const float* rows = nullptr;
};

/// Where a shard pulls its rows from while it loads. One feed belongs to one shard and one thread. Between them, the
/// feeds of a load read every byte of the payload once, also where several shards need the same rows, and hold no
/// more host memory than the load's staging allows.
class RowFeed {
public:
    virtual ~RowFeed() = default;

    /// The next block of this shard's rows, in an order the feed chooses, aligned to no particular size; nothing
    /// when all have been given. Where the shard keeps float32 rows in host memory it passes their address as
    /// `destination` (room for all rows of the shard, in order): a block no other shard needs is then read straight
    /// to its place, and its `rows` point there. Otherwise `rows` point into staging and are the shard's to copy.
    /// The first call returns only when every shard of the load has made its own, so nothing is read for a load that
    /// finds a device fuller than planned: a shard calls it after it has allocated everything it will hold.
    /// Throws Cancelled when the load was given up, and what reading throws.
    virtual std::optional<RowBlock> next(float* destination = nullptr) = 0;
};

/// Bytes of a device or shard, as its own ledger has them.
struct MemoryUse {
    Bytes resident = 0;  ///< held for as long as the shard lives
    Bytes current = 0;
    Bytes peak = 0;  ///< highest `current` so far
};

/// What a shard counted while it was filled.
struct LoadCount : RowFindings {
    Bytes copied_bytes = 0;  ///< bytes written to the device
};

/// Some rows of an index, searchable. Not thread-safe: one thread at a time calls it.
class Shard {
public:
    virtual ~Shard() = default;

    /// The best `k` rows of this shard for each of `query_count` queries (row-major, float32, finite): distances
    /// and ids are (query_count, k), best first, ties by lower id; ids are rows of the whole index, -1 where the
    /// shard has fewer than k rows. Cuts the work into tiles, so scratch stays within the plan; throws
    /// InsufficientMemory when one query with this k does not fit it.
    virtual void search(std::int64_t query_count, const float* queries, std::int64_t k, float* distances,
                        std::int64_t* ids) = 0;

    virtual MemoryUse memory() const = 0;
    virtual LoadCount load_count() const = 0;

    /// Called once, on the thread that will search and before its first search: takes what searches take for good
    /// beside the shard's own memory (threads, buffers of libraries), so that what lacks is found out at load. Throws
    /// InsufficientMemory.
    virtual void prepare() {}
};

/// A place that can hold shards. One thread at a time calls load_shard and the shards made by it.
class Device {
public:
    virtual ~Device() = default;

    virtual const DeviceInfo& info() const = 0;

    /// What a new shard may take now, within the budget.
    virtual Bytes free_bytes() const = 0;

    /// Allocates a shard and fills it from `feed`. Everything the shard holds while it lives or loads, its buffers
    /// included, is allocated before the first RowFeed::next, which waits until the other shards of the load are as
    /// far. All or nothing: when it throws, everything it took is free again.
    /// Throws InsufficientMemory above the budget or when memory runs out (its field "device" is "host" where host
    /// memory for the shard's staging did), BadFile for a row that overflows the
    /// precision it is converted to (with its number) and for rows too small for it, DeviceError when the device fails.
    virtual std::unique_ptr<Shard> load_shard(const ShardSpec& spec, RowFeed& feed) = 0;
};

/// A device in host memory. `info.free_bytes` is its byte budget. Compares in float32: by inner product and L2 with a
/// scan of its own, else with Faiss's CPU code. Throws InvalidArgument for a device that is not the host.
std::unique_ptr<Device> make_cpu_device(const DeviceInfo& info);

}  // namespace gpushard
