#include "cuda/cuda_shard.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include <faiss/gpu/GpuDistance.h>

#include <gpushard/error.hpp>
#include <gpushard/memory_model.hpp>

#include "core/top_k_merge.hpp"
#include "cuda/cuda_check.hpp"
#include "cuda/faiss_error.hpp"
#include "cuda/faiss_gpu_compat.hpp"
#include "log/faiss_call.hpp"
#include "log/log.hpp"
#include "shard/centred_queries.hpp"
#include "shard/row_kernels.hpp"
#include "shard/shard_answers.hpp"

namespace gpushard {
namespace {

using faiss::gpu::AllocType;
using faiss::gpu::MemorySpace;

}  // namespace

/// Two page-locked buffers that take turns: one is filled while the card copies the other.
class CudaShard::Upload {
public:
    Upload(CudaShard& shard, Bytes staging_bytes)
        : shard_(shard),
          row_bytes_(shard.intake_.held_row_bytes()),
          rows_at_a_time_(
              std::max<std::int64_t>(1, static_cast<std::int64_t>(staging_bytes / 2 / (row_bytes_ + sizeof(float))))),
          norms_at_(static_cast<Bytes>(rows_at_a_time_) * row_bytes_),
          slots_{Slot(norms_at_ + norm_bytes(rows_at_a_time_), shard.card_.device()),
                 Slot(norms_at_ + norm_bytes(rows_at_a_time_), shard.card_.device())} {}

    void take(const RowBlock& block) {
        for (std::int64_t done = 0; done < block.row_count; done += rows_at_a_time_) {
            const std::int64_t count = std::min(rows_at_a_time_, block.row_count - done);
            send(block.first_row + done, count, block.rows + done * shard_.spec_.index.dim);
        }
    }

    void finish() {
        for (Slot& slot : slots_) slot.sent.wait();
    }

private:
    struct Slot {
        Slot(Bytes bytes, const std::string& device) : buffer(bytes, device), sent(device) {}
        PinnedBuffer buffer;
        StreamMark sent;
    };

    Bytes norm_bytes(std::int64_t rows) const {
        return shard_.has_norms() ? static_cast<Bytes>(rows) * sizeof(float) : 0;
    }

    void send(std::int64_t first_row, std::int64_t count, const float* rows) {
        Slot& slot = slots_[next_];
        next_ = 1 - next_;
        slot.sent.wait();
        // The norms lie behind the rows, where their alignment is that of a float.
        auto* const norms = shard_.has_norms() ? reinterpret_cast<float*>(slot.buffer.data() + norms_at_) : nullptr;
        shard_.intake_.take(first_row, count, rows, slot.buffer.data(), norms);
        const auto at = static_cast<Bytes>(first_row - shard_.spec_.rows.begin);
        copy(shard_.rows_->data() + at * row_bytes_, slot.buffer.data(), static_cast<Bytes>(count) * row_bytes_);
        if (norms != nullptr) {
            copy(shard_.norms_->data() + at * sizeof(float), slot.buffer.data() + norms_at_, norm_bytes(count));
            shard_.norm_bytes_copied_ += norm_bytes(count);
        }
        slot.sent.set(shard_.card_.stream());
    }

    void copy(std::byte* to, const std::byte* from, Bytes bytes) {
        check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, shard_.card_.stream()),
                   shard_.card_.device(), "cudaMemcpyAsync");
    }

    CudaShard& shard_;
    const Bytes row_bytes_;
    const std::int64_t rows_at_a_time_;
    const Bytes norms_at_;
    std::array<Slot, 2> slots_;
    std::size_t next_ = 0;
};

/// Searches the shard tile by tile for a batch of queries. While the card searches a tile, the answers to the one
/// before are merged. Keeps its host memory between searches.
class CudaShard::TileSearch {
public:
    explicit TileSearch(CudaShard& shard)
        : shard_(shard), slots_{Slot(shard.card_.device()), Slot(shard.card_.device())} {}

    /// Makes room on the host for batches of `queries` with `k` answers.
    void reserve(std::int64_t queries, std::int64_t k) {
        for (Slot& slot : slots_) slot.reserve(queries * k, shard_.card_.device());
    }

    /// The best `k` answers of the shard, ids counted within it. Valid until the next call.
    TopKList search(std::int64_t tile_rows, std::int64_t query_count, const float* queries, std::int64_t k) {
        reserve(query_count, k);
        const std::int64_t row_count = shard_.spec_.rows.count();
        const std::int64_t dim = shard_.spec_.index.dim;
        const Bytes row_bytes = shard_.intake_.held_row_bytes();
        const CardBuffer on_card(shard_.card_, AllocType::Other, MemorySpace::Temporary,
                                 static_cast<Bytes>(query_count) * row_bytes);
        const CardBuffer distances(shard_.card_, AllocType::Other, MemorySpace::Temporary,
                                   static_cast<Bytes>(query_count * k) * sizeof(float));
        const CardBuffer ids(shard_.card_, AllocType::Other, MemorySpace::Temporary,
                             static_cast<Bytes>(query_count * k) * sizeof(std::int64_t));
        send_queries(on_card, query_count * dim, queries);
        find_lacking_products(query_count, queries);

        is_first_ = true;
        std::size_t slot = 0;
        for (std::int64_t begin = 0; begin < row_count; begin += tile_rows, slot = 1 - slot) {
            const std::int64_t rows = std::min(tile_rows, row_count - begin);
            Slot& now = slots_[slot];
            now.begin = begin;
            now.k = std::min(k, rows);
            shard_.nearest(on_card.data(), query_count, shard_.rows_->data() + static_cast<Bytes>(begin) * row_bytes,
                           shard_.has_norms() ? shard_.norms_->as<float>() + begin : nullptr, rows, now.k,
                           distances.as<float>(), ids.as<std::int64_t>());
            fetch(now, query_count, distances, ids);
            if (begin > 0) take_answers(slots_[1 - slot], query_count, k);
        }
        take_answers(slots_[1 - slot], query_count, k);
        return {best_distances_.data(), best_ids_.data(), k};
    }

private:
    /// The answers to one tile on their way back.
    struct Slot {
        explicit Slot(const std::string& device) : fetched(device) {}

        void reserve(std::int64_t answers, const std::string& device) {
            if (answers <= room) return;
            buffer.reset();
            buffer = std::make_unique<PinnedBuffer>(
                static_cast<Bytes>(answers) * (sizeof(float) + sizeof(std::int64_t)), device);
            room = answers;
        }
        std::int64_t* ids() const { return reinterpret_cast<std::int64_t*>(buffer->data()); }
        float* distances() const { return reinterpret_cast<float*>(ids() + room); }

        std::unique_ptr<PinnedBuffer> buffer;
        std::int64_t room = 0;
        StreamMark fetched;
        std::int64_t begin = 0;
        std::int64_t k = 0;
    };

    void send_queries(const CardBuffer& to, std::int64_t values, const float* queries) {
        const void* from = queries;
        const std::int64_t dim = shard_.spec_.index.dim;
        const float* const centre = shifts_queries(shard_.spec_.index.metric) ? shard_.centre() : nullptr;
        if (shard_.spec_.precision != Precision::f32) {
            rounded_.resize(static_cast<std::size_t>(values));
            const auto round = shard_.spec_.precision == Precision::f16 ? round_rows_to_f16 : round_rows_to_bf16;
            const RowFindings found = round(queries, values / dim, dim, rounded_.data(), nullptr, centre);
            if (found.non_finite_rows > 0) {
                throw InvalidArgument("a query holds a value beyond the range of the index, which is loaded in " +
                                          std::string(to_string(shard_.spec_.precision)),
                                      {"load it as it is stored: --precision stored"},
                                      {{"query", found.first_non_finite_row}});
            }
            from = rounded_.data();
        } else if (centre != nullptr) {
            shifted_.resize(static_cast<std::size_t>(values));
            subtract_centre(queries, values / dim, dim, centre, shifted_.data());
            from = shifted_.data();
        }
        const Bytes bytes = static_cast<Bytes>(values) * element_bytes(shard_.spec_.precision);
        check_cuda(cudaMemcpyAsync(to.data(), from, bytes, cudaMemcpyHostToDevice, shard_.card_.stream()),
                   shard_.card_.device(), "cudaMemcpyAsync");
    }

    /// What the inner products with rows less a centre lack, one number a query.
    void find_lacking_products(std::int64_t query_count, const float* queries) {
        lacking_products_.clear();
        const float* const centre = shard_.centre();
        if (centre == nullptr || shifts_queries(shard_.spec_.index.metric)) return;
        const std::int64_t dim = shard_.spec_.index.dim;
        for (std::int64_t query = 0; query < query_count; ++query) {
            lacking_products_.push_back(centre_product(queries + query * dim, centre, dim));
        }
    }

    void fetch(Slot& slot, std::int64_t query_count, const CardBuffer& distances, const CardBuffer& ids) {
        const auto answers = static_cast<std::size_t>(query_count * slot.k);
        const cudaStream_t stream = shard_.card_.stream();
        check_cuda(cudaMemcpyAsync(slot.distances(), distances.data(), answers * sizeof(float), cudaMemcpyDeviceToHost,
                                   stream),
                   shard_.card_.device(), "cudaMemcpyAsync");
        check_cuda(
            cudaMemcpyAsync(slot.ids(), ids.data(), answers * sizeof(std::int64_t), cudaMemcpyDeviceToHost, stream),
            shard_.card_.device(), "cudaMemcpyAsync");
        slot.fetched.set(stream);
    }

    void take_answers(Slot& slot, std::int64_t query_count, std::int64_t k) {
        slot.fetched.wait();
        for (std::int64_t query = 0; query < query_count; ++query) {
            if (!lacking_products_.empty()) complete(slot, query);
            order_answers(slot.distances() + query * slot.k, slot.ids() + query * slot.k, slot.k, slot.begin);
        }
        if (slot.k < k) widen_lists(query_count, slot.k, k, shard_.similarity(), slot.distances(), slot.ids());
        const TopKList tile{slot.distances(), slot.ids(), k};
        const auto size = static_cast<std::size_t>(query_count * k);
        if (is_first_) {
            best_distances_.assign(tile.distances, tile.distances + size);
            best_ids_.assign(tile.ids, tile.ids + size);
            is_first_ = false;
            return;
        }
        merged_distances_.resize(size);
        merged_ids_.resize(size);
        merge_top_k(std::array{TopKList{best_distances_.data(), best_ids_.data(), k}, tile}, query_count, k,
                    shard_.similarity(), merged_distances_.data(), merged_ids_.data());
        std::swap(best_distances_, merged_distances_);
        std::swap(best_ids_, merged_ids_);
    }

    /// Adds what inner products lack. Before ties are put in order: there are more of them afterwards.
    void complete(const Slot& slot, std::int64_t query) const {
        const double lacking = lacking_products_[static_cast<std::size_t>(query)];
        float* const products = slot.distances() + query * slot.k;
        std::transform(products, products + slot.k, products,
                       [lacking](float product) { return static_cast<float>(product + lacking); });
    }

    /// One list with ids counted within the shard, ties by id, and nothing behind the last answer that is a number.
    void order_answers(float* distances, std::int64_t* ids, std::int64_t k, std::int64_t begin) const {
        std::int64_t kept = 0;
        for (std::int64_t i = 0; i < k; ++i) {
            if (ids[i] < 0 || std::isnan(distances[i])) continue;
            distances[kept] = distances[i];
            ids[kept] = ids[i] + begin;
            ++kept;
        }
        std::fill(distances + kept, distances + k, worst_distance(shard_.similarity()));
        std::fill(ids + kept, ids + k, std::int64_t{-1});
        sort_ties_by_id(distances, ids, kept);
    }

    CudaShard& shard_;
    std::array<Slot, 2> slots_;
    std::vector<std::uint16_t> rounded_;
    std::vector<float> shifted_;
    std::vector<double> lacking_products_;  ///< of the queries of a batch; empty where nothing lacks
    std::vector<float> best_distances_;
    std::vector<std::int64_t> best_ids_;
    std::vector<float> merged_distances_;
    std::vector<std::int64_t> merged_ids_;
    bool is_first_ = true;
};

CudaShard::CudaShard(ShardSpec spec, std::string device, int ordinal,
                     std::shared_ptr<faiss::gpu::GpuResources> resources, const MemoryLedger* ledger)
    : spec_(std::move(spec)), card_(std::move(device), ordinal, std::move(resources)), ledger_(ledger) {}

CudaShard::~CudaShard() { card_.settle(); }

void CudaShard::allocate() {
    const CurrentCard current(card_.ordinal(), card_.device());
    warm_up();
    const auto rows = static_cast<Bytes>(spec_.rows.count());
    rows_ =
        std::make_unique<CardBuffer>(card_, AllocType::FlatData, MemorySpace::Device, rows * intake_.held_row_bytes());
    if (has_norms()) {
        norms_ = std::make_unique<CardBuffer>(card_, AllocType::FlatData, MemorySpace::Device, rows * sizeof(float));
    }
    upload_ = std::make_unique<Upload>(*this, spec_.staging_bytes);
    tiles_ = std::make_unique<TileSearch>(*this);
    tiles_->reserve(std::min(spec_.tile.queries, spec_.max_batch), std::min(spec_.k, spec_.rows.count()));
}

// Loads the kernels a search needs and has cuBLAS take its workspace while there is memory: later, a card that is full
// would make Faiss abort.
void CudaShard::warm_up() {
    const std::int64_t k = std::min(spec_.k, faiss_compat::most_neighbors);
    const Bytes row_bytes = intake_.held_row_bytes();
    const CardBuffer row(card_, AllocType::Other, MemorySpace::Temporary, row_bytes);
    const CardBuffer norm(card_, AllocType::Other, MemorySpace::Temporary, sizeof(float));
    const CardBuffer distances(card_, AllocType::Other, MemorySpace::Temporary, static_cast<Bytes>(k) * sizeof(float));
    const CardBuffer ids(card_, AllocType::Other, MemorySpace::Temporary, static_cast<Bytes>(k) * sizeof(std::int64_t));
    check_cuda(cudaMemsetAsync(row.data(), 0, row_bytes, card_.stream()), card_.device(), "cudaMemsetAsync");
    check_cuda(cudaMemsetAsync(norm.data(), 0, sizeof(float), card_.stream()), card_.device(), "cudaMemsetAsync");
    nearest(row.data(), 1, row.data(), has_norms() ? norm.as<float>() : nullptr, 1, k, distances.as<float>(),
            ids.as<std::int64_t>());
    check_cuda(cudaStreamSynchronize(card_.stream()), card_.device(), "cudaStreamSynchronize");
}

void CudaShard::fill(RowFeed& feed) {
    const CurrentCard current(card_.ordinal(), card_.device());
    while (const std::optional<RowBlock> block = feed.next()) upload_->take(*block);
    upload_->finish();
    intake_.check_complete(card_.device());
    upload_.reset();
}

void CudaShard::search(std::int64_t query_count, const float* queries, std::int64_t k, float* distances,
                       std::int64_t* ids) {
    const std::int64_t own_k = std::min(k, spec_.rows.count());
    if (own_k == 0 || query_count == 0) return write_no_answers(query_count, k, similarity(), distances, ids);
    if (own_k > faiss_compat::most_neighbors) {
        throw InvalidArgument("k is " + std::to_string(k) + ", expected at most " +
                                  std::to_string(faiss_compat::most_neighbors) + ", what Faiss selects on a card",
                              {}, {{"device", card_.device()}, {"k", k}});
    }
    const CurrentCard current(card_.ordinal(), card_.device());
    SearchTile tile = tile_for(spec_, DeviceKind::cuda, own_k, card_.device());
    tile.queries = std::min(tile.queries, query_count);
    try {
        search_with(tile, query_count, queries, own_k, k, distances, ids);
    } catch (const InsufficientMemory& shortage) {
        // Only resources of the caller's can run short here: the plan's stack holds whatever a tile takes.
        const SearchTile smaller = {.rows = std::max<std::int64_t>(1, tile.rows / 2),
                                    .queries = std::max<std::int64_t>(1, tile.queries / 2)};
        log_warn("{}; searching again in tiles of {} rows x {} queries", shortage.what(), smaller.rows,
                 smaller.queries);
        search_with(smaller, query_count, queries, own_k, k, distances, ids);
    }
}

void CudaShard::search_with(SearchTile tile, std::int64_t query_count, const float* queries, std::int64_t own_k,
                            std::int64_t k, float* distances, std::int64_t* ids) {
    for (std::int64_t first = 0; first < query_count; first += tile.queries) {
        const std::int64_t batch = std::min(tile.queries, query_count - first);
        const TopKList found = tiles_->search(tile.rows, batch, queries + first * spec_.index.dim, own_k);
        write_answers(found, spec_.rows.begin, batch, k, similarity(), distances + first * k, ids + first * k);
    }
}

void CudaShard::nearest(const void* queries, std::int64_t query_count, const std::byte* rows, const float* norms,
                        std::int64_t row_count, std::int64_t k, float* distances, std::int64_t* ids) {
    faiss::gpu::GpuDistanceParams params;
    params.metric = static_cast<faiss::MetricType>(static_cast<std::int32_t>(spec_.index.metric));
    params.metricArg = spec_.index.metric_arg;
    params.k = static_cast<int>(k);
    params.dims = spec_.index.dim;
    params.vectors = rows;
    params.vectorType = faiss_compat::data_type<faiss::gpu::DistanceDataType>(spec_.precision);
    params.numVectors = static_cast<decltype(params.numVectors)>(row_count);
    params.vectorNorms = norms;
    params.queries = queries;
    params.queryType = params.vectorType;
    params.numQueries = static_cast<decltype(params.numQueries)>(query_count);
    params.outDistances = distances;
    params.outIndicesType = faiss::gpu::IndicesDataType::I64;
    params.outIndices = ids;
    faiss_compat::without_cuvs(params);

    faiss::gpu::GpuResourcesProviderFromInstance provider(card_.resources());
    const FaissCall call(card_.device(), "bfKnn");
    try {
        faiss::gpu::bfKnn(&provider, params);
    } catch (const faiss::FaissException& error) {
        throw_faiss_error(error, card_.device(), "bfKnn");
    }
}

MemoryUse CudaShard::memory() const {
    if (ledger_ == nullptr) {
        const Bytes held = rows_ ? spec_.memory.resident : 0;
        return {.resident = held, .current = held, .peak = held};
    }
    return {.resident = spec_.memory.resident, .current = ledger_->total().current, .peak = ledger_->total().peak};
}

LoadCount CudaShard::load_count() const {
    LoadCount count = intake_.count();
    count.copied_bytes += norm_bytes_copied_;
    return count;
}

}  // namespace gpushard
