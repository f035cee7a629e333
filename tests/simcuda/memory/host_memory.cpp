#include "memory/host_memory.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace simcuda {

void HostMemory::add(Held held) {
    if (held.block.kind != Kind::managed) {
        pinned_ += held.block.bytes;
        pinned_peak_ = std::max(pinned_peak_, pinned_);
    }
    blocks_.emplace(held.block.address, std::move(held));
}

std::optional<std::uintptr_t> HostMemory::allocate(Kind kind, std::uint64_t bytes, int card, unsigned flags) {
    Mapping mapping(bytes, Mapping::Access::read_write);
    if (!mapping) return std::nullopt;
    const std::uintptr_t address = mapping.address();
    add({{kind, address, bytes, card, flags}, std::move(mapping)});
    return address;
}

bool HostMemory::add_registered(std::uintptr_t address, std::uint64_t bytes, int card, unsigned flags) {
    const auto next = blocks_.lower_bound(address);
    if (next != blocks_.end() && next->first < address + bytes) return false;
    if (block_at(address)) return false;
    add({{Kind::registered, address, bytes, card, flags}, {}});
    return true;
}

std::optional<HostMemory::Block> HostMemory::release(Kind kind, std::uintptr_t address) {
    const auto found = blocks_.find(address);
    if (found == blocks_.end() || found->second.block.kind != kind) return std::nullopt;
    const Block block = found->second.block;
    if (kind != Kind::managed) pinned_ -= block.bytes;
    blocks_.erase(found);
    return block;
}

std::optional<HostMemory::Block> HostMemory::block_at(std::uintptr_t address) const {
    const auto after = blocks_.upper_bound(address);
    if (after == blocks_.begin()) return std::nullopt;
    const Block& block = std::prev(after)->second.block;
    if (address - block.address >= block.bytes) return std::nullopt;
    return block;
}

}  // namespace simcuda
