#include "bench/process_memory.hpp"

#include <fstream>
#include <string>

#include <gpushard/error.hpp>

namespace gpushard::bench {
namespace {

// A "Name:   123 kB" line of /proc/self/status.
Bytes status_bytes(const std::string& name) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(name + ":")) return std::stoull(line.substr(name.size() + 1)) * 1_KiB;
    }
    throw Error(ErrorKind::internal, "/proc/self/status does not say " + name + ", so memory cannot be measured");
}

}  // namespace

PeakMemory::PeakMemory() {
    std::ofstream("/proc/self/clear_refs") << "5";  // resets the high-water mark
    start_ = status_bytes("VmRSS");
}

Bytes PeakMemory::above_start() const {
    const Bytes peak = status_bytes("VmHWM");
    return peak > start_ ? peak - start_ : 0;
}

}  // namespace gpushard::bench
