#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <gpushard/backend.hpp>

namespace gpushard::test {

/// Several devices that hold one shard between them, in proportion to their memory: what a sharded index is, under the
/// contract of one device.
class RigDevice final : public Device {
public:
    using PlanMemory = std::function<ShardMemory(const Device&, const ShardSpec&)>;

    /// Each of `parts` must itself have room for `budget`.
    RigDevice(std::vector<std::unique_ptr<Device>> parts, PlanMemory plan_memory, Bytes budget);

    const DeviceInfo& info() const override { return info_; }
    Bytes free_bytes() const override;
    std::unique_ptr<Shard> load_shard(const ShardSpec& spec, RowFeed& feed) override;

    /// What the parts of a shard take together.
    ShardMemory planned_memory(const ShardSpec& spec) const;

private:
    std::vector<ShardSpec> split(const ShardSpec& spec) const;

    DeviceInfo info_;
    std::vector<std::shared_ptr<Device>> parts_;
    PlanMemory plan_memory_;
    Bytes budget_;
};

}  // namespace gpushard::test
