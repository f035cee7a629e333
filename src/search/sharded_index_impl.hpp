#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <sys/types.h>
#include <vector>

#include <gpushard/backend.hpp>
#include <gpushard/byte_source.hpp>
#include <gpushard/placement_plan.hpp>
#include <gpushard/sharded_index.hpp>

#include "search/answer_lists.hpp"
#include "search/device_worker.hpp"

namespace gpushard {

/// The shards of one index and the threads that search them.
class ShardedIndexImpl {
public:
    /// `shards` has an entry for each device of the plan, null where the plan gives it no rows.
    ShardedIndexImpl(PlacementPlan plan, LoadReport report, std::shared_ptr<const ByteSource> source,
                     std::vector<std::shared_ptr<Device>> devices, std::vector<std::unique_ptr<Shard>> shards);
    ~ShardedIndexImpl();

    /// Whether this is a process forked from the one that loaded the index: its workers are not here then.
    bool is_forked() const;

    /// Whether this thread is one of those that search the shards.
    bool is_on_own_worker() const;

    /// The number of answers, nq x k. Throws InvalidArgument for k < 1, nq < 0 and more than memory can address.
    static std::size_t count_answers(std::int64_t nq, std::int64_t k);

    /// Throws InvalidArgument for what search cannot be asked, whatever the queries hold: numbers and pointers, a
    /// forked process, a thread that searches this index itself.
    void check_queries(std::int64_t nq, const float* queries, std::int64_t k) const;

    /// Distances and ids are (nq, k). Thread-safe.
    void search(std::int64_t nq, const float* queries, std::int64_t k, float* distances, std::int64_t* ids) const;

    const PlacementPlan& plan() const { return plan_; }
    const LoadReport& report() const { return report_; }
    /// Where the index was loaded from.
    const ByteSource& source() const { return *source_; }
    std::vector<Bytes> peak_bytes() const;
    Bytes host_search_peak_bytes() const;

private:
    class Batch;

    /// The workers of one copy of the index.
    using Group = std::vector<DeviceWorker*>;

    void refuse_forked() const;
    void prepare_shards();
    void refuse_non_finite(std::int64_t nq, const float* queries) const;
    const Group& next_group() const;
    void search_batches(std::int64_t nq, const float* queries, std::int64_t k, float* distances,
                        std::int64_t* ids) const;
    std::int64_t batch_size(std::int64_t nq, std::int64_t k) const;
    Bytes answer_bytes(const Group& group, std::int64_t nq, std::int64_t k) const;
    [[noreturn]] void refuse_neighbors(std::int64_t k, Bytes needed) const;

    const pid_t process_;
    const PlacementPlan plan_;
    LoadReport report_;  ///< not changed once this is made
    const std::shared_ptr<const ByteSource> source_;
    std::vector<std::unique_ptr<DeviceWorker>> workers_;  // null where the plan gives a device no rows
    std::vector<Group> groups_;
    mutable std::mutex mutex_;
    mutable std::size_t searches_ = 0;
    mutable AnswerLists answers_;
};

}  // namespace gpushard
