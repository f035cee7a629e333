#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <gpushard/byte_source.hpp>

#include "index/open_for_reading.hpp"

namespace gpushard {

/// What makes two states of a path the same file with the same content.
struct FileIdentity {
    struct Time {
        std::int64_t seconds = 0;
        std::int64_t nanoseconds = 0;
        bool operator==(const Time&) const = default;
    };

    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    Bytes size = 0;
    Time modified;  ///< set by writing, and by anybody to anything
    Time changed;   ///< of content or metadata; nobody can set it
    std::uint32_t mode = 0;
    std::uint32_t owner = 0;
    std::uint32_t group = 0;
    std::uint64_t links = 0;

    bool is_same_file(const FileIdentity& other) const { return device == other.device && inode == other.inode; }
    bool operator==(const FileIdentity&) const = default;
};

/// What tells that `now` no longer has the content of `before`: "it was replaced by another file". Empty where it has,
/// as far as times tell. A change time that moved is explained by permissions, owner or links that changed with it
/// (backups make links, and must not fail a load); with nothing to show for it, the content was written and its
/// modification time set back.
std::string difference(const FileIdentity& before, const FileIdentity& now);

/// A regular file, read with pread through one descriptor that lives as long as the source.
class FileSource final : public ByteSource {
public:
    /// Throws BadFile when the file is missing, not a regular file, empty, or cannot be opened; InvalidArgument for an
    /// empty path.
    explicit FileSource(const std::filesystem::path& path);

    std::string name() const override { return name_; }
    Bytes size() const override { return size_; }
    void check_unchanged() const override;
    void done_with(Bytes offset, Bytes count) const override;

    /// Device and inode: equal for equal files, whatever they are called.
    std::pair<std::uint64_t, std::uint64_t> place() const;

private:
    void read_bytes(Bytes offset, void* destination, std::size_t count) const override;

    std::string name_;            ///< as the caller spelled it
    std::filesystem::path path_;  ///< absolute: a change of the working directory is not a change of the file
    Descriptor descriptor_;
    mutable std::mutex mutex_;
    mutable FileIdentity identity_;  ///< as last seen with the content that was opened
    Bytes size_ = 0;
    bool exceeds_page_cache_ = false;
};

}  // namespace gpushard
