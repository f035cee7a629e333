#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace gpushard {

/// Names processes by the ids that the driver gives them. Those are of the machine, so in a container with process ids
/// of its own they name other processes or none, and every name is empty.
class ProcessNames {
public:
    /// `root` stands for "/", so that a fabricated tree of files can be read instead.
    explicit ProcessNames(std::filesystem::path root = "/");

    /// "python", or empty where it is not known.
    std::string name_of(std::int64_t pid) const;

private:
    std::filesystem::path root_;
    bool sees_machine_;
};

}  // namespace gpushard
