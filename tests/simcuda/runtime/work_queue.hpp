#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace simcuda {

/// Something that a stream does; called once, with false where it is dropped because the card is lost.
using Work = std::function<void(bool run)>;

/// The work of one stream, held back until something waits for it, then run in order on the thread that waits; others
/// that wait for the same stream wait for that one. Thread-safe.
class WorkQueue {
public:
    /// `blocking`: in step with the default stream of the card.
    WorkQueue(int card, bool blocking) : card_(card), blocking_(blocking) {}

    int card() const { return card_; }
    bool blocking() const { return blocking_; }
    /// Its number; they rise from 1.
    std::uint64_t add(Work work);
    std::uint64_t last() const;
    bool idle() const;
    /// Runs what has not run yet, up to that number.
    void run_until(std::uint64_t number);

private:
    const int card_;
    const bool blocking_;
    mutable std::mutex mutex_;
    std::condition_variable turn_;
    std::deque<Work> waiting_;
    std::uint64_t added_ = 0;
    std::uint64_t done_ = 0;
    bool running_ = false;
};

/// A piece of work and all before it in its stream; an empty one is done.
struct WorkPoint {
    std::shared_ptr<WorkQueue> queue;
    std::uint64_t number = 0;

    void finish() const {
        if (queue != nullptr) queue->run_until(number);
    }
};

}  // namespace simcuda
