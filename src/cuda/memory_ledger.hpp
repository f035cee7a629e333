#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include <gpushard/bytes.hpp>

namespace gpushard {

/// The bytes of one logical device, shared by its shards. Thread-safe.
class CardBudget {
public:
    CardBudget(std::string device, Bytes budget) : device_(std::move(device)), budget_(budget) {}

    /// Throws InsufficientMemory when `bytes` more would exceed the budget.
    void charge(Bytes bytes, const std::string& what);
    void release(Bytes bytes) noexcept;

    const std::string& device() const { return device_; }
    Bytes budget() const { return budget_; }
    Bytes current() const;

private:
    const std::string device_;
    const Bytes budget_;
    mutable std::mutex mutex_;
    Bytes current_ = 0;
};

/// What one shard holds on its card, by type of allocation. One thread at a time.
class MemoryLedger {
public:
    struct Entry {
        Bytes current = 0;
        Bytes peak = 0;
        std::int64_t count = 0;  ///< allocations so far
    };

    void add(const std::string& type, Bytes bytes);
    void remove(const std::string& type, Bytes bytes);

    const std::map<std::string, Entry>& by_type() const { return by_type_; }
    const Entry& total() const { return total_; }

private:
    std::map<std::string, Entry> by_type_;
    Entry total_;
};

}  // namespace gpushard
