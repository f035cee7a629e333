#include "memory/written_bytes.hpp"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>

namespace simcuda {
namespace {

constexpr std::size_t page_bytes = 4096;

std::size_t rounded_up(std::size_t value) { return (value + page_bytes - 1) / page_bytes * page_bytes; }

}  // namespace

std::uint8_t* WrittenBytes::at(std::size_t offset) const {
    return marks_ ? reinterpret_cast<std::uint8_t*>(marks_.data()) + offset : nullptr;
}

void WrittenBytes::mark(std::size_t offset, std::size_t bytes) {
    if (marks_) std::memset(at(offset), 1, bytes);
}

void WrittenBytes::forget(std::size_t offset, std::size_t bytes) {
    if (!marks_) return;
    const std::size_t end = offset + bytes;
    const std::size_t pages_begin = std::min(rounded_up(offset), end);
    const std::size_t pages_end = std::max(end / page_bytes * page_bytes, pages_begin);
    std::memset(at(offset), 0, pages_begin - offset);
    if (pages_end > pages_begin) madvise(at(pages_begin), pages_end - pages_begin, MADV_DONTNEED);
    std::memset(at(pages_end), 0, end - pages_end);
}

void WrittenBytes::copy_from(const WrittenBytes& source, std::size_t source_offset, std::size_t offset,
                             std::size_t bytes) {
    if (marks_) std::memmove(at(offset), source.at(source_offset), bytes);
}

std::optional<std::size_t> WrittenBytes::first_unmarked(std::size_t offset, std::size_t bytes) const {
    if (!marks_) return std::nullopt;
    const void* const found = std::memchr(at(offset), 0, bytes);
    if (found == nullptr) return std::nullopt;
    return static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - at(offset));
}

}  // namespace simcuda
