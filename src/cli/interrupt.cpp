#include "cli/interrupt.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include <gpushard/error.hpp>

#include "cli/command_line.hpp"
#include "cli/temporary_file.hpp"

namespace gpushard::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds grace{150};
constexpr int handled_signals[] = {SIGINT, SIGTERM, SIGHUP};

// A signal handler may do little more than write to a pipe; a thread at its other end does the rest. Neither end is
// closed before the process ends: a handler may still be running.
std::atomic<int> write_end{-1};
std::atomic<pid_t> watched_process{-1};
std::atomic<int> signals{0};
static_assert(std::atomic<int>::is_always_lock_free, "signal handlers may use no other atomics");

enum class Event : char { signal = 's', end = 'e', timeout = 't' };

bool write_to_pipe(Event event) {
    const char what = static_cast<char>(event);
    return ::write(write_end, &what, 1) == 1;
}

void restore_default(int signal) {
    struct sigaction action = {};
    action.sa_handler = SIG_DFL;
    ::sigaction(signal, &action, nullptr);
}

/// A third signal, should the watcher hang, and one to a child that was forked do what they do without a handler.
void on_signal(int signal) {
    const int saved = errno;
    if (::getpid() == watched_process && signals.fetch_add(1) < 2) {
        static_cast<void>(write_to_pipe(Event::signal));  // a full pipe has been told already
    } else {
        restore_default(signal);
        ::raise(signal);
    }
    errno = saved;
}

void install_handlers() {
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    for (const int signal : handled_signals) {
        struct sigaction before = {};
        ::sigaction(signal, nullptr, &before);
        if (before.sa_handler != SIG_IGN) ::sigaction(signal, &action, nullptr);
    }
}

void restore_handlers() {
    for (const int signal : handled_signals) {
        struct sigaction now = {};
        ::sigaction(signal, nullptr, &now);
        if (now.sa_handler == on_signal) restore_default(signal);
    }
}

/// The next event, or `timeout` when none comes until `deadline`; without one it waits for ever.
Event next_event(int read_end, std::optional<Clock::time_point> deadline) {
    for (;;) {
        int milliseconds = -1;
        if (deadline) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
            milliseconds = left > 0 ? static_cast<int>(left) : 0;
        }
        pollfd polled = {read_end, POLLIN, 0};
        const int ready = ::poll(&polled, 1, milliseconds);
        if (ready == 0) return Event::timeout;
        char what = 0;
        if (ready > 0 && ::read(read_end, &what, 1) == 1) return static_cast<Event>(what);
    }
}

/// Standard error may be a pipe that is full, or a terminal that is held: then nothing is said.
void say_cancelled() {
    pollfd polled = {STDERR_FILENO, POLLOUT, 0};
    if (::poll(&polled, 1, 0) != 1 || (polled.revents & POLLOUT) == 0) return;
    const std::string_view line = "\ngpushard: error: cancelled\n";
    const bool after_a_bar = ::isatty(STDERR_FILENO) == 1;
    const std::string_view said = after_a_bar ? line : line.substr(1);
    const ssize_t written = ::write(STDERR_FILENO, said.data(), said.size());
    static_cast<void>(written);
}

[[noreturn]] void end_process() {
    remove_temporary_files();
    say_cancelled();
    ::_exit(exit_cancelled);
}

}  // namespace

Interrupt::Interrupt() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    read_end_ = ends[0];
    write_end = ends[1];
    watched_process = ::getpid();
    try {
        watcher_ = std::thread([this] { watch(); });
    } catch (const std::system_error&) {
        return;
    }
    install_handlers();
}

Interrupt::~Interrupt() {
    if (!watcher_.joinable()) return;
    restore_handlers();
    // A reader waits at the other end, so no failure lasts.
    while (!write_to_pipe(Event::end)) std::this_thread::yield();
    watcher_.join();
}

std::stop_token Interrupt::listen() {
    listened_to_ = true;
    return source_.get_token();
}

void Interrupt::check(const char* message) const {
    if (source_.stop_requested()) throw Cancelled(message);
}

void Interrupt::watch() {
    if (next_event(read_end_, std::nullopt) == Event::end) return;
    if (listened_to_) {
        const Clock::time_point deadline = Clock::now() + grace;
        source_.request_stop();
        if (next_event(read_end_, deadline) == Event::end) return;
    }
    end_process();
}

}  // namespace gpushard::cli
