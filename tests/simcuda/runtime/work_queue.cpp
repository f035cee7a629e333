#include "runtime/work_queue.hpp"

#include <utility>

#include "runtime/call.hpp"

namespace simcuda {

std::uint64_t WorkQueue::add(Work work) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(work));
    return ++added_;
}

std::uint64_t WorkQueue::last() const {
    const std::lock_guard lock(mutex_);
    return added_;
}

bool WorkQueue::idle() const {
    const std::lock_guard lock(mutex_);
    return done_ == added_;
}

void WorkQueue::run_until(std::uint64_t number) {
    std::unique_lock lock(mutex_);
    while (done_ < number) {
        if (running_) {
            turn_.wait(lock);
            continue;
        }
        running_ = true;
        Work work = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        work(!card_is_lost(card_));
        work = nullptr;
        lock.lock();
        running_ = false;
        ++done_;
        turn_.notify_all();
    }
}

}  // namespace simcuda
