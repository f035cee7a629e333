#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace gpushard {

/// A control group of this process, as a folder of files.
struct ControlGroup {
    std::filesystem::path directory;
    int version = 2;
};

/// The control groups of this process that may limit what `controller` ("memory", "cpu") counts, versions 2 and 1, from
/// its own up to the root. Inside a container the group's own path is often not visible below the mount: folders that
/// are not there are named all the same. `root` stands for "/".
std::vector<ControlGroup> control_groups(const std::filesystem::path& root, std::string_view controller);

}  // namespace gpushard
