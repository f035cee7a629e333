#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace simcuda {

/// Hands out ranges of [0, size). Ranges of a page and more share no page with others.
class AddressSpace {
public:
    enum class Order {
        lowest,  ///< the lowest that fits
        around,  ///< behind the last one, and from the beginning only at the end: what was freed stays unused for long
    };

    static constexpr std::uint64_t page_bytes = 4096;
    static constexpr std::uint64_t alignment = 256;

    struct Range {
        std::uint64_t begin = 0;
        std::uint64_t bytes = 0;   ///< as asked
        std::uint64_t extent = 0;  ///< as taken
    };

    explicit AddressSpace(std::uint64_t size, Order order = Order::lowest);

    std::optional<Range> take(std::uint64_t bytes);
    /// The range that began at `begin`, which is free again.
    std::optional<Range> give_back(std::uint64_t begin);
    /// The taken range that `offset` lies in.
    std::optional<Range> range_at(std::uint64_t offset) const;
    const std::map<std::uint64_t, Range>& taken() const { return taken_; }

private:
    using Hole = std::map<std::uint64_t, std::uint64_t>::iterator;
    std::optional<Range> take_from(Hole hole, std::uint64_t first, std::uint64_t bytes);
    void add_free(std::uint64_t begin, std::uint64_t extent);

    Order order_;
    std::uint64_t behind_last_ = 0;
    std::map<std::uint64_t, std::uint64_t> free_;  ///< begin, extent
    std::map<std::uint64_t, Range> taken_;
};

}  // namespace simcuda
