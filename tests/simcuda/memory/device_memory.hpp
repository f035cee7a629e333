#pragma once

#include <cstdint>
#include <optional>

#include "memory/address_space.hpp"
#include "memory/lazy_pages.hpp"
#include "memory/mapping.hpp"

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

    explicit DeviceMemory(std::uint64_t card_bytes);

    /// Empty when no addresses are left. Counts nothing: the card's ledger does.
    std::optional<std::uintptr_t> allocate(std::uint64_t bytes);
    /// The bytes freed; empty when no allocation begins there.
    std::optional<std::uint64_t> release(std::uintptr_t address);
    void release_all();
    std::optional<Allocation> allocation_at(std::uintptr_t address) const;
    std::size_t allocation_count() const { return ranges_.taken().size(); }

    void write(std::uintptr_t to, const void* from, std::size_t bytes);
    void read(std::uintptr_t from, void* to, std::size_t bytes) const;
    void fill(std::uintptr_t to, int value, std::size_t bytes);
    void copy_from(const DeviceMemory& source, std::uintptr_t from, std::uintptr_t to, std::size_t bytes);

private:
    std::size_t offset(std::uintptr_t address) const { return address - addresses_.address(); }

    Mapping addresses_;
    LazyPages pages_;
    AddressSpace ranges_;
};

}  // namespace simcuda
