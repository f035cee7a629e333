#pragma once

#include <atomic>
#include <thread>

#include <gpushard/bytes.hpp>

namespace gpushard::test {

/// The least the card had free while this lived. A thread asks the driver over and over, so a dip of microseconds may
/// go unseen; simulated cards are asked for their own peak, which misses nothing.
class FreeBytesWatch {
public:
    FreeBytesWatch();
    ~FreeBytesWatch();
    FreeBytesWatch(const FreeBytesWatch&) = delete;
    FreeBytesWatch& operator=(const FreeBytesWatch&) = delete;

    /// Bytes taken at most, beyond what was taken when the watch began. Ends the watch.
    Bytes most_taken();

private:
    void end();

    const Bytes start_;
    Bytes counted_at_start_ = 0;
    std::atomic<Bytes> least_;
    std::atomic<bool> ends_ = false;
    std::thread thread_;
};

}  // namespace gpushard::test
