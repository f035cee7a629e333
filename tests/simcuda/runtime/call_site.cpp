#include "runtime/call_site.hpp"

#include <map>
#include <memory>
#include <mutex>

namespace simcuda {
namespace {

struct Sites {
    std::mutex mutex;
    std::map<std::string, std::unique_ptr<CallSite>, std::less<>> by_function;
};

/// Never destroyed: programs call CUDA from destructors of static objects.
Sites& sites() {
    static Sites& all = *new Sites;
    return all;
}

}  // namespace

std::uint64_t CallSite::calls(int card) const {
    if (card >= static_cast<int>(max_cards)) return 0;
    if (card >= 0) return counts_[static_cast<std::size_t>(card + 1)].load(std::memory_order_relaxed);
    std::uint64_t sum = 0;
    for (const auto& count : counts_) sum += count.load(std::memory_order_relaxed);
    return sum;
}

void CallSite::reset() {
    for (auto& count : counts_) count = 0;
}

CallSite& CallSite::of(std::string_view function) {
    Sites& all = sites();
    const std::lock_guard lock(all.mutex);
    auto found = all.by_function.find(function);
    if (found == all.by_function.end()) {
        found = all.by_function.emplace(function, std::make_unique<CallSite>(function)).first;
    }
    return *found->second;
}

void CallSite::reset_all() {
    Sites& all = sites();
    const std::lock_guard lock(all.mutex);
    for (auto& [function, site] : all.by_function) site->reset();
}

}  // namespace simcuda
