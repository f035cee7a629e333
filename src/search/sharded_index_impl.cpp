#include "search/sharded_index_impl.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <deque>
#include <exception>
#include <limits>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

#include <gpushard/error.hpp>

#include "core/answer_memory.hpp"
#include "core/top_k_merge.hpp"
#include "device/kernel_files.hpp"

namespace gpushard {

namespace {

// A call is shared among replicas in batches of at least so many queries: fewer cost a shard as much.
constexpr std::int64_t smallest_share = 32;
// From so many answers on, a merge takes longer than waking threads to share it.
constexpr std::int64_t shared_merge_answers = 100'000;

// What this process has in memory that is no file's.
Bytes anonymous_memory() { return kib_after(read_kernel_file("/proc/self/status"), "RssAnon:").value_or(0); }

// One that was made by hand may leave it out.
PlacementPlan with_answer_memory(PlacementPlan plan) {
    if (plan.host_search_bytes == 0) plan.host_search_bytes = planned_answer_bytes(plan);
    return plan;
}

}  // namespace

/// Some queries on their way through the shards of a group.
class ShardedIndexImpl::Batch {
public:
    Batch(const ShardedIndexImpl& index, const Group& group, std::int64_t nq, const float* queries, std::int64_t k,
          float* distances, std::int64_t* ids, std::optional<AnswerLists::Slice> memory)
        : index_(index),
          group_(group),
          nq_(nq),
          k_(k),
          distances_(distances),
          ids_(ids),
          searches_(group.size()),
          memory_(std::move(memory)) {
        const std::int64_t list_k = std::min(k, index.plan_.index.count);
        if (merges()) lay_out_lists(list_k);
        for (std::size_t s = 0; s < group.size(); ++s) {
            float* const shard_distances = merges() ? list_distances_ + list_size(list_k) * s : distances;
            std::int64_t* const shard_ids = merges() ? list_ids_ + list_size(list_k) * s : ids;
            submit(*group[s], searches_, [=, shard_k = merges() ? list_k : k](Shard& shard) {
                shard.search(nq, queries, shard_k, shard_distances, shard_ids);
            });
        }
    }

    // A batch that is not collected, because an earlier one failed, still has to be waited for.
    ~Batch() {
        if (!waited_) wait_quietly();
    }
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;

    /// Merges the answers. The workers help where `workers_are_idle`, because no other batch follows.
    void collect(bool workers_are_idle) {
        waited_ = true;
        searches_.wait();
        if (!merges()) return;
        const std::int64_t answers = nq_ * k_ * static_cast<std::int64_t>(lists_.size());
        const bool worth_sharing = workers_are_idle && answers >= shared_merge_answers;
        const auto parts = worth_sharing ? std::min<std::int64_t>(merge_threads(), nq_) : std::int64_t{1};
        TaskGroup merges_left(static_cast<std::size_t>(parts));
        for (std::int64_t part = 1; part < parts; ++part) {
            submit(*group_[static_cast<std::size_t>(part - 1)], merges_left,
                   [=, this](Shard&) { merge(nq_ * part / parts, nq_ * (part + 1) / parts); });
        }
        std::exception_ptr failure;
        try {
            merge(0, nq_ / parts);
        } catch (...) {
            failure = std::current_exception();
        }
        merges_left.finish(std::move(failure));
        merges_left.wait();
    }

private:
    bool merges() const { return group_.size() > 1; }
    std::size_t list_size(std::int64_t list_k) const { return static_cast<std::size_t>(nq_ * list_k); }

    std::int64_t merge_threads() const {
        const std::size_t processors = std::max(1U, std::thread::hardware_concurrency());
        return static_cast<std::int64_t>(std::min(processors, group_.size() + 1));
    }

    // The ids of all lists, those in between last, and then the distances.
    void lay_out_lists(std::int64_t list_k) {
        const auto shards = static_cast<std::int64_t>(group_.size());
        between_ = intermediate_lists(shards);
        list_ids_ = reinterpret_cast<std::int64_t*>(memory_->data());
        list_distances_ =
            reinterpret_cast<float*>(list_ids_ + list_size(list_k) * static_cast<std::size_t>(shards + between_));
        for (std::size_t s = 0; s < group_.size(); ++s) {
            lists_.push_back({list_distances_ + list_size(list_k) * s, list_ids_ + list_size(list_k) * s, list_k});
        }
    }

    // The part of the memory for lists in between that queries from `begin` on may use.
    MergeWorkspace workspace(std::int64_t begin) const {
        if (between_ == 0) return {};
        const std::int64_t list_k = lists_.front().k;
        const std::size_t at = list_size(list_k) * group_.size() + static_cast<std::size_t>(between_ * begin * list_k);
        return {list_distances_ + at, list_ids_ + at, list_k};
    }

    void merge(std::int64_t begin, std::int64_t end) const {
        std::vector<TopKList> lists = lists_;
        for (TopKList& list : lists) {
            list.distances += begin * list.k;
            list.ids += begin * list.k;
        }
        merge_top_k(lists, end - begin, k_, is_similarity(index_.plan_.index.metric), distances_ + begin * k_,
                    ids_ + begin * k_, workspace(begin));
    }

    // Tasks already handed out still point here, so a failure to hand one out is a failure of that task.
    template <typename Run>
    static void submit(DeviceWorker& worker, TaskGroup& tasks, Run run) {
        try {
            worker.submit(tasks, run);
        } catch (...) {
            tasks.finish(std::current_exception());
        }
    }

    void wait_quietly() noexcept {
        try {
            searches_.wait();
        } catch (...) {  // the search already throws the failure of an earlier batch
        }
    }

    const ShardedIndexImpl& index_;
    const Group& group_;
    const std::int64_t nq_;
    const std::int64_t k_;
    float* const distances_;
    std::int64_t* const ids_;
    TaskGroup searches_;
    const std::optional<AnswerLists::Slice> memory_;  // for lists_, where there is something to merge
    std::int64_t* list_ids_ = nullptr;
    float* list_distances_ = nullptr;
    std::int64_t between_ = 0;
    std::vector<TopKList> lists_;
    bool waited_ = false;
};

namespace {

std::unique_ptr<DeviceWorker> start_worker(std::shared_ptr<Device> device, std::unique_ptr<Shard> shard,
                                           const std::string& spec) {
    try {
        return std::make_unique<DeviceWorker>(std::move(device), std::move(shard));
    } catch (const std::system_error& error) {
        throw Error(ErrorKind::internal, spec + ": its thread cannot be started: " + error.what(), {},
                    {{"device", spec}});
    }
}

[[noreturn]] void refuse_null(const std::string& array, std::int64_t nq) {
    throw InvalidArgument(array + " are a null pointer, expected an array for " + std::to_string(nq) +
                          (nq == 1 ? " query" : " queries"));
}

}  // namespace

ShardedIndexImpl::ShardedIndexImpl(PlacementPlan plan, LoadReport report, std::shared_ptr<const ByteSource> source,
                                   std::vector<std::shared_ptr<Device>> devices,
                                   std::vector<std::unique_ptr<Shard>> shards)
    : process_(getpid()),
      plan_(with_answer_memory(std::move(plan))),
      report_(std::move(report)),
      source_(std::move(source)),
      answers_(plan_.host_search_bytes) {
    workers_.resize(shards.size());
    for (std::size_t i = 0; i < shards.size(); ++i) {
        if (!shards[i]) continue;
        workers_[i] = start_worker(std::move(devices[i]), std::move(shards[i]), plan_.devices[i].device.spec);
        const auto group = static_cast<std::size_t>(plan_.devices[i].group);
        if (groups_.size() <= group) groups_.resize(group + 1);
        groups_[group].push_back(workers_[i].get());
    }
    prepare_shards();
}

// One after the other: each is to find that what it takes is there, or to say what lacks.
void ShardedIndexImpl::prepare_shards() {
    const Bytes before = anonymous_memory();
    for (const auto& worker : workers_) {
        if (!worker) continue;
        TaskGroup preparing(1);
        worker->submit(preparing, [](Shard& shard) { shard.prepare(); });
        preparing.wait();
    }
    const Bytes after = anonymous_memory();
    report_.host_library_bytes = after - std::min(after, before);
}

// In a forked process there are no threads to join, and what they were at will never be done: shards are left as they
// are.
ShardedIndexImpl::~ShardedIndexImpl() {
    if (!is_forked()) return;
    for (auto& worker : workers_) static_cast<void>(worker.release());
}

bool ShardedIndexImpl::is_forked() const { return getpid() != process_; }

bool ShardedIndexImpl::is_on_own_worker() const {
    return std::any_of(workers_.begin(), workers_.end(),
                       [](const auto& worker) { return worker && worker->is_this_thread(); });
}

void ShardedIndexImpl::refuse_forked() const {
    if (!is_forked()) return;
    throw InvalidArgument("the index was loaded by process " + std::to_string(process_) + ", of which this process, " +
                              std::to_string(getpid()) + ", is a fork without the threads that search",
                          {"load an index in the process that is to search it"});
}

void ShardedIndexImpl::check_queries(std::int64_t nq, const float* queries, std::int64_t k) const {
    refuse_forked();
    if (count_answers(nq, k) == 0) return;
    constexpr std::int64_t most_values = std::numeric_limits<std::int64_t>::max() / sizeof(float);
    if (nq > most_values / std::max(1, plan_.index.dim)) {
        throw InvalidArgument(std::to_string(nq) + " queries of " + std::to_string(plan_.index.dim) +
                              " values are more than memory can address");
    }
    if (queries == nullptr) refuse_null("the queries", nq);
    if (is_on_own_worker()) {
        throw InvalidArgument("a shard searches the index it is a part of, which would wait for itself for ever");
    }
}

void ShardedIndexImpl::search(std::int64_t nq, const float* queries, std::int64_t k, float* distances,
                              std::int64_t* ids) const {
    check_queries(nq, queries, k);
    if (nq == 0) return;
    if (distances == nullptr) refuse_null("the distances", nq);
    if (ids == nullptr) refuse_null("the labels", nq);
    refuse_non_finite(nq, queries);
    if (groups_.empty()) {
        std::fill_n(distances, nq * k, worst_distance(is_similarity(plan_.index.metric)));
        std::fill_n(ids, nq * k, std::int64_t{-1});
        return;
    }
    try {
        search_batches(nq, queries, k, distances, ids);
    } catch (const std::bad_alloc&) {
        throw InsufficientMemory("no host memory for the answers of " + std::to_string(nq) +
                                     " queries with k = " + std::to_string(k) + " before they are merged",
                                 0);
    }
}

// One batch more than there are groups is under way, so that every group searches while a batch is merged.
void ShardedIndexImpl::search_batches(std::int64_t nq, const float* queries, std::int64_t k, float* distances,
                                      std::int64_t* ids) const {
    std::deque<std::unique_ptr<Batch>> running;
    const std::int64_t size = batch_size(nq, k);
    for (std::int64_t first = 0; first < nq; first += size) {
        const std::int64_t count = std::min(size, nq - first);
        const Group& group = next_group();
        const Bytes needed = answer_bytes(group, count, k);
        const auto collect_first = [&] {
            running.front()->collect(false);
            running.pop_front();
        };
        if (running.size() > groups_.size()) collect_first();
        std::optional<AnswerLists::Slice> memory;
        if (needed > 0) {
            memory = answers_.try_take(needed);
            for (; !memory && !running.empty(); memory = answers_.try_take(needed)) collect_first();
            if (!memory) memory.emplace(answers_.take(needed));
        }
        running.push_back(std::make_unique<Batch>(*this, group, count, queries + first * plan_.index.dim, k,
                                                  distances + first * k, ids + first * k, std::move(memory)));
    }
    for (; !running.empty(); running.pop_front()) running.front()->collect(running.size() == 1);
}

std::size_t ShardedIndexImpl::count_answers(std::int64_t nq, std::int64_t k) {
    if (k < 1) throw InvalidArgument("k is " + std::to_string(k) + ", expected at least 1");
    if (nq < 0) throw InvalidArgument("the number of queries is " + std::to_string(nq) + ", expected 0 or more");
    constexpr std::int64_t answer_size = sizeof(float) + sizeof(std::int64_t);
    constexpr std::int64_t most_answers = std::numeric_limits<std::int64_t>::max() / (2 * answer_size);
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

std::int64_t ShardedIndexImpl::batch_size(std::int64_t nq, std::int64_t k) const {
    Bytes per_query = 0;
    for (const Group& group : groups_) per_query = std::max(per_query, answer_bytes(group, 1, k));
    if (per_query > answers_.bytes()) refuse_neighbors(k, per_query);
    const Bytes of_a_batch = answers_.bytes() / (groups_.size() + 1);
    const std::int64_t within_limit =
        per_query > 0 ? std::max<std::int64_t>(1, static_cast<std::int64_t>(of_a_batch / per_query)) : nq;
    const auto groups = static_cast<std::int64_t>(groups_.size());
    const std::int64_t share = groups > 1 ? std::max(smallest_share, (nq + groups - 1) / groups) : nq;
    return std::min({nq, within_limit, share});
}

Bytes ShardedIndexImpl::answer_bytes(const Group& group, std::int64_t nq, std::int64_t k) const {
    return checked_multiply(
        answer_bytes_per_query(static_cast<std::int64_t>(group.size()), std::min(k, plan_.index.count)),
        static_cast<Bytes>(nq));
}

void ShardedIndexImpl::refuse_neighbors(std::int64_t k, Bytes needed) const {
    const Bytes granted = answers_.bytes();
    throw InsufficientMemory("host: a search with k = " + std::to_string(k) + " needs " + format_bytes(needed) +
                                 " for the answers of its shards, the plan grants " + format_bytes(granted) +
                                 " (made for k = " + std::to_string(plan_.options.k) + ")",
                             needed - granted, {{"host", needed, granted, needed - granted}}, {},
                             {{"device", std::string("host")}, {"k", k}});
}

Bytes ShardedIndexImpl::host_search_peak_bytes() const {
    refuse_forked();
    return answers_.peak();
}

std::vector<Bytes> ShardedIndexImpl::peak_bytes() const {
    refuse_forked();
    std::vector<Bytes> peaks;
    for (const auto& worker : workers_) peaks.push_back(worker ? worker->memory().peak : 0);
    return peaks;
}

}  // namespace gpushard
