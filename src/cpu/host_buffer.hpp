#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <gpushard/backend.hpp>
#include <gpushard/bytes.hpp>

#include "shard/device_budget.hpp"

namespace gpushard {

/// Bytes of a budget that are taken for as long as this lives, and to the counts of one shard.
class HostCharge {
public:
    HostCharge(DeviceBudget& budget, MemoryUse& use, Bytes bytes, std::string_view what);
    ~HostCharge();
    HostCharge(const HostCharge&) = delete;
    HostCharge& operator=(const HostCharge&) = delete;

private:
    DeviceBudget& budget_;
    MemoryUse& use_;
    Bytes bytes_;
};

/// Zeroed host memory. From 1 MiB on it is mapped: page-aligned, and returned to the system at once when freed. Large
/// buffers ask for huge pages: they are filled faster and searched with fewer translation misses.
class HostBuffer {
public:
    HostBuffer() = default;
    /// Throws InsufficientMemory naming `device` when the system refuses.
    HostBuffer(Bytes size, const std::string& device);
    HostBuffer(HostBuffer&& other) noexcept;
    HostBuffer& operator=(HostBuffer&& other) noexcept;
    ~HostBuffer();

    std::byte* data() const { return data_; }
    template <typename Element>
    Element* as() const {
        return reinterpret_cast<Element*>(data_);
    }

private:
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace gpushard
