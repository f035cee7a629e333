#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>

namespace gpushard::bench {

/// What processors did, in ticks since the machine started, as the first line of /proc/stat says.
struct ProcessorTicks {
    std::uint64_t all = 0;
    std::uint64_t stolen = 0;  ///< a hypervisor gave them to others
};

/// Zeros where there is no such line. Fields as in proc(5): user, nice, system, idle, iowait, irq, softirq, steal; what
/// comes after them is contained in user and nice.
ProcessorTicks read_processor_ticks(std::istream& stat);

/// The part of the ticks between two readings that was stolen; 0 where no tick lies between them.
double stolen_between(const ProcessorTicks& before, const ProcessorTicks& after);

/// How much of the machine a measurement had.
struct Usage {
    double cpu_share = 0;  ///< CPU seconds of what was measured / (seconds x processors), 0 to 1
    double steal = 0;      ///< the part of the machine's time that a hypervisor took, 0 to 1
};

/// Begins with its construction, and counts this process with all its threads.
class UsageMeter {
public:
    UsageMeter();

    /// CPU seconds that another process spent on the measurement.
    void add(double cpu_seconds) { others_ += cpu_seconds; }

    /// From the beginning until now.
    Usage usage() const;

private:
    std::chrono::steady_clock::time_point start_;
    double own_at_start_;
    double others_ = 0;
    ProcessorTicks ticks_at_start_;
};

/// Processors that this process may run on.
int usable_processors();

}  // namespace gpushard::bench
