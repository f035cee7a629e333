#include "cpu/host_threads.hpp"

#include <cstddef>
#include <latch>
#include <new>
#include <string>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

#include <omp.h>

#include <gpushard/error.hpp>

namespace gpushard {
namespace {

std::string limit_of_threads() {
    rlimit limit = {};
    if (::getrlimit(RLIMIT_NPROC, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return "there is no limit of the process";
    }
    return "ulimit -u is " + std::to_string(limit.rlim_cur);
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

InsufficientMemory too_few_threads(int needed, int started, const std::string& problem) {
    InsufficientMemory refusal("host: searches run on " + std::to_string(needed) + " threads more, the system lets " +
                                   std::to_string(started) + " of them start (" + problem + "): " + limit_of_threads(),
                               0, {}, {},
                               {{"device", std::string("cpu")},
                                {"needed_threads", std::int64_t{needed}},
                                {"started_threads", std::int64_t{started}}});
    refusal.add_hint("raise the limit: ulimit -u unlimited");
    refusal.add_hint("fewer threads: --threads 1");
    return refusal;
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
    throw too_few_threads(threads, static_cast<int>(started), problem);
}

void start_omp_threads(int threads) {
    check_threads_can_start(threads - 1);
#pragma omp parallel num_threads(threads)
    {
        // The threads are there from now on.
    }
}

}  // namespace gpushard
