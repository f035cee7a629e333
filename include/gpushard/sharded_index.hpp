#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gpushard/index_profile.hpp>
#include <gpushard/placement_plan.hpp>

namespace gpushard {

/// One answer. For similarities (inner product) `distance` is the similarity, as in Faiss: larger is better.
struct Neighbor {
    std::int64_t id = -1;
    float distance = 0;
    bool operator==(const Neighbor&) const = default;
};

/// Answers to a batch: row-major (nq, k), best first, ties by lower id; id -1 where the index has fewer than k vectors.
struct SearchResult {
    std::int64_t nq = 0;
    std::int64_t k = 0;
    std::vector<std::int64_t> ids;
    std::vector<float> distances;

    /// The answers to query i without the padding. Throws std::out_of_range.
    std::vector<Neighbor> row(std::int64_t i) const;
};

/// What a load did, device by device.
struct LoadReport {
    struct PerDevice {
        std::string spec;
        Bytes measured_resident_bytes = 0;
        Bytes measured_peak_bytes = 0;  ///< of the load
        /// What Device::free_bytes fell by during the load: beside the ledger of the shard, the driver's view of a
        /// card, where other processes may have taken or freed memory meanwhile.
        Bytes measured_free_drop_bytes = 0;
        Bytes copied_bytes = 0;
        double seconds = 0;
        double bytes_per_second = 0;  ///< of payload
    };
    std::vector<PerDevice> devices;
    /// What the libraries that search on the host (BLAS, OpenMP) took of this process's memory when they were made
    /// ready, and keep as long as the process lives: measured, beside the plan. 0 for a later load that finds them
    /// ready.
    Bytes host_library_bytes = 0;
    Bytes host_peak_bytes = 0;  ///< host memory of the load: staging (the cards' share as granted) and host shards
    Bytes file_bytes_read = 0;
    double seconds = 0;
    std::int64_t non_finite_rows = 0;
    std::int64_t first_non_finite_row = -1;
    std::vector<std::string> recovery;  ///< what had to be done differently from the plan, in order
};

class ShardedIndexImpl;

/// One index in several shards, searched as one. Made by gpushard::load. Movable; searches may be called from any
/// number of threads at once, each device works on one at a time. Destroying it waits for running searches and frees
/// every shard.
class ShardedIndex {
public:
    explicit ShardedIndex(std::shared_ptr<const ShardedIndexImpl> impl);
    ShardedIndex(ShardedIndex&&) noexcept;
    ShardedIndex& operator=(ShardedIndex&&) noexcept;
    ~ShardedIndex();

    std::int64_t dim() const;
    std::int64_t count() const;
    Metric metric() const;

    /// The k nearest of one query of dim() floats; fewer where the index has fewer. All searches throw
    /// InvalidArgument (k < 1, a NaN or infinity in a query, a vector of another length), DeviceError (a shard
    /// failed: no partial answer is given) and InsufficientMemory (k too large for the planned scratch).
    std::vector<Neighbor> search(const float* query, std::int64_t k) const;
    std::vector<Neighbor> search(const std::vector<float>& query, std::int64_t k) const;

    /// nq queries, row-major (nq, dim()).
    SearchResult search(std::int64_t nq, const float* queries, std::int64_t k) const;

    /// Faiss's shape: fills the caller's (nq, k) arrays. Missing answers have label -1 and the worst float as distance.
    void search(std::int64_t nq, const float* queries, std::int64_t k, float* distances, std::int64_t* labels) const;

    const PlacementPlan& plan() const;
    const LoadReport& load_report() const;

    /// Highest bytes in use so far on each device of the plan, load and searches included, by its own ledger.
    std::vector<Bytes> peak_bytes() const;

    /// The most of PlacementPlan::host_search_bytes that answers have taken so far while they waited to be merged.
    Bytes host_search_peak_bytes() const;

    const std::shared_ptr<const ShardedIndexImpl>& impl() const { return impl_; }

private:
    std::shared_ptr<const ShardedIndexImpl> impl_;
};

}  // namespace gpushard
