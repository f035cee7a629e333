#include "cli/atomic_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <system_error>
#include <unistd.h>

#include <gpushard/error.hpp>

namespace gpushard::cli {
namespace {

namespace fs = std::filesystem;

BadFile cannot(const fs::path& target, const std::string& what, int error) {
    return BadFile(target.string() + ": cannot be " + what + ": " + std::strerror(error), {},
                   {{"file", target.string()}});
}

InvalidArgument made_meanwhile(const fs::path& target) {
    return InvalidArgument(
        target.string() + ": exists already, made by another while this was written, expected a new name",
        {"--force, which replaces it"}, {{"file", target.string()}});
}

/// What is there already.
std::optional<struct stat> status_of(int folder, const fs::path& target) {
    struct stat status = {};
    if (::fstatat(folder, target.filename().c_str(), &status, 0) != 0) return std::nullopt;
    return status;
}

/// While it is written nobody may read a file who could not read the one it replaces; its owner always may, so that
/// leftovers can be opened.
mode_t mode_while_written(const std::optional<struct stat>& replaced) {
    constexpr mode_t new_file = 0666;
    constexpr mode_t owner = 0600;
    return replaced ? (replaced->st_mode & new_file) | owner : new_file;
}

/// As far as this process may, and the file system can. A group that cannot be kept does not hand its rights to
/// another.
void keep_owner_and_mode(int descriptor, const struct stat& replaced) {
    struct stat now = {};
    if (::fstat(descriptor, &now) != 0) return;
    if (now.st_uid != replaced.st_uid || now.st_gid != replaced.st_gid) {
        if (::fchown(descriptor, replaced.st_uid, replaced.st_gid) != 0 &&
            ::fchown(descriptor, static_cast<uid_t>(-1), replaced.st_gid) != 0) {
            // Seen below.
        }
        if (::fstat(descriptor, &now) != 0) return;
    }
    mode_t mode = replaced.st_mode & 07777;
    if (now.st_gid != replaced.st_gid) mode &= ~static_cast<mode_t>(S_IRWXG) | ((mode & S_IRWXO) << 3);
    ::fchmod(descriptor, mode);
}

/// False, with errno, when it failed; file systems that have nothing to sync say so by EINVAL.
bool sync_descriptor(int descriptor) { return ::fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP; }

}  // namespace

AtomicFile::AtomicFile(const fs::path& target, Existing existing) : target_(follow_links(target)), existing_(existing) {
    const std::string name = target_.filename().string();
    folder_ = ::open(folder_of(target_).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder_ < 0) throw cannot(target_, "created", errno);
    try {
        const std::optional<struct stat> replaced = status_of(folder_, target_);
        if (name.empty() || (replaced && !S_ISREG(replaced->st_mode))) {
            throw BadFile(target.string() + ": is no regular file, expected a name to write a file to", {},
                          {{"file", target.string()}});
        }
        remove_leftovers(folder_, name);
        temporary_.emplace(folder_, name, mode_while_written(replaced));
    } catch (const std::system_error& error) {
        ::close(folder_);
        throw cannot(target_, "created", error.code().value());
    } catch (...) {
        ::close(folder_);
        throw;
    }
}

AtomicFile::~AtomicFile() {
    temporary_.reset();
    ::close(folder_);
}

void AtomicFile::write(const void* data, std::size_t size) {
    write_at(written_, data, size);
    written_ += size;
}

void AtomicFile::write_at(Bytes offset, const void* data, std::size_t size) const {
    const char* from = static_cast<const char*>(data);
    while (size > 0) {
        const ssize_t wrote = ::pwrite(temporary_->descriptor(), from, size, static_cast<off_t>(offset));
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) throw cannot(target_, "written at offset " + std::to_string(offset), wrote == 0 ? EIO : errno);
        from += wrote;
        offset += static_cast<Bytes>(wrote);
        size -= static_cast<std::size_t>(wrote);
    }
}

void AtomicFile::sync() {
    // Some file systems report a full disk only now.
    if (!sync_descriptor(temporary_->descriptor())) throw cannot(target_, "written", errno);
    synced_ = true;
}

void AtomicFile::commit() {
    if (!synced_) sync();
    if (const auto replaced = status_of(folder_, target_)) keep_owner_and_mode(temporary_->descriptor(), *replaced);
    try {
        temporary_->become_target(existing_ == Existing::replace);
    } catch (const std::system_error& error) {
        if (error.code() == std::errc::file_exists) throw made_meanwhile(target_);
        throw cannot(target_, "put in place", error.code().value());
    }
    sync_folder();
}

/// A folder that may be written to and not read cannot be synced.
void AtomicFile::sync_folder() const {
    const int opened = ::openat(folder_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) return;
    const int error = sync_descriptor(opened) ? 0 : errno;
    ::close(opened);
    if (error != 0) throw cannot(target_, "put in place for good", error);
}

fs::path follow_links(const fs::path& target) {
    constexpr int most_links = 40;  // as the kernel
    fs::path path = target;
    std::error_code failed;
    for (int links = 0; fs::is_symlink(path, failed); ++links) {
        if (links == most_links) throw cannot(target, "created", ELOOP);
        const fs::path next = fs::read_symlink(path, failed);
        if (failed) throw cannot(target, "created", failed.value());
        path = next.is_absolute() ? next : folder_of(path) / next;
    }
    return path;
}

fs::path folder_of(const fs::path& path) {
    const fs::path folder = path.parent_path();
    return folder.empty() ? fs::path(".") : folder;
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
