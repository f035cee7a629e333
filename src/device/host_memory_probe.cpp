#include "device/host_memory_probe.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace gpushard {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_kernel_file = 256 << 10;

/// The file's text up to 256 KiB, empty when it cannot be read.
std::string read_kernel_file(const fs::path& path) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
    if (file == nullptr) return {};
    std::string text(largest_kernel_file, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    return text;
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        lines.push_back(text.substr(0, end));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return lines;
}

/// The number `text` begins with; nothing for "max", "unlimited" and the like.
std::optional<Bytes> leading_number(std::string_view text) {
    text = trim(text);
    Bytes value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end == text.data()) return std::nullopt;
    return value;
}

/// The number on the line that begins with `key`.
std::optional<Bytes> number_after(std::string_view text, std::string_view key) {
    for (const std::string_view line : lines_of(text)) {
        if (line.substr(0, key.size()) == key) return leading_number(line.substr(key.size()));
    }
    return std::nullopt;
}

/// As number_after, for the lines of /proc that count in KiB.
std::optional<Bytes> kib_after(std::string_view text, std::string_view key) {
    const auto value = number_after(text, key);
    if (!value || *value > (~Bytes{0} >> 10)) return std::nullopt;
    return *value << 10;
}

Bytes subtract(Bytes a, Bytes b) { return a > b ? a - b : 0; }

/// The files of one version of control groups.
struct ControlGroupFiles {
    const char* limit;
    const char* usage;
    std::string_view reclaimable;  ///< key in memory.stat: page cache that gives way
};

constexpr ControlGroupFiles version_2 = {"memory.max", "memory.current", "inactive_file "};
constexpr ControlGroupFiles version_1 = {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "};

std::optional<Bytes> left_in_group(const fs::path& directory, const ControlGroupFiles& files) {
    const auto limit = leading_number(read_kernel_file(directory / files.limit));
    const auto usage = leading_number(read_kernel_file(directory / files.usage));
    if (!limit || !usage) return std::nullopt;
    const Bytes reclaimable = number_after(read_kernel_file(directory / "memory.stat"), files.reclaimable).value_or(0);
    return subtract(*limit, subtract(*usage, std::min(*usage, reclaimable)));
}

/// The least that any group from `mount`/`group` up to `mount` has left. Inside a container the group's own path is
/// often not visible below the mount; the walk then starts at the nearest directory that is.
std::optional<Bytes> left_in_groups(const fs::path& mount, std::string_view group, const ControlGroupFiles& files) {
    std::optional<Bytes> least;
    while (true) {
        const auto left = left_in_group(mount / fs::path(group).relative_path(), files);
        if (left) least = std::min(least.value_or(*left), *left);
        const auto slash = group.find_last_of('/');
        if (group.empty() || slash == std::string_view::npos) return least;
        group = group.substr(0, slash);
    }
}

bool names_memory(std::string_view controllers) {
    while (true) {
        const auto comma = controllers.find(',');
        if (controllers.substr(0, comma) == "memory") return true;
        if (comma == std::string_view::npos) return false;
        controllers.remove_prefix(comma + 1);
    }
}

/// The least that the control groups of this process leave, from lines "ID:CONTROLLERS:PATH".
std::optional<Bytes> left_in_control_groups(const fs::path& root) {
    std::optional<Bytes> least;
    const auto take = [&](std::optional<Bytes> left) {
        if (left) least = std::min(least.value_or(*left), *left);
    };
    const std::string membership = read_kernel_file(root / "proc/self/cgroup");
    const fs::path mount = root / "sys/fs/cgroup";
    for (const std::string_view line : lines_of(membership)) {
        const auto first = line.find(':');
        const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
        if (second == std::string_view::npos) continue;
        const std::string_view controllers = line.substr(first + 1, second - first - 1);
        const std::string_view group = trim(line.substr(second + 1));
        if (controllers.empty()) {
            take(left_in_groups(mount, group, version_2));
            take(left_in_groups(mount / "unified", group, version_2));
        } else if (names_memory(controllers)) {
            take(left_in_groups(mount / "memory", group, version_1));
        }
    }
    return least;
}

}  // namespace

HostMemory HostMemoryProbe::measure() const {
    const std::string meminfo = read_kernel_file(root_ / "proc/meminfo");
    const std::string limits = read_kernel_file(root_ / "proc/self/limits");
    const std::string status = read_kernel_file(root_ / "proc/self/status");

    HostMemory memory;
    memory.total = kib_after(meminfo, "MemTotal:").value_or(0);
    memory.available = kib_after(meminfo, "MemAvailable:").value_or(memory.total);
    if (const auto left = left_in_control_groups(root_)) memory.available = std::min(memory.available, *left);
    const auto limit_by = [&](std::string_view resource, std::string_view used) {
        const auto limit = number_after(limits, resource);
        if (limit) memory.available = std::min(memory.available, subtract(*limit, kib_after(status, used).value_or(0)));
    };
    limit_by("Max address space", "VmSize:");
    limit_by("Max data size", "VmData:");
    return memory;
}

}  // namespace gpushard
