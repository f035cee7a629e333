#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

#include <gpushard/backend.hpp>

namespace gpushard {

/// Waits for a number of tasks and keeps the first exception among them.
class TaskGroup {
public:
    explicit TaskGroup(std::size_t tasks) : left_(tasks) {}

    void finish(std::exception_ptr failure);

    /// Returns when every task has finished; rethrows the first failure.
    void wait();

private:
    std::mutex mutex_;
    std::condition_variable all_finished_;
    std::size_t left_;
    std::exception_ptr failure_;
};

/// One search on one shard. Pointers stay valid until the group has been waited for.
struct SearchTask {
    std::int64_t query_count;
    const float* queries;
    std::int64_t k;
    float* distances;
    std::int64_t* ids;
    TaskGroup* group;
};

/// The one thread that touches a shard and its device while it is searched: runs tasks in the order they come, and
/// destroys the shard at its end. submit() may be called from any thread.
class DeviceWorker {
public:
    DeviceWorker(std::shared_ptr<Device> device, std::unique_ptr<Shard> shard);
    ~DeviceWorker();
    DeviceWorker(const DeviceWorker&) = delete;
    DeviceWorker& operator=(const DeviceWorker&) = delete;

    void submit(const SearchTask& task);

    /// The shard's bytes as they were after the last task.
    MemoryUse memory() const;

private:
    void run();
    void execute(const SearchTask& task);

    const std::shared_ptr<Device> device_;
    std::unique_ptr<Shard> shard_;
    mutable std::mutex mutex_;
    std::condition_variable work_;
    std::deque<SearchTask> tasks_;
    MemoryUse memory_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace gpushard
