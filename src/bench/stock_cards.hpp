#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include <faiss/Index.h>
#include <faiss/gpu/StandardGpuResources.h>

#include <gpushard/placement_plan.hpp>

namespace gpushard::bench {

/// What a program does without gpushard: the whole index read into host memory, then cloned onto the cards that the
/// plan uses, in shards where there are several. All options are Faiss's own; float16 where the plan is below float32.
class StockCards {
public:
    /// Throws what Faiss throws; what its cloner had put on the cards by then stays there.
    StockCards(const std::filesystem::path& file, const PlacementPlan& plan);

    const faiss::Index& index() const { return *index_; }

private:
    std::vector<std::unique_ptr<faiss::gpu::StandardGpuResources>> resources_;
    std::unique_ptr<faiss::Index> index_;
};

}  // namespace gpushard::bench
