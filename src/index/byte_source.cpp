#include <utility>

#include <gpushard/byte_source.hpp>
#include <gpushard/error.hpp>

namespace gpushard {

void ByteSource::read(Bytes offset, void* destination, std::size_t count) const {
    if (offset > size() || count > size() - offset) {
        throw BadFile(name() + ": " + std::to_string(count) + " bytes are wanted at offset " + std::to_string(offset) +
                          ", the file has " + std::to_string(size()),
                      {},
                      {{"file", name()},
                       {"offset", static_cast<std::int64_t>(offset)},
                       {"wanted_bytes", static_cast<std::int64_t>(count)},
                       {"size", static_cast<std::int64_t>(size())}});
    }
    if (count == 0) return;
    read_bytes(offset, destination, count);
    bytes_read_.fetch_add(count, std::memory_order_relaxed);
}

void ByteSource::done_with(Bytes, Bytes) const {}

}  // namespace gpushard
