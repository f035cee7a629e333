#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <gpushard/byte_source.hpp>

namespace gpushard {

/// What makes two states of a path the same file.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    Bytes size = 0;
    std::int64_t modified_seconds = 0;
    std::int64_t modified_nanoseconds = 0;
    bool operator==(const FileIdentity&) const = default;
};

/// A regular file, read with pread through one descriptor that lives as long as the source.
class FileSource final : public ByteSource {
public:
    /// Throws BadFile when the file is missing, not a regular file, empty, or cannot be opened.
    explicit FileSource(const std::filesystem::path& path);

    std::string name() const override { return name_; }
    Bytes size() const override { return identity_.size; }
    void check_unchanged() const override;
    void done_with(Bytes offset, Bytes count) const override;

private:
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

    void read_bytes(Bytes offset, void* destination, std::size_t count) const override;

    std::string name_;            ///< as the caller spelled it
    std::filesystem::path path_;  ///< absolute: a change of the working directory is not a change of the file
    Descriptor descriptor_;
    FileIdentity identity_;
    bool exceeds_page_cache_ = false;
};

}  // namespace gpushard
