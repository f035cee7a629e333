#pragma once

#include <array>
#include <memory>
#include <vector>

#include <gpushard/backend.hpp>

#include "cuda/card_buffer.hpp"
#include "cuda/device_resources.hpp"
#include "shard/row_intake.hpp"

namespace gpushard {

/// Rows of a flat index in a buffer on a card, searched with faiss::gpu::bfKnn in tiles of the plan.
class CudaShard final : public Shard {
public:
    /// `ledger` is that of `resources` where gpushard made them; null where they are the caller's, whose temporaries
    /// are then not counted.
    CudaShard(ShardSpec spec, std::string device, int ordinal, std::shared_ptr<faiss::gpu::GpuResources> resources,
              const MemoryLedger* ledger);
    ~CudaShard() override;

    /// Takes all memory of the shard; nothing is read before that. Throws InsufficientMemory, DeviceError.
    void allocate();

    /// Streams the rows through page-locked memory: while the card copies one buffer, the next is read and converted.
    void fill(RowFeed& feed);

    void search(std::int64_t query_count, const float* queries, std::int64_t k, float* distances,
                std::int64_t* ids) override;

    MemoryUse memory() const override;
    LoadCount load_count() const override;

private:
    class Upload;
    class TileSearch;

    bool has_norms() const { return spec_.index.metric == Metric::l2; }
    bool similarity() const { return is_similarity(spec_.index.metric); }
    const float* centre() const { return spec_.centre ? spec_.centre->data() : nullptr; }
    void warm_up();
    void search_with(SearchTile tile, std::int64_t query_count, const float* queries, std::int64_t own_k,
                     std::int64_t k, float* distances, std::int64_t* ids);
    void nearest(const void* queries, std::int64_t query_count, const std::byte* rows, const float* norms,
                 std::int64_t row_count, std::int64_t k, float* distances, std::int64_t* ids);

    const ShardSpec spec_;
    CardInUse card_;
    const MemoryLedger* const ledger_;
    RowIntake intake_{spec_};
    Bytes norm_bytes_copied_ = 0;
    std::unique_ptr<CardBuffer> rows_;
    std::unique_ptr<CardBuffer> norms_;
    std::unique_ptr<Upload> upload_;
    std::unique_ptr<TileSearch> tiles_;
};

}  // namespace gpushard
