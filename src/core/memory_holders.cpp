#include "core/memory_holders.hpp"

#include <algorithm>
#include <set>
#include <vector>

namespace gpushard {
namespace {

/// Processes that hold less than one part in so many of a card are not why something does not fit.
constexpr Bytes least_share_that_matters = 10;

/// Of the physical card where there is more than its spec to tell: the parts of a card have different specs.
std::string identity(const DeviceInfo& device) { return device.uuid.empty() ? device.spec : device.uuid; }

std::string largest_holders(const DeviceInfo& card) {
    constexpr std::size_t most_named = 3;
    std::string text;
    for (std::size_t i = 0; i < std::min(card.holders.size(), most_named); ++i) {
        const MemoryHolder& holder = card.holders[i];
        if (holder.bytes > 0) text += (i == 0 ? "" : ", ") + process_of(holder) + " " + format_bytes(holder.bytes);
    }
    return text;
}

}  // namespace

std::string process_of(const MemoryHolder& holder) {
    const std::string pid = "pid " + std::to_string(holder.pid);
    return holder.name.empty() ? pid : holder.name + " (" + pid + ")";
}

Bytes held_bytes(const DeviceInfo& card) {
    Bytes held = 0;
    for (const MemoryHolder& holder : card.holders) held += std::min(holder.bytes, card.total_bytes - held);
    return held;
}

std::vector<std::string> holder_hints(const std::vector<DeviceInfo>& devices) {
    std::vector<std::string> hints;
    std::set<std::string> seen;
    for (const DeviceInfo& device : devices) {
        const Bytes held = held_bytes(device);
        if (held == 0 || held < device.total_bytes / least_share_that_matters) continue;
        if (!seen.insert(identity(device)).second) continue;
        hints.push_back("free memory of " + device.spec.substr(0, device.spec.find('=')) +
                        ", where other processes hold " + format_bytes(held) + " of " +
                        format_bytes(device.total_bytes) + ": " + largest_holders(device));
    }
    return hints;
}

}  // namespace gpushard
