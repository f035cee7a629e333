#include "device/host_memory_probe.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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

bool is_absent(int error) { return error == ENOENT || error == ENOTDIR || error == EACCES || error == EPERM; }

/// Reads files below a root and keeps the first reason why what they say is not known.
class KernelFileReader {
public:
    KernelFileReader(const std::filesystem::path& root, HostMemory& memory) : root_(root), memory_(memory) {}

    /// For a file that every kernel has.
    std::string needed(const std::filesystem::path& file) {
        return read(file, [](int) { return false; });
    }
    /// For one that may not be there, or not for this process.
    std::string optional(const std::filesystem::path& file) { return read(file, is_absent); }

    bool failed() const { return !memory_.problem.empty(); }

    void fail(const std::filesystem::path& file, const std::string& why, int error) {
        if (failed()) return;
        memory_.problem = "/" + file.lexically_relative(root_).string() + " " + why;
        memory_.remedy =
            error == EMFILE ? "let this process open more files: ulimit -n 1024" : "mount /proc, or let it be read";
    }

private:
    template <typename Excuse>
    std::string read(const std::filesystem::path& file, Excuse is_excused) {
        KernelText read = try_kernel_file(file);
        if (read.error != 0 && !is_excused(read.error)) {
            fail(file, std::string("cannot be read: ") + std::strerror(read.error), read.error);
        }
        return std::move(read.text);
    }

    const std::filesystem::path& root_;
    HostMemory& memory_;
};

void read_group(KernelFileReader& files, const ControlGroup& group, HostMemory& memory) {
    const ControlGroupFiles& names = group.version == 2 ? version_2 : version_1;
    const auto limit = leading_number(files.optional(group.directory / names.limit));
    const auto usage = leading_number(files.optional(group.directory / names.usage));
    // Version 1 writes "no limit" as a number beyond any memory.
    if (!limit || !usage || *limit > largest_limit) return;
    const std::string stat = files.optional(group.directory / "memory.stat");
    const Bytes reclaimable = number_after(stat, names.reclaimable).value_or(0);
    take_less(memory.group_limit, *limit);
    take_less(memory.group_left, subtract(*limit, subtract(*usage, std::min(*usage, reclaimable))));
}

}  // namespace

HostMemory HostMemoryProbe::measure() const {
    HostMemory memory;
    KernelFileReader files(root_, memory);
    const std::string meminfo = files.needed(root_ / "proc/meminfo");
    const std::string limits = files.optional(root_ / "proc/self/limits");
    const std::string status = files.optional(root_ / "proc/self/status");
    const auto total = kib_after(meminfo, "MemTotal:");
    if (!total) files.fail(root_ / "proc/meminfo", "does not say how much memory there is", 0);
    files.optional(root_ / "proc/self/cgroup");
    for (const ControlGroup& group : control_groups(root_, "memory")) read_group(files, group, memory);
    if (files.failed()) {
        HostMemory unknown;
        unknown.problem = memory.problem;
        unknown.remedy = memory.remedy;
        return unknown;
    }

    memory.total = *total;
    memory.available = kib_after(meminfo, "MemAvailable:").value_or(memory.total);
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
