#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "memory/mapping.hpp"

namespace simcuda {

/// Bytes that read as zero until something else is written: zeros written onto pages that hold none but zeros take no
/// memory. Concurrent calls on different bytes are safe.
class LazyPages {
public:
    explicit LazyPages(std::size_t bytes);

    bool mapped() const { return static_cast<bool>(bytes_) && static_cast<bool>(written_); }
    void write(std::size_t offset, const std::byte* source, std::size_t bytes);
    void fill(std::size_t offset, int value, std::size_t bytes);
    void read(std::size_t offset, std::byte* destination, std::size_t bytes) const;
    void copy_from(const LazyPages& source, std::size_t source_offset, std::size_t offset, std::size_t bytes);
    /// The bytes themselves, to be read and written by address from now on, which takes memory.
    std::byte* reach(std::size_t offset, std::size_t bytes);
    /// Forgets what is in the pages that lie wholly inside.
    void forget(std::size_t offset, std::size_t bytes);

private:
    static constexpr std::size_t page_bytes = 4096;

    template <typename Visit>
    static void for_each_piece(std::size_t offset, std::size_t bytes, Visit visit);
    std::atomic<std::uint64_t>& word(std::size_t page) const;
    bool is_written(std::size_t page) const;
    void mark_written(std::size_t page);

    Mapping bytes_;
    Mapping written_;  ///< one bit a page
};

}  // namespace simcuda
