#include "memory/sparse_source.hpp"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace simcuda {
namespace {

/// Looking up a mapping costs about as much as copying so much.
constexpr std::size_t worth_a_look = 1 << 20;

struct FileRange {
    std::string path;
    std::uint64_t inode = 0;
    std::uint64_t offset = 0;
};

/// The file behind [address, address + bytes), where it is one and cannot be written through the mapping.
std::optional<FileRange> mapped_file(std::uintptr_t address, std::size_t bytes) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
        char access[5] = "";
        FileRange file;
        int path_at = 0;
        const int fields = std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %" SCNu64 " %n",
                                       &begin, &end, access, &file.offset, &file.inode, &path_at);
        if (fields < 5 || address < begin || address >= end) continue;
        if (end - address < bytes || file.inode == 0 || access[1] == 'w') return std::nullopt;
        file.offset += address - begin;
        file.path = line.substr(static_cast<std::size_t>(path_at));
        return file;
    }
    return std::nullopt;
}

class File {
public:
    explicit File(const FileRange& range) : descriptor_(open(range.path.c_str(), O_RDONLY | O_CLOEXEC)) {
        struct stat status {};
        if (descriptor_ >= 0 && (fstat(descriptor_, &status) != 0 || status.st_ino != range.inode)) {
            close(descriptor_);
            descriptor_ = -1;
        }
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (descriptor_ >= 0) close(descriptor_);
    }

    explicit operator bool() const { return descriptor_ >= 0; }

    /// Where, from `offset` on, the next data or hole begins; `end` when there is none before.
    std::uint64_t next(int what, std::uint64_t offset, std::uint64_t end) const {
        const off_t found = lseek(descriptor_, static_cast<off_t>(offset), what);
        if (found < 0) return errno == ENXIO ? end : offset;
        return std::min(static_cast<std::uint64_t>(found), end);
    }

private:
    int descriptor_;
};

}  // namespace

std::vector<SourcePart> source_parts(const void* data, std::size_t bytes) {
    const std::vector<SourcePart> all_data{{bytes, false}};
    if (bytes < worth_a_look) return all_data;
    const auto range = mapped_file(reinterpret_cast<std::uintptr_t>(data), bytes);
    if (!range) return all_data;
    const File file(*range);
    if (!file) return all_data;

    std::vector<SourcePart> parts;
    const std::uint64_t end = range->offset + bytes;
    for (std::uint64_t at = range->offset; at < end;) {
        const std::uint64_t data_begin = file.next(SEEK_DATA, at, end);
        if (data_begin > at) parts.push_back({data_begin - at, true});
        const std::uint64_t data_end = data_begin < end ? file.next(SEEK_HOLE, data_begin, end) : end;
        if (data_end == data_begin && data_begin < end) return all_data;  // the file system cannot tell
        if (data_end > data_begin) parts.push_back({data_end - data_begin, false});
        at = data_end;
    }
    return parts;
}

}  // namespace simcuda
