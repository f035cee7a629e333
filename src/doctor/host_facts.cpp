#include "doctor/host_facts.hpp"

#include <algorithm>
#include <cstdlib>
#include <sched.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <omp.h>

#include "device/card_files.hpp"
#include "device/control_groups.hpp"
#include "device/kernel_files.hpp"

namespace gpushard::doctor {
namespace {

std::optional<Bytes> limit_of(int resource) {
    rlimit limit{};
    if (getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return std::nullopt;
    }
    return limit.rlim_cur;
}

/// Processors that this process may run on; machines with very many need a larger set.
int usable_processors() {
    for (int size = 1024; size <= 1 << 20; size *= 2) {
        cpu_set_t* const set = CPU_ALLOC(static_cast<std::size_t>(size));
        if (set == nullptr) break;
        const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(size));
        const int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
        CPU_FREE(set);
        if (count > 0) return count;
    }
    return static_cast<int>(std::thread::hardware_concurrency());
}

/// "50000 100000" in one file (version 2), or in two: time in each period.
std::optional<double> quota_of(const ControlGroup& group) {
    std::optional<Bytes> time;
    std::optional<Bytes> period;
    if (group.version == 2) {
        const std::string text = read_kernel_file(group.directory / "cpu.max");
        time = leading_number(text);
        const auto space = text.find(' ');
        if (space != std::string::npos) period = leading_number(std::string_view(text).substr(space));
    } else {
        time = leading_number(read_kernel_file(group.directory / "cpu.cfs_quota_us"));
        period = leading_number(read_kernel_file(group.directory / "cpu.cfs_period_us"));
    }
    if (!time || !period || *period == 0) return std::nullopt;
    return static_cast<double>(*time) / static_cast<double>(*period);
}

std::optional<double> processor_quota(const std::filesystem::path& root) {
    std::optional<double> least;
    for (const ControlGroup& group : control_groups(root, "cpu")) {
        const auto quota = quota_of(group);
        if (quota) least = std::min(least.value_or(*quota), *quota);
    }
    return least;
}

}  // namespace

HostFacts read_host_facts(const std::filesystem::path& root) {
    HostFacts host;
    host.memory = HostMemoryProbe(root).measure();
    const std::string meminfo = read_kernel_file(root / "proc/meminfo");
    host.commit_limit = kib_after(meminfo, "CommitLimit:").value_or(0);
    host.committed = kib_after(meminfo, "Committed_AS:").value_or(0);
    if (const auto mode = leading_number(read_kernel_file(root / "proc/sys/vm/overcommit_memory"))) {
        host.overcommit_mode = static_cast<int>(std::min<Bytes>(*mode, 3));
    }
    host.locked_limit = limit_of(RLIMIT_MEMLOCK);
    host.address_limit = limit_of(RLIMIT_AS);
    host.processors = static_cast<int>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
    host.usable_processors = usable_processors();
    host.processor_quota = processor_quota(root);
    host.openmp_threads = omp_get_max_threads();
    host.omp_num_threads = environment_value("OMP_NUM_THREADS");
    host.omp_wait_policy = environment_value("OMP_WAIT_POLICY");
    host.blas = find_blas();
    return host;
}

}  // namespace gpushard::doctor
