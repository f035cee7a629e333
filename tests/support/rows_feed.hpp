#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include <gpushard/backend.hpp>

#include "support/index_writer.hpp"

namespace gpushard::test {

/// Feeds rows of memory in blocks of the order given, through a staging buffer of its own or, where the shard offers
/// one and `direct` is set, straight to its destination.
class RowsFeed final : public RowFeed {
public:
    RowsFeed(const Rows& rows, RowRange shard, std::vector<RowRange> blocks, bool direct = false)
        : rows_(rows), shard_(shard), blocks_(std::move(blocks)), direct_(direct) {}

    /// Called before a block is given, with its number from 0: to throw.
    std::function<void(std::int64_t block)> before_block;

    std::int64_t blocks_given() const { return next_; }
    std::int64_t calls() const { return calls_; }

    std::optional<RowBlock> next(float* destination) override {
        ++calls_;
        std::fill(staging_.begin(), staging_.end(), 1e9f);  // rows of the last block are no longer valid
        if (before_block) before_block(next_);
        if (next_ == static_cast<std::int64_t>(blocks_.size())) return std::nullopt;
        const RowRange block = blocks_[static_cast<std::size_t>(next_++)];
        const float* const begin = rows_.row(block.begin);
        const float* const end = rows_.row(block.end);
        RowBlock given{.first_row = block.begin, .row_count = block.count(), .rows = nullptr};
        if (direct_ && destination != nullptr) {
            float* const out = destination + (block.begin - shard_.begin) * rows_.dim;
            std::copy(begin, end, out);
            given.rows = out;
        } else {
            staging_.assign(begin, end);
            given.rows = staging_.data();
        }
        return given;
    }

private:
    const Rows& rows_;
    RowRange shard_;
    std::vector<RowRange> blocks_;
    bool direct_;
    std::vector<float> staging_;
    std::int64_t next_ = 0;
    std::int64_t calls_ = 0;
};

/// [begin, end) in blocks of `block_rows`, the last one shorter.
std::vector<RowRange> cut(RowRange rows, std::int64_t block_rows);

}  // namespace gpushard::test
