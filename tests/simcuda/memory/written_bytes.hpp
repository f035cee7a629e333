#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "memory/mapping.hpp"

namespace simcuda {

/// Which bytes were ever written: one byte for each. Keeps nothing where it is made empty. Concurrent calls on
/// different bytes are safe.
class WrittenBytes {
public:
    explicit WrittenBytes(std::size_t bytes)
        : marks_(bytes > 0 ? Mapping(bytes, Mapping::Access::read_write) : Mapping()) {}

    explicit operator bool() const { return static_cast<bool>(marks_); }
    /// The marks from `offset` on; null where nothing is kept.
    std::uint8_t* at(std::size_t offset) const;
    void mark(std::size_t offset, std::size_t bytes);
    void forget(std::size_t offset, std::size_t bytes);
    void copy_from(const WrittenBytes& source, std::size_t source_offset, std::size_t offset, std::size_t bytes);
    /// How far behind `offset` the first unmarked byte lies.
    std::optional<std::size_t> first_unmarked(std::size_t offset, std::size_t bytes) const;

private:
    Mapping marks_;
};

}  // namespace simcuda
