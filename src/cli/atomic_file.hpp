#pragma once

#include <cstddef>
#include <filesystem>

#include <gpushard/bytes.hpp>

namespace gpushard::cli {

/// A file that appears under its name whole or not at all: written under a temporary name beside it, renamed by
/// `commit`, removed if that never comes. Every function throws BadFile naming the file.
class AtomicFile {
public:
    /// Refuses a target that exists and is not a regular file. A link is followed.
    explicit AtomicFile(const std::filesystem::path& target);
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    /// Appends to what `write` wrote before.
    void write(const void* data, std::size_t size);

    /// May be called by several threads at once.
    void write_at(Bytes offset, const void* data, std::size_t size) const;

    void commit();

    const std::filesystem::path& target() const { return target_; }

private:
    std::filesystem::path target_;
    std::filesystem::path temporary_;
    int descriptor_ = -1;
    Bytes written_ = 0;
};

/// Throws BadFile when the file system of `target` has less than `size` bytes free.
void check_disk_space(const std::filesystem::path& target, Bytes size);

}  // namespace gpushard::cli
