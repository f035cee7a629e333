#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "interpreter/global_memory.hpp"
#include "memory/address_space.hpp"
#include "memory/lazy_pages.hpp"
#include "memory/mapping.hpp"
#include "memory/written_bytes.hpp"

namespace simcuda {

/// The memory of one card. Its addresses are reserved and inaccessible, so that a host that touches them crashes as it
/// would with a real card; the bytes lie elsewhere. Allocating and looking up need the caller's lock, moving bytes does
/// not.
class DeviceMemory {
public:
    struct Allocation {
        std::uintptr_t address = 0;
        std::uint64_t bytes = 0;
    };
    /// Whether it knows which bytes were ever written, and which allocations are gone.
    enum class Watch { nothing, every_byte };

    DeviceMemory(std::uint64_t card_bytes, Watch watch);

    /// Empty when no addresses are left. Counts nothing: the card's ledger does.
    std::optional<std::uintptr_t> allocate(std::uint64_t bytes);
    /// The bytes freed; empty when no allocation begins there.
    std::optional<std::uint64_t> release(std::uintptr_t address);
    void release_all();
    std::optional<Allocation> allocation_at(std::uintptr_t address) const;
    std::size_t allocation_count() const { return ranges_.taken().size(); }

    /// Whether it is an address of this card, allocated or not.
    bool contains(std::uintptr_t address) const { return addresses_.contains(address); }
    /// The live allocations before and behind an address that lies in none.
    std::optional<Allocation> allocation_before(std::uintptr_t address) const;
    std::optional<Allocation> allocation_behind(std::uintptr_t address) const;
    /// The latest allocation that held the address and was released, among the last few hundred.
    std::optional<Allocation> released_at(std::uintptr_t address) const;

    void write(std::uintptr_t to, const void* from, std::size_t bytes);
    void read(std::uintptr_t from, void* to, std::size_t bytes) const;
    void fill(std::uintptr_t to, int value, std::size_t bytes);
    void copy_from(const DeviceMemory& source, std::uintptr_t from, std::uintptr_t to, std::size_t bytes);

    /// The allocation that holds the address, as the host reads and writes it; empty where there is none.
    interpreter::Reach reach(std::uintptr_t address);
    /// How far behind `from` the first byte lies that was never written.
    std::optional<std::uint64_t> first_unwritten(std::uintptr_t from, std::uint64_t bytes) const;
    void mark_written(std::uintptr_t to, std::uint64_t bytes) { written_.mark(offset(to), bytes); }

private:
    std::size_t offset(std::uintptr_t address) const { return address - addresses_.address(); }

    Mapping addresses_;
    LazyPages pages_;
    AddressSpace ranges_;
    WrittenBytes written_;
    std::deque<Allocation> released_;  ///< latest first; empty where nothing is watched
};

}  // namespace simcuda
