#pragma once

#include <cstddef>
#include <mutex>
#include <string>

#include <gpushard/backend.hpp>
#include <gpushard/bytes.hpp>

namespace gpushard {

/// Counts the bytes of one logical device on the host against its budget. Thread-safe.
class HostLedger {
public:
    HostLedger(std::string device, Bytes budget);

    /// Throws InsufficientMemory when `bytes` more would exceed the budget.
    void charge(Bytes bytes);
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

/// Bytes charged to a ledger for as long as this lives, and to the counts of one shard.
class HostCharge {
public:
    HostCharge(HostLedger& ledger, MemoryUse& use, Bytes bytes);
    ~HostCharge();
    HostCharge(const HostCharge&) = delete;
    HostCharge& operator=(const HostCharge&) = delete;

private:
    HostLedger& ledger_;
    MemoryUse& use_;
    Bytes bytes_;
};

/// Zeroed host memory. From 1 MiB on it is mapped: page-aligned, and returned to the system at once when freed. Large
/// buffers ask for huge pages: they are filled faster and searched with fewer translation misses.
class HostBuffer {
public:
    HostBuffer() = default;
    /// Throws InsufficientMemory naming `device` when the system refuses.
    HostBuffer(Bytes size, const std::string& device);
    HostBuffer(HostBuffer&& other) noexcept;
    HostBuffer& operator=(HostBuffer&& other) noexcept;
    ~HostBuffer();

    std::byte* data() const { return data_; }
    template <typename Element>
    Element* as() const {
        return reinterpret_cast<Element*>(data_);
    }

private:
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace gpushard
