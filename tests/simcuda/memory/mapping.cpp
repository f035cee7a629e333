#include "memory/mapping.hpp"

#include <sys/mman.h>
#include <utility>

namespace simcuda {

Mapping::Mapping(std::size_t bytes, Access access) {
    const int protection = access == Access::none ? PROT_NONE : PROT_READ | PROT_WRITE;
    void* const data = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED) return;
    madvise(data, bytes, MADV_DONTDUMP);
    data_ = static_cast<std::byte*>(data);
    bytes_ = bytes;
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
}

Mapping::~Mapping() {
    if (data_ != nullptr) munmap(data_, bytes_);
}

}  // namespace simcuda
