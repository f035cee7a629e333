#pragma once

#include <algorithm>
#include <cstring>
#include <string>

#include <faiss/IndexFlat.h>

#include <gpushard/byte_source.hpp>

#include "support/index_writer.hpp"

namespace gpushard::test {

/// A flat index of Faiss's in memory, as the file it would be; nothing is copied before it is read.
class FlatSource final : public ByteSource {
public:
    /// `index` must outlive the source.
    explicit FlatSource(const faiss::IndexFlat& index)
        : header_(flat_index_header(index.ntotal, index.d,
                                    static_cast<Metric>(static_cast<std::int32_t>(index.metric_type)))),
          rows_(reinterpret_cast<const char*>(index.get_xb())),
          row_bytes_(static_cast<Bytes>(index.ntotal) * static_cast<Bytes>(index.d) * sizeof(float)) {}

    std::string name() const override { return "memory"; }
    Bytes size() const override { return header_.size() + row_bytes_; }

private:
    void read_bytes(Bytes offset, void* destination, std::size_t count) const override {
        auto* out = static_cast<char*>(destination);
        if (offset < header_.size()) {
            const std::size_t piece = std::min<std::size_t>(count, header_.size() - offset);
            std::memcpy(out, header_.data() + offset, piece);
            out += piece;
            offset += piece;
            count -= piece;
        }
        std::memcpy(out, rows_ + (offset - header_.size()), count);
    }

    const std::string header_;
    const char* const rows_;
    const Bytes row_bytes_;
};

}  // namespace gpushard::test
