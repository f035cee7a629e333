#include "cli/interrupt.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace gpushard::cli {
namespace {

constexpr int handled_signals[] = {SIGINT, SIGTERM, SIGHUP};

// A signal handler may do little more than write to a pipe; a thread at its other end asks to stop.
volatile std::sig_atomic_t write_end = -1;

constexpr char signal_came = 's';
constexpr char no_more_signals = 'e';

void write_to_pipe(char what) {
    const int saved = errno;
    const ssize_t written = ::write(write_end, &what, 1);
    static_cast<void>(written);  // a full pipe has been told already
    errno = saved;
}

void on_signal(int) { write_to_pipe(signal_came); }

}  // namespace

Interrupt::Interrupt() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    read_end_ = ends[0];
    write_end = ends[1];
    watcher_ = std::thread([this] {
        char what = 0;
        while (what != no_more_signals) {
            const ssize_t got = ::read(read_end_, &what, 1);
            if (got < 0 && errno == EINTR) continue;
            if (got != 1) return;
            if (what == signal_came) source_.request_stop();
        }
    });
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
    for (const int signal : handled_signals) ::sigaction(signal, &action, nullptr);
}

Interrupt::~Interrupt() {
    struct sigaction action = {};
    action.sa_handler = SIG_DFL;
    for (const int signal : handled_signals) ::sigaction(signal, &action, nullptr);
    write_to_pipe(no_more_signals);
    watcher_.join();
    ::close(read_end_);
    ::close(write_end);
    write_end = -1;
}

}  // namespace gpushard::cli
