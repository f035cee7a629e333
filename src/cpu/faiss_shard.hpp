#pragma once

#include <cstdint>
#include <memory>

#include "cpu/host_shard.hpp"

namespace gpushard {

/// A shard that is searched with Faiss's CPU code, tile by tile: for the metrics that are neither inner product nor L2.
class FaissShard : public HostShard {
public:
    /// Searches on `threads` threads of OpenMP.
    FaissShard(ShardSpec spec, std::shared_ptr<DeviceBudget> budget, std::unique_ptr<SharedClaim> claim, int threads);

    void search(std::int64_t query_count, const float* queries, std::int64_t k, float* distances,
                std::int64_t* ids) override;
    void prepare() override;

private:
    class TileSearch;

    const int threads_;
};

}  // namespace gpushard
