#include "cpu/host_buffer.hpp"

#include <algorithm>
#include <cstdlib>
#include <sys/mman.h>
#include <utility>

#include <gpushard/error.hpp>

namespace gpushard {

HostCharge::HostCharge(DeviceBudget& budget, MemoryUse& use, Bytes bytes, std::string_view what)
    : budget_(budget), use_(use), bytes_(bytes) {
    budget_.charge(bytes_, what);
    use_.current += bytes_;
    use_.peak = std::max(use_.peak, use_.current);
}

HostCharge::~HostCharge() {
    use_.current -= bytes_;
    budget_.release(bytes_);
}

namespace {

// Below this a mapping of its own costs more than it gives back.
constexpr Bytes smallest_mapping = 1_MiB;

void* allocate_zeroed(Bytes size) {
    if (size < smallest_mapping) return std::calloc(1, size);
    void* const mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return nullptr;
    if (size >= 4_MiB) madvise(mapped, size, MADV_HUGEPAGE);  // advice: a refusal costs speed only
    return mapped;
}

}  // namespace

HostBuffer::HostBuffer(Bytes size, const std::string& device) : size_(size) {
    if (size == 0) return;
    data_ = static_cast<std::byte*>(allocate_zeroed(size));
    if (data_ == nullptr) {
        throw InsufficientMemory(device + ": the system refuses " + format_bytes(size) + " of host memory", size,
                                 {{device, size, 0, size}}, {},
                                 {{"device", device}, {"asked_bytes", static_cast<std::int64_t>(size)}});
    }
}

HostBuffer::HostBuffer(HostBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

HostBuffer& HostBuffer::operator=(HostBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

HostBuffer::~HostBuffer() {
    if (data_ == nullptr) return;
    if (size_ < smallest_mapping) {
        std::free(data_);
    } else {
        munmap(data_, size_);
    }
}

}  // namespace gpushard
