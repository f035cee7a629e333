#include "memory/lazy_pages.hpp"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>

namespace simcuda {
namespace {

/// Comparing with itself one byte on is the widest test for zeros the C library has.
bool all_zero(const std::byte* data, std::size_t bytes) {
    return data[0] == std::byte{0} && std::memcmp(data, data + 1, bytes - 1) == 0;
}

std::size_t bitmap_bytes(std::size_t pages) { return (pages / 64 + 1) * sizeof(std::uint64_t); }

}  // namespace

LazyPages::LazyPages(std::size_t bytes)
    : bytes_(bytes, Mapping::Access::read_write),
      written_(bitmap_bytes(bytes / page_bytes + 1), Mapping::Access::read_write) {}

std::atomic<std::uint64_t>& LazyPages::word(std::size_t page) const {
    return reinterpret_cast<std::atomic<std::uint64_t>*>(written_.data())[page / 64];
}

bool LazyPages::is_written(std::size_t page) const {
    return (word(page).load(std::memory_order_relaxed) >> (page % 64) & 1U) != 0;
}

void LazyPages::mark_written(std::size_t page) {
    word(page).fetch_or(std::uint64_t{1} << (page % 64), std::memory_order_relaxed);
}

/// visit(page, offset, bytes) for the part of every page.
template <typename Visit>
void LazyPages::for_each_piece(std::size_t offset, std::size_t bytes, Visit visit) {
    while (bytes > 0) {
        const std::size_t piece = std::min(bytes, page_bytes - offset % page_bytes);
        visit(offset / page_bytes, offset, piece);
        offset += piece;
        bytes -= piece;
    }
}

void LazyPages::write(std::size_t offset, const std::byte* source, std::size_t bytes) {
    for_each_piece(offset, bytes, [&](std::size_t page, std::size_t begin, std::size_t piece) {
        const std::byte* const from = source + (begin - offset);
        if (!is_written(page)) {
            if (all_zero(from, piece)) return;
            mark_written(page);
        }
        std::memcpy(bytes_.data() + begin, from, piece);
    });
}

void LazyPages::fill(std::size_t offset, int value, std::size_t bytes) {
    for_each_piece(offset, bytes, [&](std::size_t page, std::size_t begin, std::size_t piece) {
        if (!is_written(page)) {
            if (static_cast<unsigned char>(value) == 0) return;
            mark_written(page);
        }
        std::memset(bytes_.data() + begin, value, piece);
    });
}

void LazyPages::read(std::size_t offset, std::byte* destination, std::size_t bytes) const {
    for_each_piece(offset, bytes, [&](std::size_t page, std::size_t begin, std::size_t piece) {
        std::byte* const to = destination + (begin - offset);
        if (is_written(page)) {
            std::memcpy(to, bytes_.data() + begin, piece);
        } else {
            std::memset(to, 0, piece);
        }
    });
}

void LazyPages::copy_from(const LazyPages& source, std::size_t source_offset, std::size_t offset, std::size_t bytes) {
    for_each_piece(source_offset, bytes, [&](std::size_t page, std::size_t begin, std::size_t piece) {
        const std::size_t to = offset + (begin - source_offset);
        if (source.is_written(page)) {
            write(to, source.bytes_.data() + begin, piece);
        } else {
            fill(to, 0, piece);
        }
    });
}

std::byte* LazyPages::reach(std::size_t offset, std::size_t bytes) {
    std::size_t page = offset / page_bytes;
    const std::size_t end = (offset + bytes + page_bytes - 1) / page_bytes;
    while (page < end) {
        const std::size_t first_bit = page % 64;
        const std::size_t bits = std::min<std::size_t>(64 - first_bit, end - page);
        const std::uint64_t mask = (bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1) << first_bit;
        if ((word(page).load(std::memory_order_relaxed) & mask) != mask) {
            word(page).fetch_or(mask, std::memory_order_relaxed);
        }
        page += bits;
    }
    return bytes_.data() + offset;
}

void LazyPages::forget(std::size_t offset, std::size_t bytes) {
    std::size_t run_begin = 0;
    std::size_t run_end = 0;
    const auto drop_run = [&] {
        if (run_end > run_begin) madvise(bytes_.data() + run_begin, run_end - run_begin, MADV_DONTNEED);
    };
    const std::size_t end = offset + bytes;
    std::size_t begin = (offset + page_bytes - 1) / page_bytes * page_bytes;
    for (; begin + page_bytes <= end; begin += page_bytes) {
        const std::size_t page = begin / page_bytes;
        if (page % 64 == 0 && word(page).load(std::memory_order_relaxed) == 0) {
            begin += 63 * page_bytes;
            continue;
        }
        if (!is_written(page)) continue;
        word(page).fetch_and(~(std::uint64_t{1} << (page % 64)), std::memory_order_relaxed);
        if (begin != run_end) {
            drop_run();
            run_begin = begin;
        }
        run_end = begin + page_bytes;
    }
    drop_run();
}

}  // namespace simcuda
