#include "memory/device_memory.hpp"

#include <algorithm>
#include <iterator>

#include "memory/sparse_source.hpp"

namespace simcuda {
namespace {

/// Addresses cost nothing; several times the card keeps holes between allocations from mattering.
std::size_t address_bytes(std::uint64_t card_bytes) {
    constexpr std::uint64_t times = 4;
    constexpr std::uint64_t smallest = std::uint64_t{64} << 20;
    return (card_bytes * times + smallest) / AddressSpace::page_bytes * AddressSpace::page_bytes;
}

constexpr std::size_t remembered_releases = 500;

}  // namespace

DeviceMemory::DeviceMemory(std::uint64_t card_bytes, Watch watch)
    : addresses_(address_bytes(card_bytes), Mapping::Access::none),
      pages_(address_bytes(card_bytes)),
      ranges_(addresses_ && pages_.mapped() ? addresses_.size() : 0,
              watch == Watch::nothing ? AddressSpace::Order::lowest : AddressSpace::Order::around),
      written_(watch == Watch::nothing ? 0 : address_bytes(card_bytes)) {}

std::optional<std::uintptr_t> DeviceMemory::allocate(std::uint64_t bytes) {
    const auto range = ranges_.take(bytes);
    if (!range) return std::nullopt;
    return addresses_.address() + range->begin;
}

std::optional<std::uint64_t> DeviceMemory::release(std::uintptr_t address) {
    if (!addresses_.contains(address)) return std::nullopt;
    const auto range = ranges_.give_back(offset(address));
    if (!range) return std::nullopt;
    pages_.forget(range->begin, range->extent);
    if (written_) {
        written_.forget(range->begin, range->extent);
        released_.push_front({address, range->bytes});
        if (released_.size() > remembered_releases) released_.pop_back();
    }
    return range->bytes;
}

void DeviceMemory::release_all() {
    while (!ranges_.taken().empty()) release(addresses_.address() + ranges_.taken().begin()->first);
}

std::optional<DeviceMemory::Allocation> DeviceMemory::allocation_at(std::uintptr_t address) const {
    if (!addresses_.contains(address)) return std::nullopt;
    const auto range = ranges_.range_at(offset(address));
    if (!range) return std::nullopt;
    return Allocation{addresses_.address() + range->begin, range->bytes};
}

std::optional<DeviceMemory::Allocation> DeviceMemory::allocation_before(std::uintptr_t address) const {
    const auto behind = ranges_.taken().upper_bound(offset(address));
    if (behind == ranges_.taken().begin()) return std::nullopt;
    const AddressSpace::Range& range = std::prev(behind)->second;
    return Allocation{addresses_.address() + range.begin, range.bytes};
}

std::optional<DeviceMemory::Allocation> DeviceMemory::allocation_behind(std::uintptr_t address) const {
    const auto behind = ranges_.taken().upper_bound(offset(address));
    if (behind == ranges_.taken().end()) return std::nullopt;
    return Allocation{addresses_.address() + behind->second.begin, behind->second.bytes};
}

std::optional<DeviceMemory::Allocation> DeviceMemory::released_at(std::uintptr_t address) const {
    const auto found = std::find_if(released_.begin(), released_.end(), [address](const Allocation& allocation) {
        return address - allocation.address < allocation.bytes;
    });
    if (found == released_.end()) return std::nullopt;
    return *found;
}

void DeviceMemory::write(std::uintptr_t to, const void* from, std::size_t bytes) {
    const std::byte* source = static_cast<const std::byte*>(from);
    for (const SourcePart& part : source_parts(from, bytes)) {
        if (part.hole) {
            pages_.fill(offset(to), 0, part.bytes);
        } else {
            pages_.write(offset(to), source, part.bytes);
        }
        written_.mark(offset(to), part.bytes);
        to += part.bytes;
        source += part.bytes;
    }
}

void DeviceMemory::read(std::uintptr_t from, void* to, std::size_t bytes) const {
    pages_.read(offset(from), static_cast<std::byte*>(to), bytes);
}

void DeviceMemory::fill(std::uintptr_t to, int value, std::size_t bytes) {
    pages_.fill(offset(to), value, bytes);
    written_.mark(offset(to), bytes);
}

void DeviceMemory::copy_from(const DeviceMemory& source, std::uintptr_t from, std::uintptr_t to, std::size_t bytes) {
    pages_.copy_from(source.pages_, source.offset(from), offset(to), bytes);
    written_.copy_from(source.written_, source.offset(from), offset(to), bytes);
}

interpreter::Reach DeviceMemory::reach(std::uintptr_t address) {
    const auto allocation = allocation_at(address);
    if (!allocation) return {};
    const std::size_t begin = offset(allocation->address);
    return {.begin = allocation->address,
            .bytes = allocation->bytes,
            .data = pages_.reach(begin, allocation->bytes),
            .written = written_.at(begin)};
}

std::optional<std::uint64_t> DeviceMemory::first_unwritten(std::uintptr_t from, std::uint64_t bytes) const {
    return written_.first_unmarked(offset(from), bytes);
}

}  // namespace simcuda
