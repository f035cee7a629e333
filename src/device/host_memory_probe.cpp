#include "device/host_memory_probe.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "device/control_groups.hpp"
#include "device/kernel_files.hpp"

namespace gpushard {
namespace {

/// Above it a limit of version 1 means none.
constexpr Bytes largest_limit = Bytes{1} << 62;

Bytes subtract(Bytes a, Bytes b) { return a > b ? a - b : 0; }

/// The files of one version of control groups.
struct ControlGroupFiles {
    const char* limit;
    const char* usage;
    std::string_view reclaimable;  ///< key in memory.stat: page cache that gives way
};

constexpr ControlGroupFiles version_2 = {"memory.max", "memory.current", "inactive_file "};
constexpr ControlGroupFiles version_1 = {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "};

void take_less(std::optional<Bytes>& least, Bytes bytes) { least = std::min(least.value_or(bytes), bytes); }

void read_group(const ControlGroup& group, HostMemory& memory) {
    const ControlGroupFiles& files = group.version == 2 ? version_2 : version_1;
    const auto limit = leading_number(read_kernel_file(group.directory / files.limit));
    const auto usage = leading_number(read_kernel_file(group.directory / files.usage));
    // Version 1 writes "no limit" as a number beyond any memory.
    if (!limit || !usage || *limit > largest_limit) return;
    const std::string stat = read_kernel_file(group.directory / "memory.stat");
    const Bytes reclaimable = number_after(stat, files.reclaimable).value_or(0);
    take_less(memory.group_limit, *limit);
    take_less(memory.group_left, subtract(*limit, subtract(*usage, std::min(*usage, reclaimable))));
}

}  // namespace

HostMemory HostMemoryProbe::measure() const {
    const std::string meminfo = read_kernel_file(root_ / "proc/meminfo");
    const std::string limits = read_kernel_file(root_ / "proc/self/limits");
    const std::string status = read_kernel_file(root_ / "proc/self/status");

    HostMemory memory;
    memory.total = kib_after(meminfo, "MemTotal:").value_or(0);
    memory.available = kib_after(meminfo, "MemAvailable:").value_or(memory.total);
    for (const ControlGroup& group : control_groups(root_, "memory")) read_group(group, memory);
    if (memory.group_left) memory.available = std::min(memory.available, *memory.group_left);
    const auto limit_by = [&](std::string_view resource, std::string_view used) {
        const auto limit = number_after(limits, resource);
        if (limit) memory.available = std::min(memory.available, subtract(*limit, kib_after(status, used).value_or(0)));
    };
    limit_by("Max address space", "VmSize:");
    limit_by("Max data size", "VmData:");
    return memory;
}

}  // namespace gpushard
