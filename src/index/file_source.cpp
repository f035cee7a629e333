#include "index/file_source.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include <gpushard/error.hpp>

#include "index/foreign_file.hpp"

namespace gpushard {
namespace {

// The most that one pread returns on Linux is a little under 2 GiB.
constexpr Bytes page_cache_unit = 2_MiB;
constexpr std::size_t largest_pread = std::size_t{1} << 30;

BadFile cannot_open(const std::string& name, int error) {
    return BadFile(name + ": cannot be opened: " + std::strerror(error), {}, {{"file", name}, {"errno", error}});
}

BadFile not_an_index(const std::string& name, const std::string& what) {
    return BadFile(name + ": is " + what + ", expected a Faiss index file", {}, {{"file", name}});
}

/// LangChain and others keep an index in a folder, which is what people name then.
BadFile folder(const std::filesystem::path& path, const std::string& name) {
    FolderFindings found = look_into_folder(path);
    return BadFile(name + ": is a folder, expected a Faiss index file" + found.summary, std::move(found.hints),
                   {{"file", name}});
}

int open_for_reading(const std::filesystem::path& path, const std::string& name) {
    // O_NONBLOCK: opening a pipe must not wait for a writer; it means nothing to a regular file.
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) throw cannot_open(name, errno);
    return descriptor;
}

FileIdentity identity_of(const struct stat& status) {
    return {.device = status.st_dev,
            .inode = status.st_ino,
            .size = static_cast<Bytes>(status.st_size),
            .modified_seconds = status.st_mtim.tv_sec,
            .modified_nanoseconds = status.st_mtim.tv_nsec};
}

std::string difference(const FileIdentity& before, const FileIdentity& now) {
    if (now.inode != before.inode || now.device != before.device) return "it was replaced by another file";
    if (now.size != before.size) {
        return "its size was " + std::to_string(before.size) + " bytes, now " + std::to_string(now.size);
    }
    return "it was modified";
}

/// Memory the page cache may grow into; 0 where the system does not say.
Bytes available_memory() {
    std::ifstream meminfo("/proc/meminfo");
    for (std::string key, rest; meminfo >> key; std::getline(meminfo, rest)) {
        Bytes kibibytes = 0;
        if (key == "MemAvailable:" && meminfo >> kibibytes) return kibibytes * 1_KiB;
    }
    return 0;
}

}  // namespace

FileSource::Descriptor::~Descriptor() { ::close(number_); }

FileSource::FileSource(const std::filesystem::path& path)
    : name_(path.string()), path_(std::filesystem::absolute(path)), descriptor_(open_for_reading(path, name_)) {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) throw cannot_open(name_, errno);
    if (S_ISDIR(status.st_mode)) throw folder(path, name_);
    if (!S_ISREG(status.st_mode)) throw not_an_index(name_, "not a regular file");
    identity_ = identity_of(status);
    if (identity_.size == 0) throw not_an_index(name_, "empty");
    // A file that the page cache can hold stays there for the next load. Of a larger one nothing would be left by
    // then, and making room for it costs far more than reading it.
    exceeds_page_cache_ = identity_.size > available_memory() / 2;
    ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
}

void FileSource::check_unchanged() const {
    const auto compare = [&](const FileIdentity& now) {
        if (now == identity_) return;
        throw FileChanged(name_ + ": changed since it was opened: " + difference(identity_, now), {},
                          {{"file", name_},
                           {"size", static_cast<std::int64_t>(now.size)},
                           {"expected", static_cast<std::int64_t>(identity_.size)}});
    };
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) throw cannot_open(name_, errno);
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
