#include "support/child_process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace gpushard::test {
namespace {

void check(bool ok, const char* what) {
    if (!ok) throw std::system_error(errno, std::generic_category(), what);
}

struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        check(::pipe2(ends.data(), O_CLOEXEC) == 0, "pipe2");
        read_end = ends[0];
        write_end = ends[1];
    }
    ~Pipe() {
        close_end(read_end);
        close_end(write_end);
    }
    static void close_end(int& end) {
        if (end >= 0) ::close(end);
        end = -1;
    }
    int read_end;
    int write_end;
};

void limit(__rlimit_resource resource, const std::optional<std::uint64_t>& most) {
    if (!most) return;
    const rlimit limits = {*most, *most};
    if (::setrlimit(resource, &limits) != 0) ::_exit(127);
}

[[noreturn]] void become(const std::vector<std::string>& command, const ChildSetup& setup, int out, int err) {
    if (!setup.stdout_path.empty()) out = ::open(setup.stdout_path.c_str(), O_WRONLY | O_CLOEXEC);
    if (!setup.stderr_path.empty()) err = ::open(setup.stderr_path.c_str(), O_WRONLY | O_CLOEXEC);
    const char* const input = setup.stdin_path.empty() ? "/dev/null" : setup.stdin_path.c_str();
    if (::dup2(::open(input, O_RDONLY | O_CLOEXEC), STDIN_FILENO) < 0) ::_exit(127);
    if (::dup2(out, STDOUT_FILENO) < 0 || ::dup2(err, STDERR_FILENO) < 0) ::_exit(127);
    limit(RLIMIT_FSIZE, setup.largest_file_bytes);
    limit(RLIMIT_DATA, setup.largest_data_bytes);
    if (!setup.folder.empty() && ::chdir(setup.folder.c_str()) != 0) ::_exit(127);
    for (const std::string& variable : setup.environment) {
        if (::putenv(const_cast<char*>(variable.c_str())) != 0) ::_exit(127);
    }
    for (const int signal : setup.ignored_signals) std::signal(signal, SIG_IGN);
    // What the tests were started with must not count against a child's limit of open files.
    if (::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) != 0) ::_exit(127);
    for (const int descriptor : setup.closed) ::close(descriptor);
    if (setup.user && (::setgid(*setup.user) != 0 || ::setuid(*setup.user) != 0)) ::_exit(127);
    limit(RLIMIT_AS, setup.address_space_bytes);
    limit(RLIMIT_NPROC, setup.processes);
    ::alarm(setup.seconds);
    std::vector<char*> arguments;
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
}

/// Ends a child that runs for too long: asks it first, and kills it when it was asked in vain.
class Patience {
public:
    Patience(std::optional<std::chrono::seconds> patience, pid_t child) : child_(child) {
        if (patience) patience_ = *patience;
        until_ = Clock::now() + patience_;
    }

    /// What poll() may wait for, in milliseconds.
    int poll_timeout() const {
        if (patience_.count() == 0) return -1;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - Clock::now()).count();
        return static_cast<int>(std::max<std::int64_t>(left, 0));
    }

    /// Whether the child has been killed, so that nothing more needs to come.
    bool ends(ChildResult& result) {
        if (patience_.count() == 0 || Clock::now() < until_) return false;
        until_ = Clock::now() + time_to_end;
        result.hung = result.was_stopped;
        ::kill(child_, result.hung ? SIGKILL : SIGTERM);
        result.was_stopped = true;
        return result.hung;
    }

private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds time_to_end{60};
    pid_t child_;
    std::chrono::seconds patience_{0};
    Clock::time_point until_;
};

/// Reads both pipes until the child has closed them.
void drain(const Pipe& out, const Pipe& err, pid_t child, const ChildSetup& setup, ChildResult& result) {
    std::array<pollfd, 2> polled = {{{out.read_end, POLLIN, 0}, {err.read_end, POLLIN, 0}}};
    Patience patience(setup.patience, child);
    while ((polled[0].fd >= 0 || polled[1].fd >= 0) && !patience.ends(result)) {
        check(::poll(polled.data(), polled.size(), patience.poll_timeout()) >= 0 || errno == EINTR, "poll");
        for (std::size_t i = 0; i < polled.size(); ++i) {
            if (polled[i].fd < 0 || polled[i].revents == 0) continue;
            char block[4096];
            const ssize_t got = ::read(polled[i].fd, block, sizeof block);
            if (got <= 0) {
                polled[i].fd = -1;
                continue;
            }
            (i == 0 ? result.out : result.err).append(block, static_cast<std::size_t>(got));
            if (i == 1 && setup.on_stderr) setup.on_stderr(result.err, child);
        }
    }
}

}  // namespace

ChildResult run_child(const std::vector<std::string>& command, const ChildSetup& setup) {
    Pipe out;
    Pipe err;
    if (setup.nobody_reads_stdout) Pipe::close_end(out.read_end);
    const pid_t child = ::fork();
    check(child >= 0, "fork");
    if (child == 0) become(command, setup, out.write_end, err.write_end);
    Pipe::close_end(out.write_end);
    Pipe::close_end(err.write_end);
    ChildResult result;
    drain(out, err, child, setup, result);
    int status = 0;
    check(::waitpid(child, &status, 0) == child, "waitpid");
    if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
    if (result.exit_code == 127) throw std::runtime_error("cannot run " + command.front());
    return result;
}

}  // namespace gpushard::test
