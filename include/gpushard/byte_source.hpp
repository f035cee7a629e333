#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gpushard/bytes.hpp>

namespace gpushard {

/// Bytes that can be read at any offset: a file, several files read as one, memory, or a test's broken disk.
/// `read` may be called from any number of threads at once.
class ByteSource {
public:
    virtual ~ByteSource() = default;

    /// What messages call it: the path.
    virtual std::string name() const = 0;
    virtual Bytes size() const = 0;

    /// Fills `destination` with the `count` bytes at `offset`. Throws BadFile with file and offset when they cannot
    /// be read or do not exist.
    void read(Bytes offset, void* destination, std::size_t count) const;

    /// Throws FileChanged when the bytes are no longer those that were opened (size, modification time, inode).
    virtual void check_unchanged() const {}

    /// The caller will not read these bytes again: a file larger than the page cache can hold lets them go.
    virtual void done_with(Bytes offset, Bytes count) const;

    /// Bytes read so far through `read`, by all threads.
    Bytes bytes_read() const { return bytes_read_.load(std::memory_order_relaxed); }

private:
    virtual void read_bytes(Bytes offset, void* destination, std::size_t count) const = 0;

    mutable std::atomic<Bytes> bytes_read_{0};
};

/// Opens a file for reading. Throws BadFile when it is missing, not a regular file, or cannot be opened.
std::shared_ptr<ByteSource> open_file(const std::filesystem::path& path);

/// Opens several files as the one they were cut from, in the order given (`part_aa`, `part_ab`, ...). Throws BadFile
/// naming the first part that is missing or empty.
std::shared_ptr<ByteSource> open_parts(const std::vector<std::filesystem::path>& parts);

/// The `size` bytes at `data`, which the caller keeps alive and unchanged while the source is used.
std::shared_ptr<ByteSource> view_memory(const void* data, Bytes size, std::string name = "memory");

}  // namespace gpushard
