#pragma once

#include <cstddef>
#include <cstdint>

namespace simcuda {

/// Address space that takes memory only where it is written. Empty where the system refused.
class Mapping {
public:
    enum class Access { none, read_write };

    Mapping() = default;
    Mapping(std::size_t bytes, Access access);
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    ~Mapping();

    explicit operator bool() const { return data_ != nullptr; }
    std::byte* data() const { return data_; }
    std::size_t size() const { return bytes_; }
    std::uintptr_t address() const { return reinterpret_cast<std::uintptr_t>(data_); }
    bool contains(std::uintptr_t address) const { return address - this->address() < bytes_ && data_ != nullptr; }

private:
    std::byte* data_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace simcuda
