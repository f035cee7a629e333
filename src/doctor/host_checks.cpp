#include <algorithm>
#include <cmath>

#include "doctor/checks.hpp"

namespace gpushard::doctor {
namespace {

/// The staging of a load with default options.
constexpr Bytes default_staging = 256_MiB;

std::string one_decimal(double number) {
    const auto tenths = static_cast<long long>(std::llround(number * 10));
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

Bytes index_bytes(const MachineFacts& facts) { return facts.index ? facts.index->bytes : 0; }

bool on_host(const MachineFacts& facts) {
    return std::any_of(facts.devices.begin(), facts.devices.end(),
                       [](const DeviceInfo& device) { return device.kind == DeviceKind::cpu; });
}

/// The processors that this process can keep busy.
double processors_of(const HostFacts& host) {
    const double usable = std::max(1, host.usable_processors);
    return host.processor_quota ? std::min(usable, *host.processor_quota) : usable;
}

}  // namespace

Answer check_host_memory(const MachineFacts& facts) {
    const HostMemory& memory = facts.host.memory;
    const std::vector<ErrorField> numbers = {size_field("total_bytes", memory.total),
                                             size_field("available_bytes", memory.available),
                                             size_field("index_bytes", index_bytes(facts))};
    if (!memory.problem.empty()) return unknown("how much there is", memory.problem, memory.remedy);
    const std::string found =
        format_bytes(memory.available) + " of " + format_bytes(memory.total) + " may be used by this process";
    if (memory.available < default_staging) {
        return failure(ErrorKind::insufficient_memory, found,
                       "a load stages vectors in " + format_bytes(default_staging) + " of it",
                       "free memory, raise the limit, or stage less: --staging 32MiB", numbers);
    }
    if (index_bytes(facts) <= memory.available) return ok(found, numbers);
    const std::string size = "the index of " + format_bytes(index_bytes(facts));
    return warning(
        found + ", less than " + size,
        "Faiss's read_index copies all of the file to host memory first; gpushard stages " +
            format_bytes(default_staging),
        on_host(facts) ? "put it on cards: --devices cuda:all" : "load it with gpushard, not with read_index", numbers);
}

Answer check_control_group(const MachineFacts& facts) {
    const HostMemory& memory = facts.host.memory;
    if (!memory.problem.empty()) return unknown("what limits it", memory.problem, memory.remedy);
    if (!memory.group_limit || !memory.group_left) return ok("no limit of memory below that of the machine");
    const std::vector<ErrorField> numbers = {size_field("limit_bytes", *memory.group_limit),
                                             size_field("left_bytes", *memory.group_left),
                                             size_field("index_bytes", index_bytes(facts))};
    const std::string found =
        "limited to " + format_bytes(*memory.group_limit) + ", " + format_bytes(*memory.group_left) + " left";
    if (index_bytes(facts) <= *memory.group_left) return ok(found, numbers);
    return warning(found + ", less than the index of " + format_bytes(index_bytes(facts)),
                   "the kernel kills a process that takes more, and read_index would: the page cache gives way, a copy "
                   "does not",
                   "load with gpushard, or raise the limit (docker run --memory, resources.limits.memory, MemoryMax)",
                   numbers);
}

Answer check_overcommit(const MachineFacts& facts) {
    if (!facts.host.overcommit_mode) {
        return unknown("how memory is promised", "/proc/sys/vm/overcommit_memory cannot be read", "mount /proc");
    }
    const int mode = *facts.host.overcommit_mode;
    const std::vector<ErrorField> numbers = {{"mode", std::int64_t{mode}},
                                             size_field("commit_limit_bytes", facts.host.commit_limit),
                                             size_field("committed_bytes", facts.host.committed)};
    if (mode != 2) return ok("mode " + std::to_string(mode), numbers);
    const Bytes left = facts.host.commit_limit - std::min(facts.host.commit_limit, facts.host.committed);
    return warning(
        "mode 2 (strict): " + format_bytes(left) + " may still be promised",
        "every byte that is asked for counts, used or not, and a CUDA context asks for far more than it uses",
        "sysctl vm.overcommit_memory=0", numbers);
}

Answer check_locked_memory(const MachineFacts& facts) {
    const auto& limit = facts.host.locked_limit;
    if (!limit) return ok("no limit of locked memory");
    const std::vector<ErrorField> numbers = {size_field("limit_bytes", *limit)};
    const std::string found = format_bytes(*limit) + " of memory may be locked";
    // Enough for the NVIDIA driver, which does not count what it pins; a limit below it was lowered by somebody.
    constexpr Bytes least_by_default = 64_KiB;
    if (*limit >= least_by_default || facts.gpu.cards.empty()) return ok(found, numbers);
    return warning(found + ", less than Linux gives by default",
                   "page-locked staging, and what the network locks, may be refused",
                   "ulimit -l unlimited (docker run --ulimit memlock=-1)", numbers);
}

Answer check_address_space(const MachineFacts& facts) {
    const auto& limit = facts.host.address_limit;
    if (!limit) return ok("no limit of addresses");
    const std::vector<ErrorField> numbers = {size_field("limit_bytes", *limit)};
    const std::string found = "limited to " + format_bytes(*limit) + " of addresses";
    if (facts.gpu.cards.empty()) return ok(found, numbers);
    return warning(found,
                   "CUDA reserves addresses for the memory of all cards and the host, more than the limit allows",
                   "ulimit -v unlimited", numbers);
}

Answer check_processors(const MachineFacts& facts) {
    const HostFacts& host = facts.host;
    const double processors = processors_of(host);
    std::vector<ErrorField> numbers = {{"online", std::int64_t{host.processors}},
                                       {"usable", std::int64_t{host.usable_processors}},
                                       {"threads", std::int64_t{host.openmp_threads}}};
    if (host.processor_quota) numbers.emplace_back("quota", *host.processor_quota);
    std::string found = count_of(static_cast<std::size_t>(std::max(0, host.openmp_threads)), "OpenMP thread") +
                        " for " + std::to_string(host.usable_processors) + " of " +
                        count_of(static_cast<std::size_t>(std::max(0, host.processors)), "processor");
    if (host.processor_quota) found += ", of which the control group grants " + one_decimal(*host.processor_quota);
    const int fitting = std::max(1, static_cast<int>(processors));
    const std::string remedy = "OMP_NUM_THREADS=" + std::to_string(fitting);
    if (host.openmp_threads > std::max(1.0, std::ceil(processors))) {
        return warning(found, "threads that wait for one another and have no processor slow a search down many times",
                       remedy, numbers);
    }
    if (host.omp_num_threads && host.openmp_threads * 2 <= fitting) {
        return warning(found, "OMP_NUM_THREADS=" + *host.omp_num_threads + " leaves processors idle", remedy, numbers);
    }
    return ok(found, numbers);
}

Answer check_waiting(const MachineFacts& facts) {
    const HostFacts& host = facts.host;
    std::string policy = host.omp_wait_policy.value_or("");
    std::transform(policy.begin(), policy.end(), policy.begin(), [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
    });
    if (policy == "passive") return ok("OpenMP threads sleep while they wait");
    const std::string found = policy.empty() ? "OMP_WAIT_POLICY is not set: OpenMP threads spin while they wait"
                                             : "OMP_WAIT_POLICY=" + *host.omp_wait_policy;
    const bool scarce = host.processor_quota && *host.processor_quota < host.usable_processors;
    if (policy != "active" && !scarce) return ok(found);
    return warning(found,
                   scarce ? "spinning uses up the " + one_decimal(*host.processor_quota) +
                                " processors that the control group grants"
                          : "spinning threads keep processors from other threads of the process",
                   "OMP_WAIT_POLICY=passive");
}

Answer check_blas(const MachineFacts& facts) {
    const BlasFacts& blas = facts.host.blas;
    const std::vector<ErrorField> numbers = {{"file", blas.file}};
    const std::string file = blas.file.empty() ? "" : " (" + blas.file + ")";
    const std::string remedy = "install OpenBLAS with OpenMP threads: apt-get install libopenblas0-openmp";
    switch (blas.kind) {
        case BlasKind::unknown:
            return unknown("which BLAS Faiss uses", "nothing in this process shows sgemm: it is linked in, and hidden",
                           "ask the one who built Faiss");
        case BlasKind::reference:
            return warning("the reference BLAS" + file, "flat search on the host is some 14 times slower with it",
                           remedy, numbers);
        case BlasKind::openblas:
            if (blas.threads == BlasFacts::Threads::own) {
                return warning(
                    "OpenBLAS with threads of its own" + file,
                    "they get in the way of OpenMP's, which call it: training may hang, searches may slow down", remedy,
                    numbers);
            }
            if (blas.threads == BlasFacts::Threads::openmp) return ok("OpenBLAS with OpenMP threads" + file, numbers);
            return ok("OpenBLAS" + file, numbers);
        case BlasKind::mkl:
            return ok("MKL" + file, numbers);
        case BlasKind::blis:
            return ok("BLIS" + file, numbers);
        case BlasKind::atlas:
            return ok("ATLAS" + file, numbers);
        case BlasKind::other:
            return ok("sgemm comes from" + file, numbers);
    }
    return std::nullopt;
}

}  // namespace gpushard::doctor
