#include "search/device_worker.hpp"

#include <new>
#include <string>
#include <utility>

#include <gpushard/error.hpp>

namespace gpushard {

void TaskGroup::finish(std::exception_ptr failure) {
    // Notifies under the lock: the waiter destroys the group as soon as it sees the last task finished.
    const std::lock_guard lock(mutex_);
    if (failure && !failure_) failure_ = std::move(failure);
    if (--left_ == 0) all_finished_.notify_one();
}

void TaskGroup::wait() {
    std::unique_lock lock(mutex_);
    all_finished_.wait(lock, [&] { return left_ == 0; });
    if (failure_) std::rethrow_exception(failure_);
}

DeviceWorker::DeviceWorker(std::shared_ptr<Device> device, std::unique_ptr<Shard> shard)
    : device_(std::move(device)), shard_(std::move(shard)), memory_(shard_->memory()), thread_([this] { run(); }) {}

DeviceWorker::~DeviceWorker() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    work_.notify_one();
    thread_.join();
}

void DeviceWorker::submit(TaskGroup& group, std::function<void(Shard&)> task) {
    {
        const std::lock_guard lock(mutex_);
        tasks_.push_back({&group, std::move(task)});
    }
    work_.notify_one();
}

MemoryUse DeviceWorker::memory() const {
    const std::lock_guard lock(mutex_);
    return memory_;
}

void DeviceWorker::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        work_.wait(lock, [&] { return stopping_ || !tasks_.empty(); });
        if (tasks_.empty()) break;
        const Task task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        std::exception_ptr failure = execute(task);
        lock.lock();
        memory_ = shard_->memory();
        task.group->finish(std::move(failure));
    }
    lock.unlock();
    shard_.reset();
}

std::exception_ptr DeviceWorker::execute(const Task& task) {
    try {
        task.run(*shard_);
        return nullptr;
    } catch (const Error&) {
        return std::current_exception();
    } catch (const std::bad_alloc&) {
        return std::make_exception_ptr(
            InsufficientMemory(device_->info().spec + ": host memory ran out during a search", 0));
    } catch (const std::exception& error) {
        return std::make_exception_ptr(
            DeviceError(device_->info().spec, device_->info().spec + ": the search failed: " + error.what()));
    } catch (...) {
        return std::make_exception_ptr(DeviceError(
            device_->info().spec, device_->info().spec + ": the search failed: an exception of unknown type"));
    }
}

}  // namespace gpushard
