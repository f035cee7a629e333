#include "cli/spooled_source.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <iterator>
#include <optional>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

#include <gpushard/error.hpp>

namespace gpushard::cli {
namespace {

BadFile cannot_keep(const std::string& name, int error) {
    std::error_code unknown;
    const std::string folder = std::filesystem::temp_directory_path(unknown).string();
    return BadFile(name + ": cannot be kept in a temporary file in " + folder + ": " + std::strerror(error),
                   {"name a folder with room for it: TMPDIR=FOLDER gpushard ..."}, {{"file", name}, {"errno", error}});
}

int open_nameless(const std::string& name) {
    std::error_code failed;
    std::string path = (std::filesystem::temp_directory_path(failed) / "gpushard-XXXXXX").string();
    if (failed) throw cannot_keep(name, failed.value());
    const int descriptor = ::mkostemp(path.data(), O_CLOEXEC);
    if (descriptor < 0) throw cannot_keep(name, errno);
    ::unlink(path.c_str());
    return descriptor;
}

/// Waits for input, or for a request to stop.
class InputWait {
public:
    InputWait(int descriptor, const std::stop_token& stop)
        : descriptor_(descriptor),
          stop_event_(::eventfd(0, EFD_CLOEXEC)),
          on_stop_(std::in_place, stop, [this] { ::eventfd_write(stop_event_, 1); }) {}
    ~InputWait() {
        on_stop_.reset();  // before the event it writes to
        ::close(stop_event_);
    }
    InputWait(const InputWait&) = delete;
    InputWait& operator=(const InputWait&) = delete;

    /// Throws Cancelled on a request to stop.
    void wait() const {
        pollfd events[] = {{.fd = descriptor_, .events = POLLIN, .revents = 0},
                           {.fd = stop_event_, .events = POLLIN, .revents = 0}};
        while (::poll(events, std::size(events), -1) < 0) {
            if (errno != EINTR) return;  // reading will say what is wrong
        }
        if (events[1].revents != 0) throw Cancelled("reading the queries was cancelled");
    }

private:
    const int descriptor_;
    const int stop_event_;
    std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

}  // namespace

SpooledSource::SpooledSource(std::string name) : name_(std::move(name)), descriptor_(open_nameless(name_)) {}

SpooledSource::~SpooledSource() { ::close(descriptor_); }

void SpooledSource::append(const void* bytes, std::size_t count) {
    if (count > most_spooled_bytes - size_) {
        throw BadFile(name_ + ": has more than " + format_bytes(most_spooled_bytes) +
                          ", the most that is taken from a pipe or an archive",
                      {"write it to a file and name that"}, {{"file", name_}});
    }
    const char* from = static_cast<const char*>(bytes);
    while (count > 0) {
        const ssize_t wrote = ::pwrite(descriptor_, from, count, static_cast<off_t>(size_));
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) throw cannot_keep(name_, wrote == 0 ? EIO : errno);
        from += wrote;
        size_ += static_cast<Bytes>(wrote);
        count -= static_cast<std::size_t>(wrote);
    }
}

void SpooledSource::read_bytes(Bytes offset, void* destination, std::size_t count) const {
    char* to = static_cast<char*>(destination);
    while (count > 0) {
        const ssize_t got = ::pread(descriptor_, to, count, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            throw BadFile(name_ + ": cannot be read at offset " + std::to_string(offset) + ": " +
                              (got < 0 ? std::strerror(errno) : "it ends there"),
                          {}, {{"file", name_}, {"offset", static_cast<std::int64_t>(offset)}});
        }
        to += got;
        offset += static_cast<Bytes>(got);
        count -= static_cast<std::size_t>(got);
    }
}

std::shared_ptr<SpooledSource> spool(int descriptor, const std::string& name, const std::stop_token& stop) {
    auto spooled = std::make_shared<SpooledSource>(name);
    const InputWait input(descriptor, stop);
    std::array<char, 64 << 10> block;
    while (true) {
        input.wait();
        const ssize_t got = ::read(descriptor, block.data(), block.size());
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got < 0) throw BadFile(name + ": cannot be read: " + std::strerror(errno), {}, {{"file", name}});
        if (got == 0) return spooled;
        spooled->append(block.data(), static_cast<std::size_t>(got));
    }
}

}  // namespace gpushard::cli
