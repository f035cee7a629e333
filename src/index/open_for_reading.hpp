#pragma once

#include <filesystem>
#include <string>
#include <sys/stat.h>

#include <gpushard/error.hpp>

namespace gpushard {

/// Owns an open file.
class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor();
    operator int() const { return number_; }

private:
    int number_;
};

/// What messages call the path. Throws InvalidArgument for a path that no file can have: an empty one, or one with a
/// byte of 0, which the system would take for its end.
std::string checked_name(const std::filesystem::path& path);

/// Opens whatever is there without waiting for anybody: a pipe may have no writer. Throws BadFile. What it is must be
/// asked of the descriptor, not of the path, which may lead to something else by then.
int open_for_reading(const std::filesystem::path& path, const std::string& name);

struct stat status_of(int descriptor, const std::string& name);  ///< Throws BadFile.

/// "NAME: cannot be opened: No such file or directory".
BadFile cannot_open(const std::string& name, int error);

/// "a folder", "a named pipe", "a device", "a socket"; nothing for a regular file.
std::string other_than_a_file(const struct stat& status);

}  // namespace gpushard
