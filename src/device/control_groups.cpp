#include "device/control_groups.hpp"

#include <string>

#include "device/kernel_files.hpp"

namespace gpushard {
namespace {

namespace fs = std::filesystem;

/// `mount`/`group`, and every folder above it up to `mount`.
void add_levels(const fs::path& mount, std::string_view group, int version, std::vector<ControlGroup>& groups) {
    while (true) {
        groups.push_back({mount / fs::path(group).relative_path(), version});
        const auto slash = group.find_last_of('/');
        if (group.empty() || slash == std::string_view::npos) return;
        group = group.substr(0, slash);
    }
}

bool names(std::string_view controllers, std::string_view controller) {
    while (true) {
        const auto comma = controllers.find(',');
        if (controllers.substr(0, comma) == controller) return true;
        if (comma == std::string_view::npos) return false;
        controllers.remove_prefix(comma + 1);
    }
}

}  // namespace

std::vector<ControlGroup> control_groups(const fs::path& root, std::string_view controller) {
    std::vector<ControlGroup> groups;
    const std::string membership = read_kernel_file(root / "proc/self/cgroup");
    const fs::path mount = root / "sys/fs/cgroup";
    // Lines "ID:CONTROLLERS:PATH".
    for (const std::string_view line : lines_of(membership)) {
        const auto first = line.find(':');
        const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
        if (second == std::string_view::npos) continue;
        const std::string_view controllers = line.substr(first + 1, second - first - 1);
        const std::string_view group = trim(line.substr(second + 1));
        if (controllers.empty()) {
            add_levels(mount, group, 2, groups);
            add_levels(mount / "unified", group, 2, groups);
        } else if (names(controllers, controller)) {
            add_levels(mount / controller, group, 1, groups);
        }
    }
    return groups;
}

}  // namespace gpushard
