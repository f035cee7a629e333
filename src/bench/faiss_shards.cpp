#include "bench/faiss_shards.hpp"

#include <faiss/IndexFlat.h>
#include <faiss/index_io.h>

namespace gpushard::bench {

FaissShards::FaissShards(const std::filesystem::path& file, const PlacementPlan& plan) {
    const std::unique_ptr<faiss::Index> whole(faiss::read_index(file.c_str()));
    const auto& flat = dynamic_cast<const faiss::IndexFlat&>(*whole);
    const auto dim = static_cast<int>(flat.d);
    threaded_ = std::make_unique<faiss::IndexShards>(dim, true, true);
    serial_ = std::make_unique<faiss::IndexShards>(dim, false, true);
    for (const ShardPlacement& placement : plan.devices) {
        if (placement.rows.count() == 0) continue;
        auto shard = std::make_unique<faiss::IndexFlat>(flat.d, flat.metric_type);
        shard->metric_arg = flat.metric_arg;
        shard->add(placement.rows.count(), flat.get_xb() + placement.rows.begin * flat.d);
        threaded_->add_shard(shard.get());
        serial_->add_shard(shard.get());
        shards_.push_back(std::move(shard));
    }
}

}  // namespace gpushard::bench
