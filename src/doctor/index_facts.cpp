#include "doctor/index_facts.hpp"

#include <algorithm>
#include <cstdint>
#include <fcntl.h>
#include <map>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace gpushard::doctor {
namespace {

using Place = IndexFacts::Place;

/// Bounds the cost, whatever the size of the file.
constexpr Bytes samples = 256;
constexpr Bytes sample_bytes = 256_KiB;

class OpenFile {
public:
    explicit OpenFile(const std::filesystem::path& path) : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile() {
        if (descriptor_ >= 0) close(descriptor_);
    }
    int descriptor() const { return descriptor_; }

private:
    int descriptor_;
};

struct PageCount {
    Bytes pages = 0;
    Bytes cached = 0;
};

/// Asks which pages of [offset, offset + bytes) are cached; mapping them reads nothing.
bool count_pages(int file, Bytes offset, Bytes bytes, PageCount& count) {
    const auto page = static_cast<Bytes>(sysconf(_SC_PAGESIZE));
    void* const mapped = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file, static_cast<off_t>(offset));
    if (mapped == MAP_FAILED) return false;
    std::vector<unsigned char> states((bytes + page - 1) / page);
    const bool told = mincore(mapped, bytes, states.data()) == 0;
    munmap(mapped, bytes);
    if (!told) return false;
    count.pages += states.size();
    for (const unsigned char state : states) count.cached += state & 1;
    return true;
}

/// To others than the owner and who may write the file, the kernel says that all of it is cached.
bool kernel_tells(const std::filesystem::path& path, const struct stat& status) {
    return status.st_uid == geteuid() || access(path.c_str(), W_OK) == 0;
}

/// The part of a file that is cached, from samples spread over it evenly; nothing where the kernel does not tell.
std::optional<double> cached_part(const std::filesystem::path& path, const struct stat& status) {
    const auto size = static_cast<Bytes>(status.st_size);
    const OpenFile file(path);
    if (size == 0 || file.descriptor() < 0 || !kernel_tells(path, status)) return std::nullopt;
    const auto page = static_cast<Bytes>(sysconf(_SC_PAGESIZE));
    const Bytes stride = std::max(sample_bytes, size / samples / page * page);
    PageCount count;
    for (Bytes offset = 0; offset < size; offset += stride) {
        if (!count_pages(file.descriptor(), offset, std::min(sample_bytes, size - offset), count)) return std::nullopt;
    }
    return static_cast<double>(count.cached) / static_cast<double>(count.pages);
}

}  // namespace

FileSystem file_system_of(std::uint64_t type) {
    // The numbers of linux/magic.h, and of file systems that are not part of Linux.
    static const std::map<std::uint64_t, FileSystem> known = {
        {0xEF53, {"ext4", Place::local}},         {0x58465342, {"xfs", Place::local}},
        {0x9123683E, {"btrfs", Place::local}},    {0x2FC12FC1, {"zfs", Place::local}},
        {0xF2F52010, {"f2fs", Place::local}},     {0xCA451A4E, {"bcachefs", Place::local}},
        {0x4D44, {"fat", Place::local}},          {0x2011BAB0, {"exfat", Place::local}},
        {0x5346544E, {"ntfs", Place::local}},     {0x7366746E, {"ntfs3", Place::local}},
        {0x73717368, {"squashfs", Place::local}}, {0xE0F5E1E2, {"erofs", Place::local}},
        {0x794C7630, {"overlay", Place::local}},  {0x01021994, {"tmpfs", Place::memory}},
        {0x858458F6, {"ramfs", Place::memory}},   {0x6969, {"nfs", Place::network}},
        {0xFF534D42, {"cifs", Place::network}},   {0xFE534D42, {"smb2", Place::network}},
        {0x517B, {"smb", Place::network}},        {0x00C36400, {"ceph", Place::network}},
        {0x0BD00BD0, {"lustre", Place::network}}, {0x47504653, {"gpfs", Place::network}},
        {0x19830326, {"beegfs", Place::network}}, {0x01021997, {"9p", Place::network}},
        {0x5346414F, {"afs", Place::network}},    {0x7461636F, {"ocfs2", Place::network}},
        {0x01161970, {"gfs2", Place::network}},   {0x65735546, {"fuse", Place::unknown}},
    };
    const auto found = known.find(type & 0xFFFFFFFF);
    return found == known.end() ? FileSystem{} : found->second;
}

IndexFacts read_index_facts(const std::vector<std::filesystem::path>& files) {
    IndexFacts index;
    double cached_bytes = 0;
    bool told = true;
    for (const std::filesystem::path& path : files) {
        if (index.name.empty()) index.name = path.string();
        struct stat status {};
        if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
        index.bytes += static_cast<Bytes>(status.st_size);
        index.stored_bytes += static_cast<Bytes>(status.st_blocks) * 512;
        const auto cached = cached_part(path, status);
        told = told && cached.has_value();
        cached_bytes += cached.value_or(0) * static_cast<double>(status.st_size);
        struct statfs system {};
        if (!index.file_system.empty() || statfs(path.c_str(), &system) != 0) continue;
        const FileSystem found = file_system_of(static_cast<std::uint64_t>(system.f_type));
        index.file_system = found.name;
        index.place = found.place;
    }
    if (told && index.bytes > 0) index.cached = cached_bytes / static_cast<double>(index.bytes);
    return index;
}

}  // namespace gpushard::doctor
