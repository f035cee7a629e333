#include "index/file_source.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gpushard/error.hpp>

#include "device/kernel_files.hpp"
#include "index/foreign_file.hpp"

namespace gpushard {
namespace {

// The most that one pread returns on Linux is a little under 2 GiB.
constexpr Bytes page_cache_unit = 2_MiB;
constexpr std::size_t largest_pread = std::size_t{1} << 30;

BadFile not_an_index(const std::string& name, const std::string& what) {
    return BadFile(name + ": is " + what + ", expected a Faiss index file", {}, {{"file", name}});
}

/// LangChain and others keep an index in a folder, which is what people name then.
BadFile folder(const std::filesystem::path& path, const std::string& name) {
    FolderFindings found = look_into_folder(path);
    return BadFile(name + ": is a folder, expected a Faiss index file" + found.summary, std::move(found.hints),
                   {{"file", name}});
}

FileIdentity identity_of(const struct stat& status) {
    return {.device = status.st_dev,
            .inode = status.st_ino,
            .size = static_cast<Bytes>(status.st_size),
            .modified = {status.st_mtim.tv_sec, status.st_mtim.tv_nsec},
            .changed = {status.st_ctim.tv_sec, status.st_ctim.tv_nsec},
            .mode = status.st_mode,
            .owner = status.st_uid,
            .group = status.st_gid,
            .links = status.st_nlink};
}

/// The path as it stands where there is no working directory any more.
std::filesystem::path full_path(const std::filesystem::path& path) {
    std::error_code unknown;
    std::filesystem::path full = std::filesystem::absolute(path, unknown);
    return unknown ? path : full;
}

/// A file that the page cache can hold stays there for the next load. Of a larger one nothing would be left by then,
/// and making room for it costs far more than reading it. False where the system does not say what it can hold.
bool exceeds_page_cache(Bytes size) {
    const auto available = kib_after(read_kernel_file("/proc/meminfo"), "MemAvailable:");
    return available && size > *available / 2;
}

}  // namespace

std::string difference(const FileIdentity& before, const FileIdentity& now) {
    if (!now.is_same_file(before)) return "it was replaced by another file";
    if (now.size != before.size) {
        return "its size was " + std::to_string(before.size) + " bytes, now " + std::to_string(now.size);
    }
    if (now.modified != before.modified) return "it was modified";
    const bool is_explained =
        now.mode != before.mode || now.owner != before.owner || now.group != before.group || now.links != before.links;
    if (now.changed == before.changed || is_explained) return {};
    return "its change time moved while its modification time, permissions, owner and links stayed, as when it is "
           "written and the time set back";
}

FileSource::FileSource(const std::filesystem::path& path)
    : name_(checked_name(path)), path_(full_path(path)), descriptor_(open_for_reading(path, name_)) {
    const struct stat status = status_of(descriptor_, name_);
    if (S_ISDIR(status.st_mode)) throw folder(path, name_);
    const std::string kind = other_than_a_file(status);
    if (!kind.empty()) throw not_an_index(name_, kind);
    identity_ = identity_of(status);
    size_ = identity_.size;
    if (size_ == 0) throw not_an_index(name_, "empty");
    exceeds_page_cache_ = exceeds_page_cache(size_);
    ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
}

std::pair<std::uint64_t, std::uint64_t> FileSource::place() const {
    const std::lock_guard lock(mutex_);
    return {identity_.device, identity_.inode};
}

void FileSource::check_unchanged() const {
    struct stat status = status_of(descriptor_, name_);
    const std::lock_guard lock(mutex_);
    const auto compare = [&](const FileIdentity& now) {
        const std::string changed = difference(identity_, now);
        if (!changed.empty()) {
            throw FileChanged(name_ + ": changed since it was opened: " + changed, {},
                              {{"file", name_},
                               {"size", static_cast<std::int64_t>(now.size)},
                               {"expected", static_cast<std::int64_t>(identity_.size)}});
        }
        identity_ = now;
    };
    compare(identity_of(status));
    // The descriptor still leads to the old file after another was renamed over it.
    if (::stat(path_.c_str(), &status) != 0) {
        throw FileChanged(name_ + ": changed since it was opened: it is no longer there (" + std::strerror(errno) + ")",
                          {}, {{"file", name_}});
    }
    compare(identity_of(status));
}

void FileSource::done_with(Bytes offset, Bytes count) const {
    if (!exceeds_page_cache_) return;
    // In units that no page of the cache, large ones included, crosses: letting go of half a large page takes ten times
    // as long as reading it. What is left of the last unit goes with the next block.
    const Bytes begin = offset / page_cache_unit * page_cache_unit;
    const Bytes end = (offset + count) / page_cache_unit * page_cache_unit;
    if (end == begin) return;
    ::posix_fadvise(descriptor_, static_cast<off_t>(begin), static_cast<off_t>(end - begin), POSIX_FADV_DONTNEED);
}

void FileSource::read_bytes(Bytes offset, void* destination, std::size_t count) const {
    auto* out = static_cast<char*>(destination);
    while (count > 0) {
        const ssize_t got = ::pread(descriptor_, out, std::min(count, largest_pread), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            const int error = got < 0 ? errno : 0;
            if (got == 0) check_unchanged();
            throw BadFile(name_ + ": cannot be read at offset " + std::to_string(offset) + ": " +
                              (got < 0 ? std::strerror(error) : "the file ends there"),
                          {},
                          {{"file", name_},
                           {"offset", static_cast<std::int64_t>(offset)},
                           {"wanted_bytes", static_cast<std::int64_t>(count)},
                           {"errno", error}});
        }
        out += got;
        offset += static_cast<Bytes>(got);
        count -= static_cast<std::size_t>(got);
    }
}

std::shared_ptr<ByteSource> open_file(const std::filesystem::path& path) { return std::make_shared<FileSource>(path); }

}  // namespace gpushard
