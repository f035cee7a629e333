#include "cuda/memory_ledger.hpp"

#include <algorithm>

#include <gpushard/error.hpp>

namespace gpushard {
namespace {

void add_to(MemoryLedger::Entry& entry, Bytes bytes) {
    entry.current += bytes;
    entry.peak = std::max(entry.peak, entry.current);
    ++entry.count;
}

}  // namespace

void CardBudget::charge(Bytes bytes, const std::string& what) {
    const std::lock_guard lock(mutex_);
    const Bytes left = budget_ - current_;
    if (bytes > left) {
        throw InsufficientMemory(device_ + ": " + what + " takes " + format_bytes(bytes) + ", " + format_bytes(left) +
                                     " of the budget of " + format_bytes(budget_) + " are left",
                                 bytes - left, {{device_, bytes, left, bytes - left}}, {},
                                 {{"device", device_},
                                  {"asked_bytes", static_cast<std::int64_t>(bytes)},
                                  {"free_bytes", static_cast<std::int64_t>(left)},
                                  {"held_bytes", static_cast<std::int64_t>(current_)}});
    }
    current_ += bytes;
}

void CardBudget::release(Bytes bytes) noexcept {
    const std::lock_guard lock(mutex_);
    current_ -= bytes;
}

Bytes CardBudget::current() const {
    const std::lock_guard lock(mutex_);
    return current_;
}

void MemoryLedger::add(const std::string& type, Bytes bytes) {
    add_to(by_type_[type], bytes);
    add_to(total_, bytes);
}

void MemoryLedger::remove(const std::string& type, Bytes bytes) {
    by_type_[type].current -= bytes;
    total_.current -= bytes;
}

}  // namespace gpushard
