#include "cpu/host_shard.hpp"

#include <optional>
#include <utility>

#include <gpushard/memory_model.hpp>

#include "core/host_scan_memory.hpp"
#include "shard/shard_answers.hpp"

namespace gpushard {

SharedClaim::SharedClaim(std::shared_ptr<DeviceBudget> shared, std::shared_ptr<DeviceBudget> granted, Bytes bytes)
    : shared_(std::move(shared)), granted_(std::move(granted)), bytes_(bytes) {
    if (!shared_) return;
    shared_->charge(bytes_, "a shard with its searches");
    granted_->charge(bytes_, "a shard with its searches");
}

SharedClaim::~SharedClaim() {
    if (!shared_) return;
    granted_->release(bytes_);
    shared_->release(bytes_);
}

HostShard::HostShard(ShardSpec spec, std::shared_ptr<DeviceBudget> budget, std::unique_ptr<SharedClaim> claim)
    : spec_(std::move(spec)),
      claim_(std::move(claim)),
      budget_(std::move(budget)),
      resident_(*budget_, use_, spec_.memory.resident, "a shard"),
      rows_(static_cast<Bytes>(spec_.rows.count()) * intake_.held_row_bytes() + row_padding, budget_->device()) {
    use_.resident = spec_.memory.resident;
}

void HostShard::fill(RowFeed& feed) {
    float* const destination = spec_.precision == Precision::f32 ? rows_.as<float>() : nullptr;
    while (const std::optional<RowBlock> block = feed.next(destination)) take(*block);
    intake_.check_complete(device());
}

void HostShard::take(const RowBlock& block) {
    const auto at = static_cast<Bytes>(block.first_row - spec_.rows.begin);
    std::byte* const held = rows_.data() + at * intake_.held_row_bytes();
    intake_.take(block.first_row, block.row_count, block.rows, held, nullptr);
}

SearchTile HostShard::tile(std::int64_t k) const { return tile_for(spec_, DeviceKind::cpu, k, device()); }

HostCharge HostShard::charge_search(const SearchTile& tile, std::int64_t k) {
    ShardWorkload workload = spec_.workload(DeviceKind::cpu);
    workload.k = k;
    const Bytes scratch = shard_memory(workload, spec_.rows.count(), tile).scratch;
    return HostCharge(*budget_, use_, scratch, "a search");
}

}  // namespace gpushard
