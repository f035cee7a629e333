#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include <gpushard/bytes.hpp>

namespace gpushard {

/// The bytes of one logical device, shared by its shards. Thread-safe.
class DeviceBudget {
public:
    DeviceBudget(std::string device, Bytes bytes);

    /// Throws InsufficientMemory naming `what` when `bytes` more would exceed the budget.
    void charge(Bytes bytes, std::string_view what);
    void release(Bytes bytes) noexcept;

    const std::string& device() const { return device_; }
    Bytes current() const;
    Bytes left() const;

private:
    const std::string device_;
    const Bytes bytes_;
    mutable std::mutex mutex_;
    Bytes current_ = 0;
};

}  // namespace gpushard
