#include "shard/device_budget.hpp"

#include <algorithm>
#include <utility>

#include <gpushard/error.hpp>

namespace gpushard {

DeviceBudget::DeviceBudget(std::string device, Bytes bytes) : device_(std::move(device)), bytes_(bytes) {}

void DeviceBudget::charge(Bytes bytes, std::string_view what) {
    const std::lock_guard lock(mutex_);
    const Bytes left = bytes_ - current_;
    if (bytes > left) {
        throw InsufficientMemory(device_ + ": " + std::string(what) + " takes " + format_bytes(bytes) + ", " +
                                     format_bytes(left) + " of the budget of " + format_bytes(bytes_) + " are left",
                                 bytes - left, {{device_, bytes, left, bytes - left}}, {},
                                 {{"device", device_},
                                  {"asked_bytes", static_cast<std::int64_t>(bytes)},
                                  {"free_bytes", static_cast<std::int64_t>(left)},
                                  {"held_bytes", static_cast<std::int64_t>(current_)}});
    }
    current_ += bytes;
}

void DeviceBudget::release(Bytes bytes) noexcept {
    const std::lock_guard lock(mutex_);
    current_ -= std::min(bytes, current_);
}

Bytes DeviceBudget::current() const {
    const std::lock_guard lock(mutex_);
    return current_;
}

Bytes DeviceBudget::left() const { return bytes_ - current(); }

}  // namespace gpushard
