#include "cpu/scan_threads.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <system_error>
#include <unistd.h>

#include "cpu/host_threads.hpp"

namespace gpushard {

struct ScanThreads::Job {
    const std::int64_t tasks;
    const int most;
    const Run& run;
    std::atomic<std::int64_t> next{0};
    int slots = 0;    ///< given out so far; who leaves has found no task left, so none is given twice
    int working = 0;  ///< threads that are at it
    std::exception_ptr failure = nullptr;

    bool has_room() const { return slots < most && next < tasks; }
};

std::shared_ptr<ScanThreads> ScanThreads::of_process(int threads) {
    static std::mutex mutex;
    static std::weak_ptr<ScanThreads> known;
    static pid_t process = 0;
    const std::lock_guard lock(mutex);
    std::shared_ptr<ScanThreads> shared;
    // The threads stay behind where a process is forked.
    if (process == ::getpid()) shared = known.lock();
    if (shared) {
        shared->grow(threads);
        return shared;
    }
    shared = std::make_shared<ScanThreads>(threads);
    known = shared;
    process = ::getpid();
    return shared;
}

ScanThreads::ScanThreads(int threads) {
    try {
        grow(threads);
    } catch (...) {
        // A constructor that throws is not destroyed, but its threads have to end.
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
        }
        work_or_end_.notify_all();
        for (std::thread& thread : threads_) thread.join();
        throw;
    }
}

ScanThreads::~ScanThreads() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    work_or_end_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

void ScanThreads::grow(int threads) {
    const std::lock_guard lock(mutex_);
    const auto wanted = static_cast<std::size_t>(std::max(1, threads));
    threads_.reserve(std::max(wanted, threads_.size()));
    while (threads_.size() < wanted) {
        try {
            threads_.emplace_back([this] { serve(); });
        } catch (const std::system_error& error) {
            throw too_few_threads(threads, static_cast<int>(threads_.size()), error.code().message());
        }
        ++idle_seats_;
    }
}

void ScanThreads::for_each(std::int64_t tasks, int most, const Run& run) {
    if (tasks <= 0) return;
    Job job{.tasks = tasks, .most = std::max(1, most), .run = run};
    std::unique_lock lock(mutex_);
    jobs_.push_back(&job);
    const auto helpers = std::min<std::int64_t>(std::min<std::int64_t>(job.most, tasks), idle_seats_) - 1;
    for (std::int64_t i = 0; i < helpers; ++i) work_or_end_.notify_one();
    // Waking a thread takes longer than a small search; where all seats are taken, those who have them come by.
    if (idle_seats_ > 0) work_at(job, lock);
    done_.wait(lock, [&] { return job.working == 0 && job.next >= job.tasks; });
    jobs_.erase(std::find(jobs_.begin(), jobs_.end(), &job));
    lock.unlock();
    if (job.failure) std::rethrow_exception(job.failure);
}

/// Under the lock.
ScanThreads::Job* ScanThreads::next_job() {
    const auto found = std::find_if(jobs_.begin(), jobs_.end(), [](const Job* job) { return job->has_room(); });
    return found == jobs_.end() ? nullptr : *found;
}

void ScanThreads::work_at(Job& job, std::unique_lock<std::mutex>& lock) {
    --idle_seats_;
    ++job.working;
    const int slot = job.slots++;
    lock.unlock();
    std::exception_ptr failure;
    try {
        for (std::int64_t task = job.next++; task < job.tasks; task = job.next++) job.run(task, slot);
    } catch (...) {
        failure = std::current_exception();
        job.next = job.tasks;
    }
    lock.lock();
    if (failure && !job.failure) job.failure = failure;
    --job.working;
    ++idle_seats_;
    const bool is_done = job.working == 0;
    if (is_done) done_.notify_all();
    // Another may wait for the seat: the thread that had it may be a caller, which leaves.
    if (next_job() != nullptr) work_or_end_.notify_one();
}

void ScanThreads::serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
        // Found and taken under one lock, but asked for once: tasks run out without it.
        Job* job = nullptr;
        work_or_end_.wait(lock, [&] {
            if (idle_seats_ > 0) job = next_job();
            return ending_ || job != nullptr;
        });
        if (ending_) return;
        work_at(*job, lock);
    }
}

}  // namespace gpushard
