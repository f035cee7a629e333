#include "gpu_checks/generated_source.hpp"

#include <algorithm>
#include <cstring>

#include "support/index_writer.hpp"

namespace gpushard::test {
namespace {

constexpr std::int64_t repeated_rows = 4099;

std::vector<float> make_block(std::int32_t dim, GeneratedSource::Content content) {
    if (content == GeneratedSource::Content::uniform) return uniform_rows(repeated_rows, dim, 1).values;
    return std::vector<float>(static_cast<std::size_t>(repeated_rows * dim));
}

}  // namespace

GeneratedSource::GeneratedSource(std::int64_t count, std::int32_t dim, Metric metric, Content content)
    : header_(flat_index_header(count, dim, metric)),
      size_(header_.size() + static_cast<Bytes>(count) * static_cast<Bytes>(dim) * sizeof(float)),
      block_(make_block(dim, content)) {}

void GeneratedSource::read_bytes(Bytes offset, void* destination, std::size_t count) const {
    auto* out = static_cast<char*>(destination);
    const Bytes block_bytes = block_.size() * sizeof(float);
    const char* const block = reinterpret_cast<const char*>(block_.data());
    while (count > 0) {
        const bool in_header = offset < header_.size();
        const Bytes at = in_header ? offset : (offset - header_.size()) % block_bytes;
        const Bytes there = (in_header ? header_.size() : block_bytes) - at;
        const std::size_t piece = std::min<std::size_t>(count, there);
        std::memcpy(out, (in_header ? header_.data() : block) + at, piece);
        out += piece;
        offset += piece;
        count -= piece;
    }
}

}  // namespace gpushard::test
