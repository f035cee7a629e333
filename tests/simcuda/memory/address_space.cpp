#include "memory/address_space.hpp"

#include <algorithm>
#include <iterator>

namespace simcuda {
namespace {

std::uint64_t rounded_up(std::uint64_t value, std::uint64_t step) { return (value + step - 1) / step * step; }

}  // namespace

AddressSpace::AddressSpace(std::uint64_t size, Order order) : order_(order) { free_.emplace(0, size); }

/// The first `bytes` of a hole from `first` on.
std::optional<AddressSpace::Range> AddressSpace::take_from(Hole hole, std::uint64_t first, std::uint64_t bytes) {
    const std::uint64_t step = bytes < page_bytes ? alignment : page_bytes;
    const std::uint64_t extent = rounded_up(bytes, step);
    const auto [hole_begin, hole_extent] = *hole;
    const std::uint64_t begin = rounded_up(std::max(hole_begin, first), step);
    const std::uint64_t hole_end = hole_begin + hole_extent;
    if (begin > hole_end || extent > hole_end - begin) return std::nullopt;
    free_.erase(hole);
    if (begin > hole_begin) free_.emplace(hole_begin, begin - hole_begin);
    if (hole_end > begin + extent) free_.emplace(begin + extent, hole_end - begin - extent);
    behind_last_ = begin + extent;
    return taken_.emplace(begin, Range{begin, bytes, extent}).first->second;
}

std::optional<AddressSpace::Range> AddressSpace::take(std::uint64_t bytes) {
    if (order_ == Order::around) {
        auto hole = free_.upper_bound(behind_last_);
        if (hole != free_.begin()) --hole;
        for (; hole != free_.end(); ++hole) {
            if (const auto range = take_from(hole, behind_last_, bytes)) return range;
        }
    }
    for (auto hole = free_.begin(); hole != free_.end(); ++hole) {
        if (const auto range = take_from(hole, 0, bytes)) return range;
    }
    return std::nullopt;
}

std::optional<AddressSpace::Range> AddressSpace::give_back(std::uint64_t begin) {
    const auto found = taken_.find(begin);
    if (found == taken_.end()) return std::nullopt;
    const Range range = found->second;
    taken_.erase(found);
    add_free(range.begin, range.extent);
    return range;
}

void AddressSpace::add_free(std::uint64_t begin, std::uint64_t extent) {
    auto next = free_.lower_bound(begin);
    if (next != free_.end() && next->first == begin + extent) {
        extent += next->second;
        next = free_.erase(next);
    }
    if (next != free_.begin()) {
        const auto previous = std::prev(next);
        if (previous->first + previous->second == begin) {
            previous->second += extent;
            return;
        }
    }
    free_.emplace(begin, extent);
}

std::optional<AddressSpace::Range> AddressSpace::range_at(std::uint64_t offset) const {
    auto after = taken_.upper_bound(offset);
    if (after == taken_.begin()) return std::nullopt;
    const Range& range = std::prev(after)->second;
    if (offset - range.begin >= range.bytes) return std::nullopt;
    return range;
}

}  // namespace simcuda
