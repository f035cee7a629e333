#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gpushard/byte_source.hpp>
#include <gpushard/index_profile.hpp>

namespace gpushard::test {

/// A flat index file of any size that takes no memory: a header, then the same few rows over and over.
class GeneratedSource final : public ByteSource {
public:
    enum class Content {
        uniform,  ///< in [-1, 1)
        zeros,    ///< for simulated cards, which keep no memory for zeros
    };

    GeneratedSource(std::int64_t count, std::int32_t dim, Metric metric, Content content);

    std::string name() const override { return "generated"; }
    Bytes size() const override { return size_; }

private:
    void read_bytes(Bytes offset, void* destination, std::size_t count) const override;

    const std::string header_;
    const Bytes size_;
    std::vector<float> block_;  ///< the rows that repeat
};

}  // namespace gpushard::test
