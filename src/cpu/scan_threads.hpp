#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace gpushard {

/// The threads of this process that search on the host, shared by all devices there. They sleep while there is nothing
/// to do. Thread-safe.
class ScanThreads {
public:
    /// With at least so many threads: they are started when they are first asked for, and end with the last that holds
    /// them. Throws InsufficientMemory where the system lets no more start.
    static std::shared_ptr<ScanThreads> of_process(int threads);

    explicit ScanThreads(int threads);
    ~ScanThreads();
    ScanThreads(const ScanThreads&) = delete;
    ScanThreads& operator=(const ScanThreads&) = delete;

    /// What a call works at: a task, and a slot that no other call has at the same time.
    using Run = std::function<void(std::int64_t task, int slot)>;

    /// Runs the tasks from 0 to `tasks` on at most `most` threads, of which the calling one may be one; slots are below
    /// `most`. Threads take the next task as they come, in ascending order, and wait for nothing in between. Calls at
    /// the same time share the threads, and the call that came first is served first. What `run`
    /// throws ends the call: no task is begun any more, and the first exception is thrown on.
    void for_each(std::int64_t tasks, int most, const Run& run);

private:
    struct Job;

    void grow(int threads);
    void serve();
    Job* next_job();
    void work_at(Job& job, std::unique_lock<std::mutex>& lock);

    std::mutex mutex_;  ///< guards all below, and what jobs do not count by themselves
    std::condition_variable work_or_end_;
    std::condition_variable done_;
    std::deque<Job*> jobs_;
    int idle_seats_ = 0;  ///< threads that may work beside those that do
    bool ending_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace gpushard
