#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
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

    /// The files that the bytes are in, in order; a name for what is in no file.
    virtual std::vector<std::string> files() const { return {name()}; }

    /// Throws FileChanged when the bytes are no longer those that were opened. Of a file: when it is another (device,
    /// inode), has another size or modification time, or was written and its modification time set back, which the
    /// time of its last change tells. New permissions, owners and links do not count, nor does reading.
    virtual void check_unchanged() const {}

    /// The caller will not read these bytes again: a file larger than the page cache can hold lets them go.
    virtual void done_with(Bytes offset, Bytes count) const;

    /// Bytes read so far through `read`, by all threads.
    Bytes bytes_read() const { return bytes_read_.load(std::memory_order_relaxed); }

private:
    virtual void read_bytes(Bytes offset, void* destination, std::size_t count) const = 0;

    mutable std::atomic<Bytes> bytes_read_{0};
};

/// Opens a file for reading. Throws BadFile when it is missing, not a regular file, or cannot be opened;
/// InvalidArgument for an empty path.
std::shared_ptr<ByteSource> open_file(const std::filesystem::path& path);

/// What the names of the parts of an index are taken for.
enum class PartOrder {
    by_name,   ///< names that are a run of pieces must be in its order and without gaps
    as_given,  ///< nothing: the files are read one after the other, whatever they are
};

/// Opens an index: one file, or several as the one they were cut from, in the order given. Names that are a run of
/// pieces (`part_aa part_ab`, `x00 x01`, `.001 .002`, `.part1 .part2`, `-00001-of-00005`) are held to it. Throws
/// WrongParts, with the right order, for parts that are out of order, missing or named twice, for several indexes that
/// are whole each, and for a later piece alone. The first piece alone, when it is no index by itself, is opened with
/// the pieces beside it if together they are one: see ByteSource::files. Throws BadFile naming the pieces that are
/// missing then, or the first file that is missing or empty.
std::shared_ptr<ByteSource> open_parts(const std::vector<std::filesystem::path>& parts,
                                       PartOrder order = PartOrder::by_name);

/// Hands the bytes of a text to `take`, from its beginning, a block at a time: those of a file, or of a pipe without a
/// name (`<(command)`, `/dev/stdin`), which is waited for. Throws BadFile when it is missing, a folder, a named pipe, a
/// socket or a device (it might never begin, or never end), cannot be read, or has more than `most` bytes;
/// InvalidArgument for an empty path.
void read_text(const std::filesystem::path& path, Bytes most, const std::function<void(std::string_view)>& take);

/// The `size` bytes at `data`, which the caller keeps alive and unchanged while the source is used.
std::shared_ptr<ByteSource> view_memory(const void* data, Bytes size, std::string name = "memory");

}  // namespace gpushard
