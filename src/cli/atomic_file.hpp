#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

#include <gpushard/bytes.hpp>

#include "cli/temporary_file.hpp"

namespace gpushard::cli {

/// Whether a file may take the place of one that exists.
enum class Existing { replace, refuse };

/// A file that appears under its name whole or not at all: written under a random name beside it, renamed by `commit`,
/// removed if that never comes. Every function throws BadFile naming the file.
class AtomicFile {
public:
    /// Refuses a target that exists and is not a regular file. A link is followed. What earlier runs that were killed
    /// have left of the same target is removed.
    explicit AtomicFile(const std::filesystem::path& target, Existing existing = Existing::replace);
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    /// Appends to what `write` wrote before.
    void write(const void* data, std::size_t size);

    /// May be called by several threads at once.
    void write_at(Bytes offset, const void* data, std::size_t size) const;

    /// Waits until what was written is on the disk. `commit` does so too; files that belong together are all synced
    /// before the first is committed.
    void sync();

    /// A file that is replaced gives its mode to the new one, and its owner and group where this process may. Throws
    /// InvalidArgument where one has come that may not be replaced.
    void commit();

    const std::filesystem::path& target() const { return target_; }

private:
    void sync_folder() const;

    std::filesystem::path target_;
    Existing existing_;
    int folder_ = -1;
    std::optional<TemporaryFile> temporary_;
    Bytes written_ = 0;
    bool synced_ = false;
};

/// The file that writing to `target` makes or replaces: where links lead, whether or not something is there. Throws
/// BadFile where they lead in a circle.
std::filesystem::path follow_links(const std::filesystem::path& target);

/// The folder of a path, "." where it names none.
std::filesystem::path folder_of(const std::filesystem::path& path);

/// Throws BadFile when the file system of `target` has less than `size` bytes free.
void check_disk_space(const std::filesystem::path& target, Bytes size);

}  // namespace gpushard::cli
