#include "cpu/scan_shard.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <gpushard/memory_model.hpp>

#include "core/host_scan_memory.hpp"
#include "core/top_k_merge.hpp"
#include "cpu/candidate_lists.hpp"
#include "cpu/row_scan.hpp"
#include "shard/centred_queries.hpp"
#include "shard/row_kernels.hpp"
#include "shard/shard_answers.hpp"

namespace gpushard {
namespace {

/// From so many answers on, ordering them is shared among threads, in parts of so many.
constexpr std::int64_t shared_answers = 8192;

/// Takes the best k of sorted lists, which are of different rows, in order.
class ListMerge {
public:
    void add(std::span<const Candidate> list) {
        if (!list.empty()) lists_.push_back(list);
    }

    std::optional<Candidate> next() {
        if (lists_.empty()) return std::nullopt;
        const auto best = std::min_element(lists_.begin(), lists_.end(),
                                           [](const auto& a, const auto& b) { return a.front() < b.front(); });
        const Candidate found = best->front();
        *best = best->subspan(1);
        if (best->empty()) lists_.erase(best);
        return found;
    }

private:
    std::vector<std::span<const Candidate>> lists_;
};

}  // namespace

/// Searches the shard for one batch of queries after another; owns the scratch of a search.
class ScanShard::BatchScan {
public:
    BatchScan(const ScanShard& shard, SearchTile tile, std::int64_t k)
        : shard_(shard),
          k_(k),
          chunk_(tile.rows),
          dim_(shard.spec().index.dim),
          stride_(padded_dim(dim_)),
          list_bytes_((CandidateLists::bytes(tile.queries, k) + 63) / 64 * 64),
          lists_(static_cast<std::size_t>(shard.spec().threads)),
          memory_(scan_scratch_bytes(shard.spec().workload(DeviceKind::cpu), tile.queries, k) + 64, shard.device()) {
        const auto misaligned = reinterpret_cast<std::uintptr_t>(memory_.data()) % 64;
        queries_ = reinterpret_cast<float*>(memory_.data() + (64 - misaligned) % 64);
        terms_ = queries_ + tile.queries * stride_;
        slots_ = reinterpret_cast<std::byte*>(terms_ + (tile.queries + 15) / 16 * 16);
        slot_bytes_ = list_bytes_ + widened_scratch_bytes(shard.spec().precision, dim_);
    }

    /// Answers are (count, wanted), in ids of the whole index.
    void search(std::int64_t count, const float* queries, std::int64_t wanted, float* distances, std::int64_t* ids) {
        take_queries(count, queries);
        std::fill(lists_.begin(), lists_.end(), std::nullopt);
        const ShardSpec& spec = shard_.spec();
        const std::int64_t rows = spec.rows.count();
        shard_.threads_->for_each((rows + chunk_ - 1) / chunk_, spec.threads, [&](std::int64_t task, int slot) {
            scan(task * chunk_, std::min(chunk_, rows - task * chunk_), count, slot);
        });
        const std::int64_t part = std::max<std::int64_t>(1, shared_answers / wanted);
        const auto answer = [&](std::int64_t task, int /*slot*/) {
            for (std::int64_t query = task * part; query < std::min(count, (task + 1) * part); ++query) {
                write_answers(query, wanted, distances + query * wanted, ids + query * wanted);
            }
        };
        if (count <= part) return answer(0, 0);
        shard_.threads_->for_each((count + part - 1) / part, spec.threads, answer);
    }

private:
    void take_queries(std::int64_t count, const float* queries) {
        const Metric metric = shard_.spec().index.metric;
        const float* const centre = shard_.spec().centre ? shard_.spec().centre->data() : nullptr;
        // What lies behind each query stays zero.
        for (std::int64_t query = 0; query < count; ++query) {
            const float* const from = queries + query * dim_;
            float* const to = queries_ + query * stride_;
            if (centre != nullptr && shifts_queries(metric)) {
                subtract_centre(from, 1, dim_, centre, to);
            } else {
                std::memcpy(to, from, static_cast<std::size_t>(dim_) * sizeof(float));
            }
            if (metric == Metric::l2) {
                scan_rows(to, 1, dim_, &terms_[query]);
            } else {
                terms_[query] = centre == nullptr ? 0 : static_cast<float>(centre_product(from, centre, dim_));
            }
        }
    }

    /// On one of the threads. A slot belongs to one of them.
    void scan(std::int64_t first, std::int64_t rows, std::int64_t count, int slot) {
        const ShardSpec& spec = shard_.spec();
        std::byte* const memory = slots_ + static_cast<Bytes>(slot) * slot_bytes_;
        std::optional<CandidateLists>& lists = lists_[static_cast<std::size_t>(slot)];
        if (!lists) lists.emplace(memory, count, k_);
        const ScanRows block = {.values = shard_.row(first),
                                .precision = spec.precision,
                                .dim = dim_,
                                .count = rows,
                                .first = static_cast<std::uint32_t>(first)};
        scan_block(spec.index.metric, {queries_, terms_, count}, block, reinterpret_cast<float*>(memory + list_bytes_),
                   *lists);
    }

    void write_answers(std::int64_t query, std::int64_t wanted, float* distances, std::int64_t* ids) {
        ListMerge merge;
        for (std::optional<CandidateLists>& lists : lists_) {
            if (lists) merge.add(lists->sorted(query));
        }
        const bool similarity = shard_.similarity();
        std::int64_t found = 0;
        for (; found < k_; ++found) {
            const std::optional<Candidate> next = merge.next();
            if (!next) break;
            const float distance = distance_of(*next);
            distances[found] = similarity ? 0.0F - distance : distance;
            ids[found] = shard_.spec().rows.begin + row_of(*next);
        }
        std::fill(distances + found, distances + wanted, worst_distance(similarity));
        std::fill(ids + found, ids + wanted, std::int64_t{-1});
    }

    const ScanShard& shard_;
    const std::int64_t k_;
    const std::int64_t chunk_;  ///< rows that a thread takes at a time
    const std::int64_t dim_;
    const std::int64_t stride_;
    const Bytes list_bytes_;
    std::vector<std::optional<CandidateLists>> lists_;  ///< of each slot that has begun
    HostBuffer memory_;
    float* queries_ = nullptr;
    float* terms_ = nullptr;
    std::byte* slots_ = nullptr;
    Bytes slot_bytes_ = 0;
};

ScanShard::ScanShard(ShardSpec spec, std::shared_ptr<DeviceBudget> budget, std::unique_ptr<SharedClaim> claim)
    : HostShard(std::move(spec), std::move(budget), std::move(claim)),
      threads_(ScanThreads::of_process(this->spec().threads)) {}

void ScanShard::search(std::int64_t query_count, const float* queries, std::int64_t k, float* distances,
                       std::int64_t* ids) {
    const std::int64_t own_k = std::min(k, spec().rows.count());
    if (own_k == 0 || query_count == 0) {
        write_no_answers(query_count, k, similarity(), distances, ids);
        return;
    }
    SearchTile tile = this->tile(own_k);
    tile.queries = std::min(tile.queries, query_count);
    const HostCharge scratch = charge_search(tile, own_k);
    BatchScan batches(*this, tile, own_k);
    const std::int64_t dim = spec().index.dim;
    for (std::int64_t first = 0; first < query_count; first += tile.queries) {
        batches.search(std::min(tile.queries, query_count - first), queries + first * dim, k, distances + first * k,
                       ids + first * k);
    }
}

}  // namespace gpushard
