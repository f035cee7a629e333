#include "runtime/reachable_memory.hpp"

#include <cinttypes>
#include <cstdio>
#include <iterator>
#include <optional>

namespace simcuda {
namespace {

using Allocation = DeviceMemory::Allocation;

std::string hexadecimal(std::uintptr_t address) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%" PRIxPTR, address);
    return text;
}

std::string bytes_text(std::uint64_t bytes) { return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes"); }

std::string name_of(const Allocation& allocation, int place) {
    return bytes_text(allocation.bytes) + " at " + hexadecimal(allocation.address) + " of card " +
           std::to_string(place);
}

/// Of an address of this card, in whatever state.
std::string describe_in(const DeviceMemory& memory, int place, std::uintptr_t address, std::uint64_t bytes) {
    if (const auto inside = memory.allocation_at(address)) {
        const std::uint64_t offset = address - inside->address;
        if (bytes <= inside->bytes - offset) return bytes_text(offset) + " into " + name_of(*inside, place);
        return bytes_text(inside->bytes - offset) + " before the end of " + name_of(*inside, place);
    }
    if (const auto released = memory.released_at(address)) {
        return bytes_text(address - released->address) + " into " + name_of(*released, place) + ", freed";
    }
    const auto before = memory.allocation_before(address);
    const auto behind = memory.allocation_behind(address);
    const std::uint64_t past = before ? address - before->address - before->bytes : 0;
    if (before && (!behind || past <= behind->address - address)) {
        return bytes_text(past) + " behind " + name_of(*before, place);
    }
    if (behind) return bytes_text(behind->address - address) + " before " + name_of(*behind, place);
    return "card " + std::to_string(place) + " has no allocation there";
}

interpreter::Reach reach_in(Card& card, std::uintptr_t address) {
    const interpreter::Reach found = card.memory.reach(address);
    return found.bytes > 0 ? found : card.variables.reach(address);
}

}  // namespace

interpreter::Reach ReachableMemory::find(std::uintptr_t address) {
    const auto behind = found_.upper_bound(address);
    if (behind != found_.begin()) {
        const interpreter::Reach& known = std::prev(behind)->second;
        if (address - known.begin < known.bytes) return known;
    }
    const interpreter::Reach found = look_up(address);
    if (found.bytes > 0) found_.insert_or_assign(found.begin, found);
    return found;
}

interpreter::Reach ReachableMemory::look_up(std::uintptr_t address) const {
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    Card& own = simulator.card(place_);
    if (const auto found = reach_in(own, address); found.bytes > 0) return found;
    for (const int peer : own.peers) {
        if (const auto found = reach_in(simulator.card(peer), address); found.bytes > 0) return found;
    }
    if (const auto block = simulator.host.block_at(address)) {
        return {.begin = block->address,
                .bytes = block->bytes,
                .data = reinterpret_cast<std::byte*>(block->address),
                .written = nullptr};
    }
    return {};
}

std::string ReachableMemory::describe(std::uintptr_t address, std::uint64_t bytes) {
    Simulator& simulator = Simulator::instance();
    const std::lock_guard lock(simulator.mutex);
    for (int place = 0; place < simulator.card_count(); ++place) {
        const Card& card = simulator.card(place);
        for (const DeviceMemory* const memory : {&card.memory, &card.variables}) {
            if (!memory->contains(address)) continue;
            std::string text = describe_in(*memory, place, address, bytes);
            if (place != place_ && simulator.card(place_).peers.count(place) == 0) {
                text += ", to which card " + std::to_string(place_) + " has no access";
            }
            return text;
        }
    }
    if (const auto block = simulator.host.block_at(address)) {
        return bytes_text(address - block->address) + " into " + bytes_text(block->bytes) + " at " +
               hexadecimal(block->address) + " of the host";
    }
    return address < 4096 ? "close to a null pointer" : "memory of no card, nor host memory that one can reach";
}

}  // namespace simcuda
