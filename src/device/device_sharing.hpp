#pragma once

#include <optional>
#include <string>
#include <vector>

#include <gpushard/bytes.hpp>
#include <gpushard/device_info.hpp>

namespace gpushard {

/// A device of the list, still whole: what it is a part of, and the budget it was given.
struct LogicalDevice {
    DeviceInfo info;       ///< the physical device
    std::string physical;  ///< equal for parts of one physical device; empty for cards that need not exist
    std::string element;   ///< as typed
    std::string budget_text;
    std::optional<Bytes> budget;
};

/// Gives each logical device its part of the physical one it belongs to: its budget, and of a card its place in the
/// free memory, the context and the bandwidth that the parts share. Throws InvalidArgument when a device is named
/// twice without budgets, or the budgets of a card add up to more than it has.
std::vector<DeviceInfo> share_out(std::vector<LogicalDevice> devices);

}  // namespace gpushard
