#include <cstring>
#include <utility>

#include <gpushard/byte_source.hpp>
#include <gpushard/error.hpp>

namespace gpushard {
namespace {

class MemorySource final : public ByteSource {
public:
    MemorySource(const void* data, Bytes size, std::string name)
        : data_(static_cast<const char*>(data)), size_(size), name_(std::move(name)) {}

    std::string name() const override { return name_; }
    Bytes size() const override { return size_; }

private:
    void read_bytes(Bytes offset, void* destination, std::size_t count) const override {
        std::memcpy(destination, data_ + offset, count);
    }

    const char* data_;
    Bytes size_;
    std::string name_;
};

}  // namespace

std::shared_ptr<ByteSource> view_memory(const void* data, Bytes size, std::string name) {
    if (data == nullptr && size > 0) {
        throw InvalidArgument(name + ": " + std::to_string(size) + " bytes at a null pointer");
    }
    return std::make_shared<MemorySource>(data, size, std::move(name));
}

}  // namespace gpushard
