#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace simcuda {

/// Hands out ranges of [0, size): the lowest that fits. Ranges of a page and more share no page with others.
class AddressSpace {
public:
    static constexpr std::uint64_t page_bytes = 4096;
    static constexpr std::uint64_t alignment = 256;

    struct Range {
        std::uint64_t begin = 0;
        std::uint64_t bytes = 0;   ///< as asked
        std::uint64_t extent = 0;  ///< as taken
    };

    explicit AddressSpace(std::uint64_t size);

    std::optional<Range> take(std::uint64_t bytes);
    /// The range that began at `begin`, which is free again.
    std::optional<Range> give_back(std::uint64_t begin);
    /// The taken range that `offset` lies in.
    std::optional<Range> range_at(std::uint64_t offset) const;
    const std::map<std::uint64_t, Range>& taken() const { return taken_; }

private:
    void add_free(std::uint64_t begin, std::uint64_t extent);

    std::map<std::uint64_t, std::uint64_t> free_;  ///< begin, extent
    std::map<std::uint64_t, Range> taken_;
};

}  // namespace simcuda
