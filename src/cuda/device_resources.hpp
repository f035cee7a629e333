#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include <faiss/gpu/StandardGpuResources.h>

#include <gpushard/bytes.hpp>

#include "cuda/memory_ledger.hpp"
#include "shard/device_budget.hpp"

namespace gpushard {

/// Faiss's resources for one shard on one card: a temp stack of the planned size, no pinned memory of its own, and a
/// ledger of all that is taken from the card, held against the budget of the logical device. One thread at a time.
class DeviceResources final : public faiss::gpu::StandardGpuResourcesImpl {
public:
    /// Called before each allocation on the card with its type and bytes; what it throws is what the allocation throws.
    using BeforeAllocation = std::function<void(const std::string& type, Bytes bytes)>;

    struct Options {
        int ordinal = 0;
        Bytes temp_stack = 0;
        BeforeAllocation before_allocation;
    };

    /// Initialises the card for Faiss: streams, a cuBLAS handle and the stack, one card at a time in the process.
    /// Throws InsufficientMemory. Other failures inside Faiss abort.
    static std::shared_ptr<DeviceResources> create(std::shared_ptr<DeviceBudget> budget, Options options);

    ~DeviceResources() override;

    /// Throws InsufficientMemory naming the card, the bytes asked for, free and held.
    void* allocMemory(const faiss::gpu::AllocRequest& request) override;
    void deallocMemory(int ordinal, void* address) override;

    const MemoryLedger& ledger() const { return ledger_; }
    const std::string& device() const { return budget_->device(); }

private:
    struct Allocation {
        std::string type;
        Bytes bytes = 0;
    };

    DeviceResources(std::shared_ptr<DeviceBudget> budget, Options options);

    [[noreturn]] void refuse(const std::string& type, Bytes bytes) const;

    const std::shared_ptr<DeviceBudget> budget_;
    const Options options_;
    MemoryLedger ledger_;
    std::unordered_map<void*, Allocation> allocations_;  ///< on the card; those within the stack are Faiss's business
};

}  // namespace gpushard
