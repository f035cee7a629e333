#include "device/processors.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sched.h>
#include <string_view>
#include <thread>

#include <gpushard/placement_plan.hpp>

#include "device/control_groups.hpp"
#include "device/kernel_files.hpp"

namespace gpushard {
namespace {

/// "50000 100000" in one file (version 2), or in two: time in each period.
std::optional<double> quota_of(const ControlGroup& group) {
    std::optional<Bytes> time;
    std::optional<Bytes> period;
    if (group.version == 2) {
        const std::string text = read_kernel_file(group.directory / "cpu.max");
        time = leading_number(text);
        const auto space = text.find(' ');
        if (space != std::string::npos) period = leading_number(std::string_view(text).substr(space));
    } else {
        time = leading_number(read_kernel_file(group.directory / "cpu.cfs_quota_us"));
        period = leading_number(read_kernel_file(group.directory / "cpu.cfs_period_us"));
    }
    if (!time || !period || *period == 0) return std::nullopt;
    return static_cast<double>(*time) / static_cast<double>(*period);
}

}  // namespace

// Machines with very many need a larger set.
int usable_processors() {
    for (int size = 1024; size <= 1 << 20; size *= 2) {
        cpu_set_t* const set = CPU_ALLOC(static_cast<std::size_t>(size));
        if (set == nullptr) break;
        const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(size));
        const int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
        CPU_FREE(set);
        if (count > 0) return count;
    }
    return static_cast<int>(std::thread::hardware_concurrency());
}

std::optional<double> processor_quota(const std::filesystem::path& root) {
    std::optional<double> least;
    for (const ControlGroup& group : control_groups(root, "cpu")) {
        const auto quota = quota_of(group);
        if (quota) least = std::min(least.value_or(*quota), *quota);
    }
    return least;
}

int default_threads() {
    int threads = usable_processors();
    if (const auto quota = processor_quota()) threads = std::min(threads, static_cast<int>(std::ceil(*quota)));
    if (const char* const limit = std::getenv("OMP_NUM_THREADS")) {
        const auto number = leading_number(limit);
        if (number && *number > 0) threads = static_cast<int>(std::min<Bytes>(*number, static_cast<Bytes>(threads)));
    }
    return std::clamp(threads, 1, most_threads);
}

}  // namespace gpushard
