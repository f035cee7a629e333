#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include <faiss/Index.h>
#include <faiss/IndexShards.h>

#include <gpushard/placement_plan.hpp>

namespace gpushard::bench {

/// What a program does without gpushard: the whole index read into host memory, cut into IndexFlat shards of the rows
/// the plan has, searched as a faiss::IndexShards.
class FaissShards {
public:
    FaissShards(const std::filesystem::path& file, const PlacementPlan& plan);

    /// The same shards, searched by a thread each or one after the other with all threads.
    const faiss::Index& threaded() const { return *threaded_; }
    const faiss::Index& serial() const { return *serial_; }

private:
    std::vector<std::unique_ptr<faiss::Index>> shards_;
    std::unique_ptr<faiss::IndexShards> threaded_;
    std::unique_ptr<faiss::IndexShards> serial_;
};

}  // namespace gpushard::bench
