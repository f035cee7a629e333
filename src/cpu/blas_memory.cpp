#include "cpu/blas_memory.hpp"

#include <algorithm>
#include <cstddef>
#include <dlfcn.h>
#include <latch>
#include <mutex>
#include <new>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

#include <omp.h>

#include <gpushard/bytes.hpp>
#include <gpushard/error.hpp>

namespace gpushard {
namespace {

/// Of address space, for one buffer of OpenBLAS on x86-64; little of it is ever touched.
constexpr Bytes blas_buffer_bytes = 128_MiB;

/// The part of OpenBLAS that hands out its buffers; null where BLAS is another.
struct OpenBlas {
    void* (*take)(int) = reinterpret_cast<void* (*)(int)>(::dlsym(RTLD_DEFAULT, "blas_memory_alloc"));
    void (*give_back)(void*) = reinterpret_cast<void (*)(void*)>(::dlsym(RTLD_DEFAULT, "blas_memory_free"));
    int (*threads)() = reinterpret_cast<int (*)()>(::dlsym(RTLD_DEFAULT, "openblas_get_num_threads"));

    bool is_there() const { return take != nullptr && give_back != nullptr && threads != nullptr; }
};

std::string limit_text(int resource, const char* unlimited) {
    rlimit limit = {};
    if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return unlimited;
    }
    return resource == RLIMIT_AS ? "ulimit -v is " + std::to_string(limit.rlim_cur / 1024) + " KiB"
                                 : "ulimit -u is " + std::to_string(limit.rlim_cur);
}

/// Throws unless the process may map `count` buffers at a time.
void check_address_space(int count) {
    std::vector<void*> mapped;
    mapped.reserve(static_cast<std::size_t>(count));
    while (static_cast<int>(mapped.size()) < count) {
        void* const buffer =
            ::mmap(nullptr, blas_buffer_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (buffer == MAP_FAILED) break;
        mapped.push_back(buffer);
    }
    for (void* const buffer : mapped) ::munmap(buffer, blas_buffer_bytes);
    const Bytes needed = blas_buffer_bytes * static_cast<Bytes>(count);
    const Bytes got = blas_buffer_bytes * mapped.size();
    if (got >= needed) return;
    InsufficientMemory refusal("host: BLAS needs " + format_bytes(needed) +
                                   " of address space for its buffers, the system grants " + format_bytes(got) +
                                   " of it: " + limit_text(RLIMIT_AS, "there is no limit of the process"),
                               needed - got, {{"host", needed, got, needed - got}}, {},
                               {{"device", std::string("cpu")}, {"needed_bytes", static_cast<std::int64_t>(needed)}});
    refusal.add_hint("raise the limit: ulimit -v unlimited");
    refusal.add_hint("fewer threads take fewer buffers: OMP_NUM_THREADS=1");
    throw refusal;
}

/// Threads that wait until this ends, and are gone then: they count against the limit of the process until the system
/// has cleared them away.
class WaitingThreads {
public:
    explicit WaitingThreads(std::size_t most) : ids_(most) { threads_.reserve(most); }
    ~WaitingThreads() {
        let_go_.count_down();
        for (std::thread& thread : threads_) thread.join();
        for (std::size_t i = 0; i < threads_.size(); ++i) {
            while (::syscall(SYS_tgkill, ::getpid(), ids_[i], 0) == 0) std::this_thread::yield();
        }
    }
    WaitingThreads(const WaitingThreads&) = delete;
    WaitingThreads& operator=(const WaitingThreads&) = delete;

    void start_one() {
        threads_.emplace_back([this, id = &ids_[threads_.size()]] {
            *id = static_cast<pid_t>(::syscall(SYS_gettid));
            let_go_.wait();
        });
    }

private:
    std::latch let_go_{1};
    std::vector<pid_t> ids_;
    std::vector<std::thread> threads_;
};

}  // namespace

void reserve_blas_memory(int callers, int threads) {
    static const OpenBlas blas;
    static std::mutex mutex;
    static int kept = 0;  // buffers that BLAS has got from here
    if (!blas.is_there()) return;
    const std::lock_guard lock(mutex);
    // BLAS took one for each of its own threads when it was loaded, and takes more when there are more of them.
    const int needed = callers + std::max(0, threads - blas.threads());
    if (needed <= kept) return;
    // Those it has may all be in use now.
    check_address_space(needed);
    std::vector<void*> buffers;
    for (int i = 0; i < needed; ++i) buffers.push_back(blas.take(0));
    for (void* const buffer : buffers) blas.give_back(buffer);
    kept = needed;
}

void check_threads_can_start(int threads) {
    if (threads <= 0) return;
    const auto needed = static_cast<std::size_t>(threads);
    std::size_t started = 0;
    std::string problem;
    try {
        WaitingThreads waiting(needed);
        for (; started < needed; ++started) waiting.start_one();
        return;
    } catch (const std::system_error& error) {
        problem = error.code().message();
    } catch (const std::bad_alloc&) {
        problem = "no memory for one more";
    }
    InsufficientMemory refusal("host: searches run on " + std::to_string(threads) + " threads more, the system lets " +
                                   std::to_string(started) + " of them start (" + problem +
                                   "): " + limit_text(RLIMIT_NPROC, "there is no limit of the process"),
                               0, {}, {},
                               {{"device", std::string("cpu")},
                                {"needed_threads", std::int64_t{threads}},
                                {"started_threads", static_cast<std::int64_t>(started)}});
    refusal.add_hint("raise the limit: ulimit -u unlimited");
    refusal.add_hint("fewer threads: OMP_NUM_THREADS=1");
    throw refusal;
}

void start_omp_threads(int threads) {
    check_threads_can_start(threads - 1);
#pragma omp parallel num_threads(threads)
    {
        // The threads are there from now on.
    }
}

}  // namespace gpushard
