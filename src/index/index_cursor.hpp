#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <type_traits>

#include <gpushard/byte_source.hpp>
#include <gpushard/error.hpp>

namespace gpushard {

/// A file that ends before what its beginning announces: it may be the first piece of one.
class TruncatedFile : public BadFile {
public:
    using BadFile::BadFile;
};

/// A value read from an index file, with what is needed to complain about it.
template <typename Value>
struct IndexField {
    const char* name = "";
    Bytes offset = 0;
    Value value{};
};

/// Reads the fields of an index file one after the other and never past its end.
class IndexCursor {
public:
    explicit IndexCursor(const ByteSource& source) : source_(source) {}

    Bytes offset() const { return offset_; }
    Bytes bytes_left() const { return source_.size() - offset_; }
    const ByteSource& source() const { return source_; }
    std::string file() const { return source_.name(); }

    /// Reads a number as Faiss writes it: little-endian, unaligned. Throws BadFile when the file ends first.
    template <typename Value>
    IndexField<Value> read(const char* name) {
        static_assert(std::is_arithmetic_v<Value> && std::endian::native == std::endian::little);
        IndexField<Value> field{.name = name, .offset = offset_};
        read_raw(name, &field.value, sizeof(Value));
        return field;
    }

    /// Reads the four letters of a type code.
    IndexField<std::string> read_fourcc(const char* name);

    /// The error for a field that is not what it must be.
    template <typename Value>
    BadFile refuse(const IndexField<Value>& field, const std::string& expected) const {
        return BadFile::field(file(), field.offset, field.name, std::to_string(+field.value), expected);
    }

private:
    void read_raw(const char* name, void* destination, std::size_t count);

    const ByteSource& source_;
    Bytes offset_ = 0;
};

}  // namespace gpushard
