#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gpushard/index_profile.hpp>
#include <gpushard/placement_plan.hpp>
#include <gpushard/row_findings.hpp>

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

    /// The answers to query i without the padding. Throws std::out_of_range, also where the arrays are too short.
    std::vector<Neighbor> row(std::int64_t i) const;
};

/// What a load did, device by device, and what it found in the rows.
struct LoadReport : RowFindings {
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
        bool centred = false;         ///< holds rows less `centre`
    };
    std::vector<PerDevice> devices;
    /// What OpenMP, on whose threads Faiss searches on the host by metrics other than inner product and L2, took of
    /// this process's memory when its threads were started, and keeps: measured, beside the plan. 0 for a later load
    /// that finds them there, and nearly 0 for those two metrics.
    Bytes host_library_bytes = 0;
    Bytes host_peak_bytes = 0;  ///< host memory of the load: staging (the cards' share as granted) and host shards
    /// Every byte once; twice what the fingerprint is made of (the header and at most 64 KiB), and the centre's sample.
    Bytes file_bytes_read = 0;
    double seconds = 0;
    /// The mean of `centre_sample_rows` rows spread evenly over the index, a whole number where all of a column are;
    /// empty where no device needed one. See Centring.
    std::vector<float> centre;
    std::int64_t centre_sample_rows = 0;
    std::vector<std::string> recovery;  ///< what had to be done differently from the plan, in order
};

class ShardedIndexImpl;

/// One index in several shards, searched as one. Made by gpushard::load. Movable.
///
/// Thread safety. Every member may be called from any number of threads at once, also while others move from the index,
/// assign to it or swap it: a call works on the shards that it began with until it ends. Each device works on one call
/// at a time.
///
/// Destroying the index, or assigning to it, waits for the calls that have begun on what it held, and frees the shards
/// before it returns, unless somebody shares them: a view by as_faiss_index, whoever keeps impl(), a verify or a search
/// with device memory that is under way. The last of them frees the shards. As with any object, no call may begin on it
/// once its destructor has.
///
/// Calls on an index that was moved from throw InvalidArgument; it may be destroyed, assigned to and swapped.
///
/// A process that is forked has the index, but not the threads that search it: there searches and peak_bytes throw
/// InvalidArgument, the other calls work, and destroying it neither waits nor frees its shards. Load an index in the
/// process that is to search it.
///
/// The shards of a Device of your own must not search the index they are a part of: InvalidArgument. Where they destroy
/// it during a search, that search frees it when it ends.
class ShardedIndex {
public:
    /// Throws InvalidArgument when there is none.
    explicit ShardedIndex(std::shared_ptr<const ShardedIndexImpl> impl);
    ShardedIndex(ShardedIndex&&) noexcept;
    ShardedIndex& operator=(ShardedIndex&&) noexcept;
    ~ShardedIndex();

    /// In one step: calls that begin meanwhile on either find the one index or the other.
    friend void swap(ShardedIndex& one, ShardedIndex& other) noexcept;

    std::int64_t dim() const;
    std::int64_t count() const;
    Metric metric() const;

    /// The k nearest of one query of dim() floats; fewer where the index has fewer. All searches throw
    /// InvalidArgument (k < 1, a NaN or infinity in a query, a vector of another length, a null pointer, more queries
    /// than memory can address), DeviceError (a shard failed: no partial answer is given) and InsufficientMemory (k too
    /// large for the planned scratch).
    std::vector<Neighbor> search(const float* query, std::int64_t k) const;
    std::vector<Neighbor> search(const std::vector<float>& query, std::int64_t k) const;

    /// nq queries, row-major (nq, dim()). With nq = 0 pointers may be null, here and below.
    SearchResult search(std::int64_t nq, const float* queries, std::int64_t k) const;

    /// Faiss's shape: fills the caller's (nq, k) arrays. Missing answers have label -1 and the worst float as distance.
    void search(std::int64_t nq, const float* queries, std::int64_t k, float* distances, std::int64_t* labels) const;

    /// Both stay where they are until the shards are freed, also when the index is moved. Who reads them while another
    /// thread may destroy the index or assign to it keeps impl() meanwhile.
    const PlacementPlan& plan() const;
    const LoadReport& load_report() const;

    /// Highest bytes in use so far on each device of the plan, load and searches included, by its own ledger.
    std::vector<Bytes> peak_bytes() const;

    /// The most of PlacementPlan::host_search_bytes that answers have taken so far while they waited to be merged.
    Bytes host_search_peak_bytes() const;

    /// Never null. Keeps the shards, the plan and the report for as long as it is held.
    std::shared_ptr<const ShardedIndexImpl> impl() const;

private:
    struct Hold;
    class Call;

    static void let_go(const std::shared_ptr<Hold>& hold) noexcept;

    std::shared_ptr<Hold> hold_;  ///< null when moved from
};

}  // namespace gpushard
