#include "search/sharded_index_impl.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <string>
#include <utility>

#include <gpushard/error.hpp>

#include "core/top_k_merge.hpp"

namespace gpushard {

/// The answers of every shard of a group to one batch, before they are merged. Kept between searches: fresh memory
/// for them would cost more than the merge.
struct ShardedIndexImpl::ListBuffers {
    std::vector<float> distances;
    std::vector<std::int64_t> ids;
};

namespace {

// Host memory for the unmerged answers of one batch.
constexpr std::int64_t list_bytes_limit = 32 << 20;
constexpr std::int64_t answer_bytes = sizeof(float) + sizeof(std::int64_t);
// Buffers kept for later searches; more threads than this at once allocate their own.
constexpr std::size_t most_idle_buffers = 8;

}  // namespace

/// Some queries on their way through the shards of a group.
class ShardedIndexImpl::Batch {
public:
    Batch(const ShardedIndexImpl& index, const Group& group, std::int64_t nq, const float* queries, std::int64_t k,
          float* distances, std::int64_t* ids)
        : index_(index),
          nq_(nq),
          k_(k),
          list_k_(std::min(k, index.plan_.index.count)),
          distances_(distances),
          ids_(ids),
          shards_(group.size()),
          tasks_(group.size()) {
        const bool merges = shards_ > 1;
        if (merges) {
            buffers_ = index_.take_buffers();
            const auto list = static_cast<std::size_t>(nq_ * list_k_);
            if (buffers_->ids.size() < list * shards_) {
                buffers_->distances.resize(list * shards_);
                buffers_->ids.resize(list * shards_);
            }
            for (std::size_t s = 0; s < shards_; ++s) {
                lists_.push_back({buffers_->distances.data() + s * list, buffers_->ids.data() + s * list, list_k_});
            }
        }
        const auto list = static_cast<std::size_t>(nq_ * list_k_);
        for (std::size_t s = 0; s < shards_; ++s) {
            submit(*group[s], merges ? SearchTask{nq, queries, list_k_, buffers_->distances.data() + s * list,
                                                  buffers_->ids.data() + s * list, &tasks_}
                                     : SearchTask{nq, queries, k, distances, ids, &tasks_});
        }
    }

    // A batch that is not collected, because another one failed, still has to be waited for.
    ~Batch() {
        if (!waited_) wait_quietly();
        if (buffers_) index_.give_back(std::move(buffers_));
    }
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;

    void collect() {
        waited_ = true;
        tasks_.wait();
        if (shards_ > 1) {
            merge_top_k(lists_, nq_, k_, is_similarity(index_.plan_.index.metric), distances_, ids_);
        }
    }

private:
    // Tasks already handed out still point here, so a failure to hand one out is a failure of that task.
    void submit(DeviceWorker& worker, const SearchTask& task) {
        try {
            worker.submit(task);
        } catch (...) {
            tasks_.finish(std::current_exception());
        }
    }

    void wait_quietly() noexcept {
        try {
            tasks_.wait();
        } catch (...) {  // the search already throws the failure of an earlier batch
        }
    }

    const ShardedIndexImpl& index_;
    const std::int64_t nq_;
    const std::int64_t k_;
    const std::int64_t list_k_;
    float* const distances_;
    std::int64_t* const ids_;
    const std::size_t shards_;
    TaskGroup tasks_;
    std::unique_ptr<ListBuffers> buffers_;
    std::vector<TopKList> lists_;
    bool waited_ = false;
};

ShardedIndexImpl::ShardedIndexImpl(PlacementPlan plan, LoadReport report, std::shared_ptr<const ByteSource> source,
                                   std::vector<std::shared_ptr<Device>> devices,
                                   std::vector<std::unique_ptr<Shard>> shards)
    : plan_(std::move(plan)), report_(std::move(report)), source_(std::move(source)) {
    workers_.resize(shards.size());
    for (std::size_t i = 0; i < shards.size(); ++i) {
        if (!shards[i]) continue;
        workers_[i] = std::make_unique<DeviceWorker>(std::move(devices[i]), std::move(shards[i]));
        const auto group = static_cast<std::size_t>(plan_.devices[i].group);
        if (groups_.size() <= group) groups_.resize(group + 1);
        groups_[group].push_back(workers_[i].get());
    }
}

ShardedIndexImpl::~ShardedIndexImpl() = default;

void ShardedIndexImpl::search(std::int64_t nq, const float* queries, std::int64_t k, float* distances,
                              std::int64_t* ids) const {
    if (count_answers(nq, k) == 0) return;
    refuse_non_finite(nq, queries);
    if (groups_.empty()) {
        std::fill_n(distances, nq * k, worst_distance(is_similarity(plan_.index.metric)));
        std::fill_n(ids, nq * k, std::int64_t{-1});
        return;
    }
    // The shards work on the next batch while this one is merged.
    const Group& group = next_group();
    const std::int64_t size = batch_size(nq, k, group.size());
    std::unique_ptr<Batch> running;
    for (std::int64_t first = 0; first < nq; first += size) {
        auto next = std::make_unique<Batch>(*this, group, std::min(size, nq - first), queries + first * plan_.index.dim,
                                            k, distances + first * k, ids + first * k);
        if (running) running->collect();
        running = std::move(next);
    }
    running->collect();
}

std::size_t ShardedIndexImpl::count_answers(std::int64_t nq, std::int64_t k) {
    if (k < 1) throw InvalidArgument("k is " + std::to_string(k) + ", expected at least 1");
    if (nq < 0) throw InvalidArgument("the number of queries is " + std::to_string(nq) + ", expected 0 or more");
    constexpr std::int64_t most_answers = std::numeric_limits<std::int64_t>::max() / (2 * answer_bytes);
    if (nq > 0 && k > most_answers / nq) {
        throw InvalidArgument(std::to_string(nq) + " queries with k = " + std::to_string(k) +
                              " ask for more answers than memory can address");
    }
    return static_cast<std::size_t>(nq * k);
}

void ShardedIndexImpl::refuse_non_finite(std::int64_t nq, const float* queries) const {
    constexpr std::uint32_t exponent = 0x7f800000U;
    for (std::int64_t query = 0; query < nq; ++query) {
        std::uint32_t non_finite = 0;
        for (std::int64_t i = query * plan_.index.dim; i < (query + 1) * plan_.index.dim; ++i) {
            non_finite |= (std::bit_cast<std::uint32_t>(queries[i]) & exponent) == exponent;
        }
        if (non_finite != 0) {
            throw InvalidArgument(
                "query " + std::to_string(query) + " holds a NaN or an infinity, expected finite values", {},
                {{"query", query}});
        }
    }
}

const ShardedIndexImpl::Group& ShardedIndexImpl::next_group() const {
    const std::lock_guard lock(mutex_);
    return groups_[searches_++ % groups_.size()];
}

std::int64_t ShardedIndexImpl::batch_size(std::int64_t nq, std::int64_t k, std::size_t shards) const {
    if (shards == 1) return nq;
    const std::int64_t per_query = static_cast<std::int64_t>(shards) * std::min(k, plan_.index.count) * answer_bytes;
    return std::clamp<std::int64_t>(list_bytes_limit / per_query, 1, nq);
}

std::unique_ptr<ShardedIndexImpl::ListBuffers> ShardedIndexImpl::take_buffers() const {
    const std::lock_guard lock(mutex_);
    if (idle_buffers_.empty()) return std::make_unique<ListBuffers>();
    auto buffers = std::move(idle_buffers_.back());
    idle_buffers_.pop_back();
    return buffers;
}

void ShardedIndexImpl::give_back(std::unique_ptr<ListBuffers> buffers) const {
    const std::lock_guard lock(mutex_);
    if (idle_buffers_.size() < most_idle_buffers) idle_buffers_.push_back(std::move(buffers));
}

std::vector<Bytes> ShardedIndexImpl::peak_bytes() const {
    std::vector<Bytes> peaks;
    for (const auto& worker : workers_) peaks.push_back(worker ? worker->memory().peak : 0);
    return peaks;
}

}  // namespace gpushard
