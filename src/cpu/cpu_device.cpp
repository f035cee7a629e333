#include "cpu/cpu_device.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include <omp.h>

#include <gpushard/error.hpp>
#include <gpushard/memory_model.hpp>

#include "core/top_k_merge.hpp"
#include "cpu/blas_memory.hpp"
#include "cpu/exact_search.hpp"
#include "cpu/host_buffer.hpp"
#include "cpu/processor_lease.hpp"
#include "shard/row_intake.hpp"
#include "shard/row_kernels.hpp"
#include "shard/shard_answers.hpp"
#include "shard/spec_check.hpp"

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

/// Answers to a batch of queries, (batch, k), with room for the padding queries.
struct Answers {
    Answers(std::int64_t queries, std::int64_t k, const std::string& device)
        : distances(static_cast<Bytes>(queries * k) * sizeof(float), device),
          ids(static_cast<Bytes>(queries * k) * sizeof(std::int64_t), device) {}

    TopKList list(std::int64_t k) const { return {distances.as<float>(), ids.as<std::int64_t>(), k}; }

    HostBuffer distances;
    HostBuffer ids;
};

/// Shards of this process that searches may find at work at the same time.
std::atomic<int> prepared_shards = 0;

/// What the shards of a device are granted of a budget that they share with those of other loads.
class SharedClaim {
public:
    SharedClaim(std::shared_ptr<DeviceBudget> shared, std::shared_ptr<DeviceBudget> granted, Bytes bytes)
        : shared_(std::move(shared)), granted_(std::move(granted)), bytes_(bytes) {
        if (!shared_) return;
        shared_->charge(bytes_, "a shard with its searches");
        granted_->charge(bytes_, "a shard with its searches");
    }
    ~SharedClaim() {
        if (!shared_) return;
        granted_->release(bytes_);
        shared_->release(bytes_);
    }
    SharedClaim(const SharedClaim&) = delete;
    SharedClaim& operator=(const SharedClaim&) = delete;

private:
    const std::shared_ptr<DeviceBudget> shared_;
    const std::shared_ptr<DeviceBudget> granted_;  ///< counts what the device has of it
    const Bytes bytes_;
};

class CpuShard : public Shard {
public:
    CpuShard(ShardSpec spec, std::shared_ptr<DeviceBudget> budget, int threads, std::unique_ptr<SharedClaim> claim)
        : spec_(std::move(spec)),
          claim_(std::move(claim)),
          budget_(std::move(budget)),
          threads_(threads),
          resident_(*budget_, use_, spec_.memory.resident, "a shard"),
          rows_(static_cast<Bytes>(spec_.rows.count()) * spec_.index.dim * element_bytes(spec_.precision),
                budget_->device()),
          norms_(needs_norms() ? static_cast<Bytes>(spec_.rows.count()) * sizeof(float) : 0, budget_->device()) {
        use_.resident = spec_.memory.resident;
    }

    ~CpuShard() override {
        if (prepared_) --prepared_shards;
    }
    CpuShard(const CpuShard&) = delete;
    CpuShard& operator=(const CpuShard&) = delete;

    void fill(RowFeed& feed) {
        float* const destination = spec_.precision == Precision::f32 ? rows_.as<float>() : nullptr;
        while (const std::optional<RowBlock> block = feed.next(destination)) take(*block);
        intake_.check_complete(budget_->device());
    }

    void search(std::int64_t query_count, const float* queries, std::int64_t k, float* distances,
                std::int64_t* ids) override {
        const std::int64_t own_k = std::min(k, spec_.rows.count());
        if (own_k == 0 || query_count == 0) {
            write_no_answers(query_count, k, similarity(), distances, ids);
            return;
        }
        const ProcessorLease processors(threads_);
        const OmpThreads threads(threads_);
        ShardWorkload workload = spec_.workload(DeviceKind::cpu);
        workload.k = own_k;
        SearchTile tile = tile_for(spec_, DeviceKind::cpu, own_k, budget_->device());
        const bool pads = tile.queries >= padded_batch && gains_from_padding(spec_.index.metric);
        tile.queries = std::min(tile.queries, std::max(query_count, pads ? padded_batch : 0));
        const HostCharge scratch(*budget_, use_, shard_memory(workload, spec_.rows.count(), tile).scratch, "a search");
        TileSearch tiles(*this, tile, own_k, pads);
        for (std::int64_t first = 0; first < query_count; first += tile.queries) {
            const std::int64_t batch = std::min(tile.queries, query_count - first);
            const TopKList found = tiles.search(batch, queries + first * spec_.index.dim);
            write_answers(found, spec_.rows.begin, batch, k, similarity(), distances + first * k, ids + first * k);
        }
    }

    // What searches will do, on few rows.
    void prepare() override {
        const std::int64_t rows = spec_.rows.count();
        if (rows == 0) return;
        const ProcessorLease processors(threads_);
        const OmpThreads threads(threads_);
        if (!prepared_) ++prepared_shards;
        prepared_ = true;
        reserve_blas_memory(most_searches_at_once(prepared_shards, threads_), threads_);
        start_omp_threads(threads_);
        const SearchTile tile = preparing_tile();
        ShardWorkload workload = spec_.workload(DeviceKind::cpu);
        // Few, so that nothing but the libraries keeps memory; at 1 some versions of Faiss leave BLAS aside.
        workload.k = std::min({std::int64_t{2}, spec_.k, tile.rows});
        const HostCharge scratch(*budget_, use_, shard_memory(workload, rows, tile).scratch, "a search");
        TileSearch(*this, tile, workload.k, false).search_first_rows(tile.queries);
    }

    MemoryUse memory() const override { return use_; }
    LoadCount load_count() const override { return intake_.count(); }

private:
    // Searches the shard tile by tile for one batch of queries after another; owns the scratch of a search.
    class TileSearch {
    public:
        TileSearch(const CpuShard& shard, SearchTile tile, std::int64_t k, bool pads)
            : shard_(shard),
              tile_rows_(std::min(tile.rows, shard.spec_.rows.count())),
              k_(k),
              pads_(pads),
              tile_answers_(tile.queries, k, shard.budget_->device()),
              best_(tile.queries, k, shard.budget_->device()),
              merged_(tile.queries, k, shard.budget_->device()),
              padded_queries_(pads ? padded_batch * shard.row_bytes() : 0, shard.budget_->device()),
              wide_(shard.spec_.precision == Precision::f32 ? 0 : static_cast<Bytes>(tile_rows_) * shard.row_bytes(),
                    shard.budget_->device()) {}

        // The best answers of the shard to the batch, ids counted within the shard. Valid until the next call.
        TopKList search(std::int64_t batch, const float* queries) {
            const auto [computed, padded] = pad(batch, queries);
            const std::int64_t row_count = shard_.spec_.rows.count();
            for (std::int64_t begin = 0; begin < row_count; begin += tile_rows_) {
                const std::int64_t rows = std::min(tile_rows_, row_count - begin);
                Answers& answers = begin == 0 ? best_ : tile_answers_;
                search_tile(computed, padded, begin, rows, answers);
                if (begin == 0) continue;
                merge_top_k(std::array{best_.list(k_), tile_answers_.list(k_)}, batch, k_, shard_.similarity(),
                            merged_.distances.as<float>(), merged_.ids.as<std::int64_t>());
                std::swap(best_, merged_);
            }
            return best_.list(k_);
        }

        // Searches the first tile for its own rows.
        void search_first_rows(std::int64_t query_count) {
            const float* const rows = widened(0, tile_rows_);
            exact_search(shard_.spec_.index.metric, shard_.spec_.index.metric_arg, shard_.spec_.index.dim, query_count,
                         rows, tile_rows_, rows, shard_.norms(0), k_, best_.distances.as<float>(),
                         best_.ids.as<std::int64_t>());
        }

    private:
        struct Queries {
            std::int64_t count;
            const float* values;
        };

        Queries pad(std::int64_t batch, const float* queries) {
            if (!pads_ || batch >= padded_batch) return {batch, queries};
            // The rest of the buffer stays zero: queries whose answers nobody reads.
            std::memcpy(padded_queries_.data(), queries, static_cast<std::size_t>(batch) * shard_.row_bytes());
            return {padded_batch, padded_queries_.as<float>()};
        }

        void search_tile(std::int64_t query_count, const float* queries, std::int64_t begin, std::int64_t rows,
                         Answers& answers) {
            const ShardSpec& spec = shard_.spec_;
            const std::int64_t tile_k = std::min(k_, rows);
            float* const distances = answers.distances.as<float>();
            std::int64_t* const ids = answers.ids.as<std::int64_t>();
            exact_search(spec.index.metric, spec.index.metric_arg, spec.index.dim, query_count, queries, rows,
                         widened(begin, rows), shard_.norms(begin), tile_k, distances, ids);
            for (std::int64_t i = 0; i < query_count * tile_k; ++i) {
                if (ids[i] >= 0) ids[i] += begin;
            }
            if (tile_k < k_) widen_lists(query_count, tile_k, k_, shard_.similarity(), distances, ids);
        }

        const float* widened(std::int64_t begin, std::int64_t rows) {
            const std::int64_t dim = shard_.spec_.index.dim;
            if (shard_.spec_.precision == Precision::f32) return shard_.rows_.as<float>() + begin * dim;
            widen_halves(shard_.rows_.as<std::uint16_t>() + begin * dim, rows * dim, wide_.as<float>());
            return wide_.as<float>();
        }

        const CpuShard& shard_;
        const std::int64_t tile_rows_;
        const std::int64_t k_;
        const bool pads_;
        Answers tile_answers_;
        Answers best_;
        Answers merged_;
        HostBuffer padded_queries_;
        HostBuffer wide_;
    };

    // As many queries against a block of rows as BLAS is given at once, but a few milliseconds of work at most; the
    // other metrics are slow and have no buffers to touch.
    SearchTile preparing_tile() const {
        const bool multiplies = spec_.index.metric == Metric::l2 || spec_.index.metric == Metric::inner_product;
        const std::int64_t rows = std::min({spec_.rows.count(), spec_.tile.rows, std::int64_t{multiplies ? 1024 : 32}});
        constexpr std::int64_t most_products = 1 << 28;
        const std::int64_t affordable = std::max(padded_batch, most_products / (rows * spec_.index.dim));
        return {.rows = rows, .queries = std::min({spec_.tile.queries, rows, affordable})};
    }

    bool needs_norms() const { return spec_.index.metric == Metric::l2; }
    std::size_t row_bytes() const { return static_cast<std::size_t>(spec_.index.dim) * sizeof(float); }
    float* norms(std::int64_t row) const { return needs_norms() ? norms_.as<float>() + row : nullptr; }

    bool similarity() const { return is_similarity(spec_.index.metric); }

    void take(const RowBlock& block) {
        const std::int64_t at = block.first_row - spec_.rows.begin;
        std::byte* const held = rows_.data() + static_cast<Bytes>(at) * intake_.held_row_bytes();
        intake_.take(block.first_row, block.row_count, block.rows, held, norms(at));
    }

    const ShardSpec spec_;
    const std::unique_ptr<SharedClaim> claim_;
    const std::shared_ptr<DeviceBudget> budget_;
    const int threads_;
    bool prepared_ = false;
    MemoryUse use_;
    RowIntake intake_{spec_};
    HostCharge resident_;
    HostBuffer rows_;
    HostBuffer norms_;
};

class CpuDevice : public Device {
public:
    CpuDevice(const DeviceInfo& info, int threads, std::shared_ptr<DeviceBudget> shared)
        : info_(info),
          threads_(threads),
          budget_(std::make_shared<DeviceBudget>(info.spec, info.free_bytes)),
          shared_(std::move(shared)),
          granted_(std::make_shared<DeviceBudget>(info.spec, std::numeric_limits<Bytes>::max())) {}

    const DeviceInfo& info() const override { return info_; }

    // What its shards were granted of a shared budget and do not use now is its own.
    Bytes free_bytes() const override {
        const Bytes left = budget_->left();
        if (!shared_) return left;
        return std::min(left, checked_add(shared_->left(), granted_->current()) - budget_->current());
    }

    std::unique_ptr<Shard> load_shard(const ShardSpec& spec, RowFeed& feed) override {
        if (spec.precision == Precision::bf16) {
            throw InvalidArgument(info_.spec + ": bfloat16 shards are for cards, expected f32 or f16 on the host");
        }
        if (!cpu_supports(spec.index.metric)) {
            throw InvalidArgument(info_.spec + ": the Faiss this was built with does not know the metric " +
                                  to_string(spec.index.metric));
        }
        check_spec(spec, DeviceKind::cpu, info_.spec);
        if (spec.memory.peak() > free_bytes()) {
            const Bytes available = free_bytes();
            throw InsufficientMemory(info_.spec + ": the shard needs " + format_bytes(spec.memory.peak()) + ", " +
                                         format_bytes(available) + " are free",
                                     spec.memory.peak() - available,
                                     {{info_.spec, spec.memory.peak(), available, spec.memory.peak() - available}}, {},
                                     {{"device", info_.spec}});
        }
        auto claim = std::make_unique<SharedClaim>(shared_, granted_, spec.memory.peak());
        auto shard = std::make_unique<CpuShard>(spec, budget_, threads_, std::move(claim));
        shard->fill(feed);
        return shard;
    }

private:
    const DeviceInfo info_;
    const int threads_;
    const std::shared_ptr<DeviceBudget> budget_;
    const std::shared_ptr<DeviceBudget> shared_;   ///< with other loads; may be null
    const std::shared_ptr<DeviceBudget> granted_;  ///< of it, to the shards of this device
};

}  // namespace

std::unique_ptr<Device> make_cpu_device(const DeviceInfo& info, int threads, std::shared_ptr<DeviceBudget> shared) {
    if (info.kind != DeviceKind::cpu || info.planning_only) {
        throw InvalidArgument("device " + info.spec + " is not the host, expected a specification such as cpu=2GiB");
    }
    return std::make_unique<CpuDevice>(info, std::max(1, threads), std::move(shared));
}

std::unique_ptr<Device> make_cpu_device(const DeviceInfo& info) { return make_cpu_device(info, omp_get_max_threads()); }

}  // namespace gpushard
