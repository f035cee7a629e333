#include "cpu/faiss_shard.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include <omp.h>

#include "core/top_k_merge.hpp"
#include "cpu/exact_search.hpp"
#include "cpu/host_threads.hpp"
#include "cpu/processor_lease.hpp"
#include "shard/centred_queries.hpp"
#include "shard/row_kernels.hpp"
#include "shard/shard_answers.hpp"

namespace gpushard {
namespace {

/// The calling thread's OpenMP threads, put back at the end.
class OmpThreads {
public:
    explicit OmpThreads(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
    ~OmpThreads() { omp_set_num_threads(before_); }
    OmpThreads(const OmpThreads&) = delete;
    OmpThreads& operator=(const OmpThreads&) = delete;

private:
    int before_;
};

/// Answers to a batch of queries, (batch, k).
struct Answers {
    Answers(std::int64_t queries, std::int64_t k, const std::string& device)
        : distances(static_cast<Bytes>(queries * k) * sizeof(float), device),
          ids(static_cast<Bytes>(queries * k) * sizeof(std::int64_t), device) {}

    TopKList list(std::int64_t k) const { return {distances.as<float>(), ids.as<std::int64_t>(), k}; }

    HostBuffer distances;
    HostBuffer ids;
};

}  // namespace

/// Searches the shard tile by tile for one batch of queries after another; owns the scratch of a search.
class FaissShard::TileSearch {
public:
    TileSearch(const FaissShard& shard, SearchTile tile, std::int64_t k)
        : shard_(shard),
          tile_rows_(std::min(tile.rows, shard.spec().rows.count())),
          k_(k),
          tile_answers_(tile.queries, k, shard.device()),
          best_(tile.queries, k, shard.device()),
          merged_(tile.queries, k, shard.device()),
          wide_(wide_bytes(tile_rows_), shard.device()),
          shifted_(shard.spec().centre ? wide_bytes(tile.queries) : 0, shard.device()) {}

    /// The best answers of the shard to the batch, ids counted within the shard. Valid until the next call.
    TopKList search(std::int64_t batch, const float* queries) {
        const std::int64_t row_count = shard_.spec().rows.count();
        const float* const own = shifted(batch, queries);
        for (std::int64_t begin = 0; begin < row_count; begin += tile_rows_) {
            const std::int64_t rows = std::min(tile_rows_, row_count - begin);
            Answers& answers = begin == 0 ? best_ : tile_answers_;
            search_tile(batch, own, begin, rows, answers);
            if (begin == 0) continue;
            merge_top_k(std::array{best_.list(k_), tile_answers_.list(k_)}, batch, k_, shard_.similarity(),
                        merged_.distances.as<float>(), merged_.ids.as<std::int64_t>());
            std::swap(best_, merged_);
        }
        return best_.list(k_);
    }

private:
    Bytes wide_bytes(std::int64_t vectors) const {
        return shard_.spec().precision == Precision::f32
                   ? 0
                   : static_cast<Bytes>(vectors) * static_cast<Bytes>(shard_.spec().index.dim) * sizeof(float);
    }

    const float* shifted(std::int64_t batch, const float* queries) {
        const ShardSpec& spec = shard_.spec();
        if (!spec.centre) return queries;
        subtract_centre(queries, batch, spec.index.dim, spec.centre->data(), shifted_.as<float>());
        return shifted_.as<float>();
    }

    void search_tile(std::int64_t query_count, const float* queries, std::int64_t begin, std::int64_t rows,
                     Answers& answers) {
        const IndexProfile& index = shard_.spec().index;
        const std::int64_t tile_k = std::min(k_, rows);
        float* const distances = answers.distances.as<float>();
        std::int64_t* const ids = answers.ids.as<std::int64_t>();
        exact_search(index.metric, index.metric_arg, index.dim, query_count, queries, rows, widened(begin, rows),
                     tile_k, distances, ids);
        for (std::int64_t i = 0; i < query_count * tile_k; ++i) {
            if (ids[i] >= 0) ids[i] += begin;
        }
        if (tile_k < k_) widen_lists(query_count, tile_k, k_, shard_.similarity(), distances, ids);
    }

    const float* widened(std::int64_t begin, std::int64_t rows) {
        const ShardSpec& spec = shard_.spec();
        const std::byte* const held = shard_.row(begin);
        if (spec.precision == Precision::f32) return reinterpret_cast<const float*>(held);
        widen_values(spec.precision, reinterpret_cast<const std::uint16_t*>(held), rows * spec.index.dim,
                     wide_.as<float>());
        return wide_.as<float>();
    }

    const FaissShard& shard_;
    const std::int64_t tile_rows_;
    const std::int64_t k_;
    Answers tile_answers_;
    Answers best_;
    Answers merged_;
    HostBuffer wide_;
    HostBuffer shifted_;
};

FaissShard::FaissShard(ShardSpec spec, std::shared_ptr<DeviceBudget> budget, std::unique_ptr<SharedClaim> claim,
                       int threads)
    : HostShard(std::move(spec), std::move(budget), std::move(claim)), threads_(threads) {}

void FaissShard::search(std::int64_t query_count, const float* queries, std::int64_t k, float* distances,
                        std::int64_t* ids) {
    const std::int64_t own_k = std::min(k, spec().rows.count());
    if (own_k == 0 || query_count == 0) {
        write_no_answers(query_count, k, similarity(), distances, ids);
        return;
    }
    const ProcessorLease processors(threads_);
    const OmpThreads threads(threads_);
    SearchTile tile = this->tile(own_k);
    tile.queries = std::min(tile.queries, query_count);
    const HostCharge scratch = charge_search(tile, own_k);
    TileSearch tiles(*this, tile, own_k);
    for (std::int64_t first = 0; first < query_count; first += tile.queries) {
        const std::int64_t batch = std::min(tile.queries, query_count - first);
        const TopKList found = tiles.search(batch, queries + first * spec().index.dim);
        write_answers(found, spec().rows.begin, batch, k, similarity(), distances + first * k, ids + first * k);
    }
}

// OpenMP keeps the threads of each thread that searches.
void FaissShard::prepare() {
    if (spec().rows.count() > 0) start_omp_threads(threads_);
}

}  // namespace gpushard
