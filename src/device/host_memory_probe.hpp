#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <gpushard/bytes.hpp>

namespace gpushard {

struct HostMemory {
    Bytes total = 0;      ///< memory of the machine
    Bytes available = 0;  ///< what this process may still take without swapping, being killed, or being refused
    std::optional<Bytes> group_limit;  ///< the least limit of its control groups; nothing where there is none
    std::optional<Bytes> group_left;   ///< the least that one of them has left
    /// Why nothing is known, one line: "/proc/meminfo cannot be read: Too many open files". The rest is 0 then and
    /// means nothing. Empty where it is known.
    std::string problem;
    std::string remedy;  ///< of the problem
};

/// Reads what the kernel tells about memory: `/proc/meminfo`, the limits of this process, and those of its control
/// groups (version 2 and 1, every level up to the root). A limit that is
/// not there does not limit; one that is there and cannot be read (no descriptor left, an error) makes all of it
/// unknown.
class HostMemoryProbe {
public:
    /// `root` stands for "/", so that a fabricated tree of files can be read instead.
    explicit HostMemoryProbe(std::filesystem::path root = "/") : root_(std::move(root)) {}

    HostMemory measure() const;

private:
    std::filesystem::path root_;
};

}  // namespace gpushard
