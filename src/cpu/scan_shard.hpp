#pragma once

#include <cstdint>
#include <memory>

#include "cpu/host_shard.hpp"
#include "cpu/scan_threads.hpp"

namespace gpushard {

/// A shard that is searched by inner product or L2 with the scan of this library: every row is compared with every
/// query, in float32, on the threads that all devices of the host share. Answers are the same bits however the rows are
/// shared out, for every batch and number of threads; of equal distances the lower id is kept.
class ScanShard : public HostShard {
public:
    /// Starts the threads. Throws InsufficientMemory where they cannot be had.
    ScanShard(ShardSpec spec, std::shared_ptr<DeviceBudget> budget, std::unique_ptr<SharedClaim> claim);

    void search(std::int64_t query_count, const float* queries, std::int64_t k, float* distances,
                std::int64_t* ids) override;

private:
    class BatchScan;

    const std::shared_ptr<ScanThreads> threads_;
};

}  // namespace gpushard
