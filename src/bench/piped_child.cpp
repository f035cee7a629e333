#include "bench/piped_child.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

#include <gpushard/error.hpp>
#include <gpushard/printable_text.hpp>

namespace gpushard::bench {
namespace {

constexpr std::size_t longest_line = std::size_t{64} * 1024;

[[noreturn]] void throw_system_error(const char* what) {
    throw Error(ErrorKind::internal, std::string(what) + ": " + std::generic_category().message(errno));
}

std::array<int, 2> socket_pair() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) throw_system_error("socketpair");
    return ends;
}

/// What runs between fork and exec may call little: other threads of this process may have held any lock.
[[noreturn]] void become(char* const* arguments, pid_t parent, int socket, int errors, int failure) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    // Those of the tool are not those a program expects.
    std::signal(SIGPIPE, SIG_DFL);
    std::signal(SIGXFSZ, SIG_DFL);
    if (::dup2(socket, STDIN_FILENO) >= 0 && ::dup2(socket, STDOUT_FILENO) >= 0 && ::dup2(errors, STDERR_FILENO) >= 0) {
        ::execvp(arguments[0], arguments);
    }
    const int reason = errno;
    const ssize_t written = ::write(failure, &reason, sizeof reason);
    ::_exit(written == sizeof reason ? 127 : 126);
}

int wait_for(pid_t process) {
    int status = 0;
    while (::waitpid(process, &status, 0) < 0 && errno == EINTR) continue;
    return status;
}

std::string how_ended(int status) {
    if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
    return "ended with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

OwnedDescriptor::~OwnedDescriptor() { close(); }

void OwnedDescriptor::close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
}

PipedChild::PipedChild(const std::vector<std::string>& command)
    : name_(command.front()), errors_(::memfd_create("errors", MFD_CLOEXEC)) {
    if (errors_.get() < 0) throw_system_error("memfd_create");
    start(command);
}

PipedChild::~PipedChild() { end(); }

void PipedChild::start(const std::vector<std::string>& command) {
    std::vector<char*> arguments;
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const auto [ours, theirs] = socket_pair();
    OwnedDescriptor their_end(theirs);
    socket_.adopt(ours);
    const auto [failure_read, failure_write] = socket_pair();
    const OwnedDescriptor failure_in(failure_read);
    OwnedDescriptor failure_out(failure_write);

    const pid_t parent = ::getpid();
    process_ = ::fork();
    if (process_ < 0) throw_system_error("fork");
    if (process_ == 0) become(arguments.data(), parent, their_end.get(), errors_.get(), failure_out.get());
    their_end.close();
    failure_out.close();
    // It closes with the exec; before that comes why there was none.
    int reason = 0;
    if (::recv(failure_in.get(), &reason, sizeof reason, MSG_WAITALL) != sizeof reason) return;
    end();
    throw InvalidArgument("cannot run " + printable(name_) + ": " + std::generic_category().message(reason));
}

void PipedChild::must_be_there() const {
    if (process_ < 0) throw Error(ErrorKind::internal, printable(name_) + " has ended");
}

void PipedChild::write(std::string_view bytes) {
    must_be_there();
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) throw_how_it_ended();
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

std::string PipedChild::read_line() {
    must_be_there();
    for (;;) {
        const std::size_t line_end = read_.find('\n');
        if (line_end != std::string::npos) {
            std::string line = read_.substr(0, line_end);
            read_.erase(0, line_end + 1);
            return line;
        }
        if (read_.size() > longest_line) {
            throw Error(ErrorKind::internal, printable(name_) + " says what cannot be understood, without end");
        }
        std::array<char, 4096> block;
        const ssize_t got = ::recv(socket_.get(), block.data(), block.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) throw_how_it_ended();
        read_.append(block.data(), static_cast<std::size_t>(got));
    }
}

// A child that is ending keeps the status that it ends with; one that closed its side and runs on is ended here.
void PipedChild::throw_how_it_ended() {
    ::kill(process_, SIGKILL);
    const std::string how = how_ended(wait_for(process_));
    process_ = -1;
    socket_.close();
    const std::string words = last_words();
    throw Error(ErrorKind::internal, printable(name_) + " " + how + (words.empty() ? "" : ": " + words));
}

std::string PipedChild::last_words() const {
    const off_t size = ::lseek(errors_.get(), 0, SEEK_END);
    std::array<char, 512> block;
    const off_t begin = size > static_cast<off_t>(block.size()) ? size - static_cast<off_t>(block.size()) : 0;
    const ssize_t got = ::pread(errors_.get(), block.data(), block.size(), begin);
    if (got <= 0) return {};
    std::string text(block.data(), static_cast<std::size_t>(got));
    text.erase(text.find_last_not_of(" \r\n") + 1);
    const std::size_t line = text.rfind('\n');
    return printable(line == std::string::npos ? text : text.substr(line + 1));
}

void PipedChild::end() noexcept {
    socket_.close();
    if (process_ < 0) return;
    ::kill(process_, SIGKILL);
    wait_for(process_);
    process_ = -1;
}

}  // namespace gpushard::bench
