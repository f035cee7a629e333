#include "cpu/host_budgets.hpp"

#include <map>
#include <mutex>
#include <utility>

namespace gpushard {
namespace {

struct Registry {
    std::mutex mutex;
    std::map<std::pair<std::string, int>, std::weak_ptr<DeviceBudget>> budgets;
};

Registry& registry() {
    static Registry the_one;
    return the_one;
}

}  // namespace

bool has_host_budget(const DeviceInfo& device) {
    return device.kind == DeviceKind::cpu && !device.planning_only && device.spec.starts_with("cpu=");
}

std::shared_ptr<DeviceBudget> host_budget(const std::string& spec, int number, Bytes bytes) {
    Registry& all = registry();
    const std::lock_guard lock(all.mutex);
    std::erase_if(all.budgets, [](const auto& entry) { return entry.second.expired(); });
    std::weak_ptr<DeviceBudget>& known = all.budgets[{spec, number}];
    std::shared_ptr<DeviceBudget> budget = known.lock();
    if (!budget) {
        budget = std::make_shared<DeviceBudget>(spec, bytes);
        known = budget;
    }
    return budget;
}

Bytes held_of_host_budget(const std::string& spec, int number) {
    Registry& all = registry();
    const std::lock_guard lock(all.mutex);
    const auto found = all.budgets.find({spec, number});
    if (found == all.budgets.end()) return 0;
    const std::shared_ptr<DeviceBudget> budget = found->second.lock();
    return budget ? budget->current() : 0;
}

}  // namespace gpushard
