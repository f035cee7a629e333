#include "index/open_for_reading.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <gpushard/printable_text.hpp>

namespace gpushard {

Descriptor::~Descriptor() { ::close(number_); }

std::string checked_name(const std::filesystem::path& path) {
    const std::string& name = path.native();
    if (name.empty()) throw InvalidArgument("the path of a file is empty, expected the name of one");
    if (name.find('\0') != std::string::npos) {
        throw InvalidArgument(printable(name) + ": the path holds a byte of 0, which no file has in its name");
    }
    return name;
}

int open_for_reading(const std::filesystem::path& path, const std::string& name) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) throw cannot_open(name, errno);
    return descriptor;
}

struct stat status_of(int descriptor, const std::string& name) {
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) throw cannot_open(name, errno);
    return status;
}

BadFile cannot_open(const std::string& name, int error) {
    BadFile problem(name + ": cannot be opened: " + std::strerror(error), {}, {{"file", name}, {"errno", error}});
    if (error == EMFILE) problem.add_hint("let this process open more files: ulimit -n 1024");
    return problem;
}

std::string other_than_a_file(const struct stat& status) {
    if (S_ISREG(status.st_mode)) return {};
    if (S_ISDIR(status.st_mode)) return "a folder";
    if (S_ISFIFO(status.st_mode)) return "a named pipe";
    if (S_ISSOCK(status.st_mode)) return "a socket";
    return "a device";
}

}  // namespace gpushard
