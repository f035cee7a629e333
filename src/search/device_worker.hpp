#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include <gpushard/backend.hpp>

namespace gpushard {

/// Waits for a number of tasks and keeps the first exception among them.
class TaskGroup {
public:
    explicit TaskGroup(std::size_t tasks) : left_(tasks) {}
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    void finish(std::exception_ptr failure);

    /// Returns when every task has finished; rethrows the first failure.
    void wait();

private:
    std::mutex mutex_;
    std::condition_variable all_finished_;
    std::size_t left_;
    std::exception_ptr failure_;
};

/// The one thread that touches a shard and its device once it is loaded: runs tasks in the order they come, and
/// destroys the shard at its end. submit() may be called from any thread.
class DeviceWorker {
public:
    DeviceWorker(std::shared_ptr<Device> device, std::unique_ptr<Shard> shard);
    ~DeviceWorker();
    DeviceWorker(const DeviceWorker&) = delete;
    DeviceWorker& operator=(const DeviceWorker&) = delete;

    /// Runs `task` after those submitted before and tells `group`, which must outlive it, how it ended.
    void submit(TaskGroup& group, std::function<void(Shard&)> task);

    /// Whether it is called by the worker itself, from within a task.
    bool is_this_thread() const { return thread_.get_id() == std::this_thread::get_id(); }

    /// The shard's bytes as they were after the last task.
    MemoryUse memory() const;

private:
    struct Task {
        TaskGroup* group;
        std::function<void(Shard&)> run;
    };

    void run();
    std::exception_ptr execute(const Task& task);

    const std::shared_ptr<Device> device_;
    std::unique_ptr<Shard> shard_;
    mutable std::mutex mutex_;
    std::condition_variable work_;
    std::deque<Task> tasks_;
    MemoryUse memory_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace gpushard
