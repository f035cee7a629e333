#include "load/staging_pool.hpp"

#include <sys/mman.h>

#include <gpushard/error.hpp>

namespace gpushard {

StagingBuffer::StagingBuffer(Bytes bytes)
    : bytes_(bytes), address_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (address_ == MAP_FAILED) {
        throw InsufficientMemory("host: no memory left for " + format_bytes(bytes) + " of staging", bytes, {}, {},
                                 {{"device", std::string("host")}, {"asked_bytes", static_cast<std::int64_t>(bytes)}});
    }
}

StagingBuffer::~StagingBuffer() { ::munmap(address_, bytes_); }

float* StagingPool::take() {
    if (free_.empty()) {
        buffers_.push_back(std::make_unique<StagingBuffer>(buffer_bytes_));
        free_.reserve(buffers_.size());  // so that giving back cannot fail
        return buffers_.back()->data();
    }
    float* const buffer = free_.back();
    free_.pop_back();
    return buffer;
}

}  // namespace gpushard
