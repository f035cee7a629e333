#pragma once

#include <stop_token>
#include <thread>

namespace gpushard::cli {

/// While it lives, the first SIGINT, SIGTERM or SIGHUP asks to stop through `token` instead of ending the process; a
/// second one ends it. One at a time.
class Interrupt {
public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    std::stop_token token() const { return source_.get_token(); }

private:
    std::stop_source source_;
    int read_end_ = -1;
    std::thread watcher_;
};

}  // namespace gpushard::cli
