// OpenBLAS, which Faiss is linked with, takes a buffer for each of its threads before main begins, and where it may not
// map one it asks for it for ever. This is asked before it is.

#include <cstddef>
#include <cstdlib>
#include <sched.h>
#include <string_view>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/command_line.hpp"

namespace gpushard::cli {
namespace {

/// Of address space, for one buffer; little of it is ever touched.
constexpr std::size_t blas_buffer_bytes = std::size_t{128} << 20;

/// The number of an environment variable, 0 where there is none.
std::size_t number_of(char** environment, std::string_view name) {
    for (; *environment != nullptr; ++environment) {
        const std::string_view entry = *environment;
        if (entry.size() > name.size() && entry.substr(0, name.size()) == name && entry[name.size()] == '=') {
            return std::strtoul(*environment + name.size() + 1, nullptr, 10);
        }
    }
    return 0;
}

std::size_t blas_threads(char** environment) {
    cpu_set_t processors;
    std::size_t threads = 1;
    if (::sched_getaffinity(0, sizeof processors, &processors) == 0) {
        threads = static_cast<std::size_t>(CPU_COUNT(&processors));
    }
    for (const std::string_view name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}) {
        const std::size_t limit = number_of(environment, name);
        if (limit > 0 && limit < threads) threads = limit;
    }
    return threads;
}

bool may_map(std::size_t bytes) {
    void* const mapped = ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) return false;
    ::munmap(mapped, bytes);
    return true;
}

/// Called before the libraries are, so nothing that they or the C++ library make ready may be used.
void check_address_space(int /*count*/, char** /*arguments*/, char** environment) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
    if (may_map(blas_threads(environment) * blas_buffer_bytes)) return;
    constexpr std::string_view refusal =
        "gpushard: error: host: the libraries need more address space than this process may have (ulimit -v): 128 MiB "
        "for each thread of BLAS\n"
        "  try: raise the limit: ulimit -v unlimited\n"
        "  try: fewer threads: OMP_NUM_THREADS=1\n";
    const ssize_t written = ::write(STDERR_FILENO, refusal.data(), refusal.size());
    static_cast<void>(written);
    ::_exit(exit_does_not_fit);
}

// The linker's section of functions that run before those of all libraries. Sanitizers are not ready there, and take
// more address space than anybody limits it to.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
[[maybe_unused]]
#else
[[gnu::section(".preinit_array"), gnu::used]]
#endif
void (*check_early)(int, char**, char**) = check_address_space;

}  // namespace
}  // namespace gpushard::cli
