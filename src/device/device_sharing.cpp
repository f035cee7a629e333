#include "device/device_sharing.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "device/device_spec.hpp"

namespace gpushard {
namespace {

/// What the parts of one physical device have been given so far.
struct Sharing {
    std::size_t parts = 0;
    bool whole = false;  ///< a part has no budget, so it claims everything
    Bytes budgets = 0;   ///< of a card; those of the host are taken at their word
    Bytes left = 0;      ///< free memory not yet handed to a part
};

void check_budget(const LogicalDevice& device, Bytes budgets) {
    const Bytes total = device.info.total_bytes;
    if (budgets <= total) return;
    const bool alone = budgets == *device.budget;
    throw bad_device(device.element,
                     (alone ? "has a budget of " + format_bytes(budgets)
                            : "brings the budgets on " + device.info.spec + " to " + format_bytes(budgets)) +
                         ", expected at most the " + format_bytes(total) + " of " + device.info.name);
}

std::map<std::string, Sharing> count_parts(const std::vector<LogicalDevice>& devices) {
    std::map<std::string, Sharing> sharing;
    for (const LogicalDevice& device : devices) {
        if (device.physical.empty()) continue;
        Sharing& of = sharing[device.physical];
        if (of.parts > 0 && (of.whole || !device.budget)) {
            throw bad_device(device.element, "names " + device.info.spec +
                                                 " more than once, expected each device once, or a budget for each "
                                                 "of its parts as in " +
                                                 device.info.spec + "=2GiB*2");
        }
        of.parts += 1;
        of.whole = !device.budget.has_value();
        of.left = device.info.free_bytes;
        if (device.budget && device.info.kind == DeviceKind::cuda) {
            of.budgets += *device.budget;
            check_budget(device, of.budgets);
        }
    }
    return sharing;
}

void apply_budget(LogicalDevice& device) {
    if (!device.budget) return;
    device.info.spec += "=" + device.budget_text;
    device.info.free_bytes = std::min(device.info.free_bytes, *device.budget);
}

/// A part of the host is its budget, whatever the machine has: the plan for `cpu=2GiB*4` is the same everywhere.
void take_host_budget(LogicalDevice& device) {
    device.info.spec += "=" + device.budget_text;
    device.info.total_bytes = device.info.free_bytes = *device.budget;
}

/// Hands out the free memory of a card in the order of its parts. The first part pays for the CUDA context, which the
/// parts share.
void take_card_budget(LogicalDevice& device, Sharing& sharing, bool first) {
    device.info.free_bytes = sharing.left;
    apply_budget(device);
    sharing.left -= device.info.free_bytes;
    if (!first) device.info.context_bytes = 0;
}

}  // namespace

std::vector<DeviceInfo> share_out(std::vector<LogicalDevice> devices) {
    std::map<std::string, Sharing> sharing = count_parts(devices);
    std::map<std::string, std::size_t> seen;
    std::vector<DeviceInfo> infos;
    for (LogicalDevice& device : devices) {
        if (device.physical.empty()) {
            if (device.budget) check_budget(device, *device.budget);
            apply_budget(device);
        } else if (device.budget) {
            Sharing& of = sharing[device.physical];
            const bool first = seen[device.physical]++ == 0;
            device.info.bytes_per_second /= static_cast<double>(of.parts);
            if (device.info.kind == DeviceKind::cpu) {
                take_host_budget(device);
            } else {
                take_card_budget(device, of, first);
            }
        }
        infos.push_back(std::move(device.info));
    }
    return infos;
}

}  // namespace gpushard
