#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>

#include <gpushard/backend.hpp>

namespace gpushard::test {

class FakeMemory;

/// A device in plain memory with a byte budget, that fails on demand. Searches by brute force in float32; inner
/// product and L2, precisions f32 and f16.
class FakeDevice final : public Device {
public:
    /// What shall go wrong. Operations are allocations, blocks loaded and searches, counted over the device's life.
    struct Faults {
        static constexpr std::int64_t never = -1;
        std::int64_t failing_allocation = never;  ///< its number, from 0
        bool persists = false;                    ///< later allocations fail, too
        std::exception_ptr allocation_failure{};  ///< unset: InsufficientMemory
        std::int64_t lost_after = never;          ///< operations that still succeed; all later calls throw DeviceError
        bool hides_when_lost = false;             ///< once lost it cannot say either what it has free
        /// Called before memory is asked for: to throw, to change the world.
        std::function<void(std::int64_t allocation)> before_allocation{};
        /// Called before a block is asked for: to wait, to throw, to change the world.
        std::function<void(std::int64_t block)> before_block{};
        /// Called on the worker's thread before a search is answered: to wait, to throw, to change the world.
        std::function<void()> before_search{};
        bool stops_at_last_row = false;  ///< does not ask the feed again when it has all its rows
        bool ends_early = false;         ///< returns a shard after the first block
        bool never_asks = false;         ///< returns a shard without asking for its first block
    };

    explicit FakeDevice(std::string spec, Bytes budget);
    ~FakeDevice() override;

    const DeviceInfo& info() const override { return info_; }
    Bytes free_bytes() const override;
    std::unique_ptr<Shard> load_shard(const ShardSpec& spec, RowFeed& feed) override;

    /// Memory that others take from now on, of the budget.
    void set_taken_by_others(Bytes bytes);

    /// Takes effect on what is done from now on; the counts begin again.
    void set_faults(Faults faults);
    std::int64_t allocations() const;
    std::int64_t blocks_loaded() const;
    /// What load_shard was last asked for.
    const ShardSpec& last_spec() const { return last_spec_; }

    /// What a shard takes here: the vectors, 4 KiB for good, and room for a tile of distances while searching.
    static ShardMemory planned_memory(const ShardSpec& spec);

private:
    DeviceInfo info_;
    std::shared_ptr<FakeMemory> memory_;
    ShardSpec last_spec_;
};

}  // namespace gpushard::test
