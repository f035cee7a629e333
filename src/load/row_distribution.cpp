#include "load/row_distribution.hpp"

#include <algorithm>

#include <gpushard/error.hpp>

namespace gpushard {
namespace {

constexpr Bytes page_bytes = 4_KiB;
// Beyond this neither disks nor PCIe get faster, while what was read falls out of the processor's cache before it is
// converted or copied on, and staging takes more memory.
constexpr Bytes largest_block = 4_MiB;

Bytes whole_pages(Bytes bytes) { return checked_add(bytes, page_bytes - 1) / page_bytes * page_bytes; }

}  // namespace

Bytes staging_of_one_row(Bytes row_bytes) { return whole_pages(row_bytes); }

InvalidArgument staging_too_small(Bytes staging_bytes, Bytes row_bytes) {
    return InvalidArgument("staging of " + format_bytes(staging_bytes) + " cannot hold one vector, which takes " +
                               format_bytes(staging_of_one_row(row_bytes)),
                           {"allow more staging: 256MiB is the default"},
                           {{"staging_bytes", static_cast<std::int64_t>(staging_bytes)},
                            {"needed_bytes", static_cast<std::int64_t>(staging_of_one_row(row_bytes))}});
}

StagingLayout staging_layout(Bytes staging_bytes, Bytes row_bytes, std::size_t shards) {
    const Bytes wanted = std::min(largest_block, staging_bytes / (2 * std::max<Bytes>(shards, 1)));
    StagingLayout layout;
    layout.buffer_bytes = std::max(wanted / page_bytes * page_bytes, whole_pages(row_bytes));
    layout.block_rows = static_cast<std::int64_t>(layout.buffer_bytes / row_bytes);
    layout.buffers = staging_bytes / layout.buffer_bytes;
    if (layout.buffers == 0) throw staging_too_small(staging_bytes, row_bytes);
    return layout;
}

RowDistribution::RowDistribution(const ByteSource& source, const IndexProfile& index, std::vector<RowRange> shards,
                                 Bytes staging_bytes)
    : source_(source),
      payload_offset_(index.payload_offset),
      row_bytes_(index.row_bytes()),
      layout_(staging_layout(staging_bytes, row_bytes_, shards.size())),
      pool_(layout_.buffer_bytes, layout_.buffers) {
    shards_.resize(shards.size());
    for (std::size_t shard = 0; shard < shards.size(); ++shard) {
        shards_[shard].rows = shards[shard];
        if (shards[shard].count() > 0) ++unready_;
        feeds_.emplace_back(*this, shard);
    }
    cut_into_segments();
}

void RowDistribution::cut_into_segments() {
    std::vector<std::int64_t> cuts;
    for (const ShardState& shard : shards_) {
        cuts.push_back(shard.rows.begin);
        cuts.push_back(shard.rows.end);
    }
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
        segments_.push_back({.rows = {cuts[i], cuts[i + 1]}, .next_row = cuts[i], .shards = {}});
    }
    for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
        const auto first = static_cast<std::size_t>(
            std::lower_bound(cuts.begin(), cuts.end(), shards_[shard].rows.begin) - cuts.begin());
        for (std::size_t i = first; i < segments_.size() && segments_[i].rows.end <= shards_[shard].rows.end; ++i) {
            segments_[i].shards.push_back(shard);
            shards_[shard].segments.push_back(i);
        }
    }
}

void RowDistribution::end(std::size_t shard) {
    const Lock lock(mutex_);
    ShardState& mine = shards_[shard];
    mine.held.reset();
    mine.waiting.clear();
    if (!mine.ready && mine.rows.count() > 0) given_up_ = true;
    changed_.notify_all();
}

void RowDistribution::give_up() {
    const Lock lock(mutex_);
    given_up_ = true;
    changed_.notify_all();
}

std::vector<std::int64_t> RowDistribution::rows_taken() const {
    const Lock lock(mutex_);
    std::vector<std::int64_t> rows;
    for (const ShardState& shard : shards_) rows.push_back(shard.rows_taken);
    return rows;
}

Bytes RowDistribution::staging_peak() const {
    const Lock lock(mutex_);
    return pool_.allocated_bytes();
}

std::optional<RowBlock> RowDistribution::next(std::size_t shard, float* destination) {
    Lock lock(mutex_);
    ShardState& mine = shards_[shard];
    wait_until_all_are_ready(lock, mine);
    if (mine.held) {
        mine.held.reset();
        changed_.notify_all();
    }
    while (true) {
        if (given_up_) throw Cancelled("the load was given up");
        if (!mine.waiting.empty()) {
            mine.held = std::move(mine.waiting.front());
            mine.waiting.pop_front();
            const RowRange rows = mine.held->rows;
            mine.rows_taken += rows.count();
            return RowBlock{.first_row = rows.begin, .row_count = rows.count(), .rows = mine.held->buffer()};
        }
        if (mine.rows_taken == mine.rows.count()) return std::nullopt;
        Segment* const segment = readable_segment(mine, destination != nullptr);
        if (segment == nullptr) {
            changed_.wait(lock);
        } else if (destination != nullptr && segment->shards.size() == 1) {
            return read_to_destination(lock, *segment, mine, destination);
        } else {
            read_to_staging(lock, *segment);
        }
    }
}

void RowDistribution::wait_until_all_are_ready(Lock& lock, ShardState& shard) {
    if (!shard.ready && shard.rows.count() > 0) {
        shard.ready = true;
        if (--unready_ == 0) changed_.notify_all();
    }
    changed_.wait(lock, [this] { return unready_ == 0 || given_up_; });
}

RowDistribution::Segment* RowDistribution::readable_segment(const ShardState& shard, bool has_destination) {
    for (const std::size_t i : shard.segments) {
        Segment& segment = segments_[i];
        if (segment.next_row == segment.rows.end) continue;
        const bool needs_buffer = !has_destination || segment.shards.size() > 1;
        if (!needs_buffer || pool_.has_free()) return &segment;
    }
    return nullptr;
}

RowRange RowDistribution::claim_block(Segment& segment) {
    const RowRange rows{segment.next_row, std::min(segment.rows.end, segment.next_row + layout_.block_rows)};
    segment.next_row = rows.end;
    return rows;
}

void RowDistribution::read_to_staging(Lock& lock, Segment& segment) {
    const auto block = std::make_shared<StagedBlock>(pool_);
    block->rows = claim_block(segment);
    read_rows(lock, block->rows, block->buffer());
    for (const std::size_t shard : segment.shards) shards_[shard].waiting.push_back(block);
    changed_.notify_all();
}

RowBlock RowDistribution::read_to_destination(Lock& lock, Segment& segment, ShardState& shard, float* destination) {
    const RowRange rows = claim_block(segment);
    const auto dim = static_cast<std::int64_t>(row_bytes_ / sizeof(float));
    float* const out = destination + (rows.begin - shard.rows.begin) * dim;
    read_rows(lock, rows, out);
    shard.rows_taken += rows.count();
    return {.first_row = rows.begin, .row_count = rows.count(), .rows = out};
}

void RowDistribution::read_rows(Lock& lock, RowRange rows, float* out) {
    const Bytes offset = payload_offset_ + static_cast<Bytes>(rows.begin) * row_bytes_;
    const Bytes count = static_cast<Bytes>(rows.count()) * row_bytes_;
    lock.unlock();
    try {
        source_.read(offset, out, count);
        source_.done_with(offset, count);
    } catch (...) {
        // The other shards that need this block would wait for it in vain.
        lock.lock();
        given_up_ = true;
        changed_.notify_all();
        throw;
    }
    lock.lock();
}

}  // namespace gpushard
