#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace gpushard {

/// The rig files that a device specification names, as in "@rig.json,cpu=2GiB", in its order: what `resolve_devices`
/// would read. None where the specification is empty or malformed. Reads nothing.
std::vector<std::filesystem::path> rig_files(std::string_view specification);

}  // namespace gpushard
