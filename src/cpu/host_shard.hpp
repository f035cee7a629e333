#pragma once

#include <memory>
#include <string>

#include <gpushard/backend.hpp>

#include "cpu/host_buffer.hpp"
#include "shard/device_budget.hpp"
#include "shard/row_intake.hpp"

namespace gpushard {

/// What the shards of a device are granted of a budget that they share with those of other loads.
class SharedClaim {
public:
    SharedClaim(std::shared_ptr<DeviceBudget> shared, std::shared_ptr<DeviceBudget> granted, Bytes bytes);
    ~SharedClaim();
    SharedClaim(const SharedClaim&) = delete;
    SharedClaim& operator=(const SharedClaim&) = delete;

private:
    const std::shared_ptr<DeviceBudget> shared_;
    const std::shared_ptr<DeviceBudget> granted_;  ///< counts what the device has of it
    const Bytes bytes_;
};

/// Rows in host memory. How they are searched is for those who derive from it.
class HostShard : public Shard {
public:
    HostShard(ShardSpec spec, std::shared_ptr<DeviceBudget> budget, std::unique_ptr<SharedClaim> claim);

    void fill(RowFeed& feed);

    MemoryUse memory() const override { return use_; }
    LoadCount load_count() const override { return intake_.count(); }

protected:
    const ShardSpec& spec() const { return spec_; }
    const std::string& device() const { return budget_->device(); }
    bool similarity() const { return is_similarity(spec_.index.metric); }
    const std::byte* row(std::int64_t row) const {
        return rows_.data() + static_cast<Bytes>(row) * intake_.held_row_bytes();
    }

    /// The tile for a search with this k: the planned one, or a smaller one for a larger k.
    SearchTile tile(std::int64_t k) const;

    /// Takes the scratch of searching with this tile from the budget.
    HostCharge charge_search(const SearchTile& tile, std::int64_t k);

private:
    void take(const RowBlock& block);

    const ShardSpec spec_;
    const std::unique_ptr<SharedClaim> claim_;
    const std::shared_ptr<DeviceBudget> budget_;
    MemoryUse use_;
    RowIntake intake_{spec_};
    HostCharge resident_;
    HostBuffer rows_;
};

}  // namespace gpushard
