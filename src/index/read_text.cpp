#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/vfs.h>
#include <unistd.h>

#include <gpushard/byte_source.hpp>

#include "index/open_for_reading.hpp"

namespace gpushard {
namespace {

constexpr std::size_t block_bytes = 64 << 10;

/// Of a pipe that has no name in any folder: what `<(command)` and `/dev/stdin` lead to. Its writer was there before
/// this process looked.
bool is_unnamed_pipe(int descriptor, const struct stat& status) {
    constexpr long pipe_file_system = 0x50495045;  // PIPEFS_MAGIC of linux/magic.h
    struct statfs system {};
    return S_ISFIFO(status.st_mode) && ::fstatfs(descriptor, &system) == 0 && system.f_type == pipe_file_system;
}

void refuse_what_may_never_end(int descriptor, const std::string& name) {
    const struct stat status = status_of(descriptor, name);
    const std::string kind = other_than_a_file(status);
    if (kind.empty() || is_unnamed_pipe(descriptor, status)) return;
    throw BadFile(name + ": is " + kind + ", expected a file", {}, {{"file", name}});
}

BadFile cannot_read(const std::string& name, Bytes offset, int error) {
    return BadFile(name + ": cannot be read at offset " + std::to_string(offset) + ": " + std::strerror(error), {},
                   {{"file", name}, {"offset", static_cast<std::int64_t>(offset)}, {"errno", error}});
}

}  // namespace

void read_text(const std::filesystem::path& path, Bytes most, const std::function<void(std::string_view)>& take) {
    const std::string name = checked_name(path);
    const Descriptor descriptor(open_for_reading(path, name));
    refuse_what_may_never_end(descriptor, name);
    // From here on a pipe is waited for.
    ::fcntl(descriptor, F_SETFL, 0);
    std::string block(block_bytes, '\0');
    Bytes bytes = 0;
    while (true) {
        const ssize_t got = ::read(descriptor, block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw cannot_read(name, bytes, errno);
        if (got == 0) return;
        bytes += static_cast<Bytes>(got);
        if (bytes > most) {
            throw BadFile(name + ": has more than the " + std::to_string(most) + " bytes that are read of such a text",
                          {}, {{"file", name}, {"expected", static_cast<std::int64_t>(most)}});
        }
        take(std::string_view(block).substr(0, static_cast<std::size_t>(got)));
    }
}

}  // namespace gpushard
