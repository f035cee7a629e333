#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <gpushard/backend.hpp>
#include <gpushard/byte_source.hpp>
#include <gpushard/error.hpp>

#include "load/staging_pool.hpp"

namespace gpushard {

/// The sizes in which rows travel through staging.
struct StagingLayout {
    std::int64_t block_rows = 0;
    Bytes buffer_bytes = 0;  ///< of one block, in whole pages
    std::size_t buffers = 0;
};

/// The least staging that a row can pass through: its bytes in whole pages.
Bytes staging_of_one_row(Bytes row_bytes);

/// The refusal of staging that holds no row.
InvalidArgument staging_too_small(Bytes staging_bytes, Bytes row_bytes);

/// Cuts `staging_bytes` into buffers for so many shards: about two for each, of at most 4 MiB. Throws
/// InvalidArgument when not even one row fits.
StagingLayout staging_layout(Bytes staging_bytes, Bytes row_bytes, std::size_t shards);

/// Reads the rows of a flat index once and gives them to all shards that need them, each of which pulls from its own
/// feed on its own thread. No thread but those of the shards does any work.
///
/// The rows are cut into segments wherever a shard begins or ends, so that all rows of a segment are needed by the
/// same shards; segments are read in blocks. Whoever asks for rows and has none waiting reads the next block of one
/// of its segments into a staging buffer and leaves it with every shard that needs it. The buffer is free again when
/// the last of them has asked for its next block.
///
/// Nothing is read before every shard has asked for its first block. A shard has taken all of its memory by then, so a
/// device that has too little of it costs no reading but that of the sample of centred loads, which comes before.
///
/// Nobody waits forever. Before the first block all wait for those that are still allocating, each of which asks or
/// ends; one that ends without having asked gives up the load for all. Later, a shard waits only when no block is left
/// with it and it either has nothing to read or finds no free buffer. Every buffer in use is either being read into, or
/// was left with a shard that has not asked for its next block since. The reader finishes or fails, and such a shard
/// will find the block instead of waiting, so a buffer becomes free as long as every shard asks on until it ends, and
/// one that ends (`end`) leaves nothing behind. One that ends before it has all its rows must give up the load for all.
class RowDistribution {
public:
    /// `shards` are ranges of rows; ranges may overlap (replicas). Keeps a reference to `source`.
    RowDistribution(const ByteSource& source, const IndexProfile& index, std::vector<RowRange> shards,
                    Bytes staging_bytes);

    /// The feed of one shard; lives as long as this.
    RowFeed& feed(std::size_t shard) { return feeds_[shard]; }

    /// The shard will not ask again: what is left with it is free. Gives up the load where it has rows and never asked.
    void end(std::size_t shard);

    /// Makes every feed throw Cancelled from now on. From any thread.
    void give_up();

    /// Rows that each shard has taken so far. From any thread.
    std::vector<std::int64_t> rows_taken() const;

    /// Most host memory that was ever staged in. From any thread.
    Bytes staging_peak() const;

private:
    class Feed final : public RowFeed {
    public:
        Feed(RowDistribution& distribution, std::size_t shard) : distribution_(distribution), shard_(shard) {}
        std::optional<RowBlock> next(float* destination) override { return distribution_.next(shard_, destination); }

    private:
        RowDistribution& distribution_;
        std::size_t shard_;
    };

    /// Rows that the same shards need.
    struct Segment {
        RowRange rows;
        std::int64_t next_row = 0;  ///< first that nobody has begun to read
        std::vector<std::size_t> shards;
    };

    /// A block in staging. Gives its buffer back when the last shard drops it.
    class StagedBlock {
    public:
        explicit StagedBlock(StagingPool& pool) : pool_(pool), buffer_(pool.take()) {}
        StagedBlock(const StagedBlock&) = delete;
        StagedBlock& operator=(const StagedBlock&) = delete;
        ~StagedBlock() { pool_.give_back(buffer_); }

        float* buffer() const { return buffer_; }
        RowRange rows;

    private:
        StagingPool& pool_;
        float* buffer_;
    };

    struct ShardState {
        RowRange rows;
        std::vector<std::size_t> segments;
        std::deque<std::shared_ptr<const StagedBlock>> waiting;
        std::shared_ptr<const StagedBlock> held;  ///< handed out by the last call of next
        std::int64_t rows_taken = 0;
        bool ready = false;  ///< has asked for its first block
    };

    using Lock = std::unique_lock<std::mutex>;

    void cut_into_segments();
    std::optional<RowBlock> next(std::size_t shard, float* destination);
    void wait_until_all_are_ready(Lock& lock, ShardState& shard);
    Segment* readable_segment(const ShardState& shard, bool has_destination);
    RowRange claim_block(Segment& segment);
    void read_to_staging(Lock& lock, Segment& segment);
    RowBlock read_to_destination(Lock& lock, Segment& segment, ShardState& shard, float* destination);
    void read_rows(Lock& lock, RowRange rows, float* out);

    const ByteSource& source_;
    const Bytes payload_offset_;
    const Bytes row_bytes_;
    const StagingLayout layout_;

    mutable std::mutex mutex_;  ///< guards all below; not held while reading
    std::condition_variable changed_;
    StagingPool pool_;
    std::vector<Segment> segments_;
    std::vector<ShardState> shards_;
    std::deque<Feed> feeds_;
    std::size_t unready_ = 0;  ///< shards with rows that have not asked yet
    bool given_up_ = false;
};

}  // namespace gpushard
