#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace gpushard::cli {

/// While it lives, SIGINT, SIGTERM and SIGHUP cancel the command, always: the process removes its temporary files, says
/// "cancelled", and ends with `exit_cancelled`. A command that listens is asked to stop first, and has 150 ms to do so
/// in its own way; another signal ends it at once. Signals that were ignored before stay ignored. One at a time.
class Interrupt {
public:
    /// Where the system has no thread or pipe left, signals do what they did before.
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    /// Says that the command stops by itself when the token says so.
    std::stop_token listen();

    /// Throws Cancelled with this message when a signal came to a command that listens.
    void check(const char* message) const;

private:
    void watch();

    std::stop_source source_;
    std::atomic<bool> listened_to_{false};
    int read_end_ = -1;
    std::thread watcher_;
};

}  // namespace gpushard::cli
