#include "cli/atomic_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/statvfs.h>
#include <unistd.h>
#include <utility>

#include <gpushard/error.hpp>

namespace gpushard::cli {
namespace {

namespace fs = std::filesystem;

BadFile cannot(const fs::path& target, const std::string& what, int error) {
    return BadFile(target.string() + ": cannot be " + what + ": " + std::strerror(error), {},
                   {{"file", target.string()}});
}

fs::path folder_of(const fs::path& target) {
    const fs::path folder = target.parent_path();
    return folder.empty() ? fs::path(".") : folder;
}

/// The file a link leads to; itself otherwise.
fs::path followed(const fs::path& target) {
    std::error_code failed;
    if (!fs::is_symlink(target, failed)) return target;
    const fs::path real = fs::weakly_canonical(target, failed);
    return failed ? target : real;
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& target) : target_(followed(target)) {
    std::error_code failed;
    const fs::file_status status = fs::status(target_, failed);
    if (fs::exists(status) && !fs::is_regular_file(status)) {
        throw BadFile(target.string() + ": is no regular file, expected a name to write a file to", {},
                      {{"file", target.string()}});
    }
    temporary_ = target_;
    temporary_ += ".partial-" + std::to_string(::getpid());
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0) throw cannot(target_, "created", errno);
}

AtomicFile::~AtomicFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, std::size_t size) {
    write_at(written_, data, size);
    written_ += size;
}

void AtomicFile::write_at(Bytes offset, const void* data, std::size_t size) const {
    const char* from = static_cast<const char*>(data);
    while (size > 0) {
        const ssize_t wrote = ::pwrite(descriptor_, from, size, static_cast<off_t>(offset));
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) throw cannot(target_, "written at offset " + std::to_string(offset), wrote == 0 ? EIO : errno);
        from += wrote;
        offset += static_cast<Bytes>(wrote);
        size -= static_cast<std::size_t>(wrote);
    }
}

void AtomicFile::commit() {
    // Some file systems report a full disk only now.
    if (::close(std::exchange(descriptor_, -1)) != 0) throw cannot(target_, "written", errno);
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) throw cannot(target_, "put in place", errno);
    temporary_.clear();
}

void check_disk_space(const fs::path& target, Bytes size) {
    struct statvfs disk = {};
    if (::statvfs(folder_of(target).c_str(), &disk) != 0) throw cannot(target, "created", errno);
    const Bytes free = static_cast<Bytes>(disk.f_bavail) * disk.f_frsize;
    if (size <= free) return;
    throw BadFile(target.string() + ": needs " + format_bytes(size) + ", the disk has " + format_bytes(free) + " free",
                  {},
                  {{"file", target.string()},
                   {"needed_bytes", static_cast<std::int64_t>(size)},
                   {"free_bytes", static_cast<std::int64_t>(free)}});
}

}  // namespace gpushard::cli
