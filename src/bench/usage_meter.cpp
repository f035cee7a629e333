#include "bench/usage_meter.hpp"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <string>
#include <thread>

namespace gpushard::bench {
namespace {

double own_cpu_seconds() {
    timespec spent{};
    if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent) != 0) return 0;
    return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) * 1e-9;
}

ProcessorTicks ticks_now() {
    std::ifstream stat("/proc/stat");
    return read_processor_ticks(stat);
}

}  // namespace

ProcessorTicks read_processor_ticks(std::istream& stat) {
    constexpr int field_count = 8;
    constexpr int steal_field = 7;
    ProcessorTicks ticks;
    std::string name;
    if (!(stat >> name) || name != "cpu") return ticks;
    std::uint64_t field = 0;
    for (int i = 0; i < field_count && stat >> field; ++i) {
        ticks.all += field;
        if (i == steal_field) ticks.stolen = field;
    }
    return ticks;
}

double stolen_between(const ProcessorTicks& before, const ProcessorTicks& after) {
    if (after.all <= before.all || after.stolen <= before.stolen) return 0;
    return static_cast<double>(after.stolen - before.stolen) / static_cast<double>(after.all - before.all);
}

UsageMeter::UsageMeter()
    : start_(std::chrono::steady_clock::now()), own_at_start_(own_cpu_seconds()), ticks_at_start_(ticks_now()) {}

Usage UsageMeter::usage() const {
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start_;
    const double spent = own_cpu_seconds() - own_at_start_ + others_;
    const double available = std::max(wall.count(), 1e-9) * usable_processors();
    return {std::min(1.0, spent / available), stolen_between(ticks_at_start_, ticks_now())};
}

int usable_processors() { return static_cast<int>(std::max(1U, std::thread::hardware_concurrency())); }

}  // namespace gpushard::bench
