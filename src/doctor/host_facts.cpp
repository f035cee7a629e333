#include "doctor/host_facts.hpp"

#include <algorithm>
#include <cstdlib>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

#include <omp.h>

#include "device/card_files.hpp"
#include "device/kernel_files.hpp"
#include "device/processors.hpp"

namespace gpushard::doctor {
namespace {

std::optional<Bytes> limit_of(int resource) {
    rlimit limit{};
    if (getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return std::nullopt;
    }
    return limit.rlim_cur;
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
