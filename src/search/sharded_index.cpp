#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <utility>

#include <gpushard/error.hpp>
#include <gpushard/sharded_index.hpp>

#include "search/sharded_index_impl.hpp"

namespace gpushard {
namespace {

// Guards what every ShardedIndex refers to and how many calls use that. Held for a few instructions each time. One for
// all, so that a fork can be kept off while any thread holds it: the child would find it locked for ever.
std::mutex holds_mutex;

[[maybe_unused]] const bool forks_wait =
    pthread_atfork([] { holds_mutex.lock(); }, [] { holds_mutex.unlock(); }, [] { holds_mutex.unlock(); }) == 0;

SearchResult search_for_result(const ShardedIndexImpl& impl, std::int64_t nq, const float* queries, std::int64_t k) {
    impl.check_queries(nq, queries, k);
    const std::size_t answers = ShardedIndexImpl::count_answers(nq, k);
    SearchResult result;
    result.nq = nq;
    result.k = k;
    try {
        result.ids.resize(answers);
        result.distances.resize(answers);
    } catch (const std::exception&) {  // bad_alloc or length_error
        const Bytes needed = answers * (sizeof(float) + sizeof(std::int64_t));
        throw InsufficientMemory("no host memory for " + std::to_string(nq) + " x " + std::to_string(k) +
                                     " answers: " + format_bytes(needed),
                                 needed);
    }
    impl.search(nq, queries, k, result.distances.data(), result.ids.data());
    return result;
}

/// No memory is spent on answers that there are no rows for.
std::vector<Neighbor> search_one(const ShardedIndexImpl& impl, const float* query, std::int64_t k) {
    ShardedIndexImpl::count_answers(1, k);
    const std::int64_t count = impl.plan().index.count;
    return search_for_result(impl, 1, query, std::min(k, std::max<std::int64_t>(count, 1))).row(0);
}

}  // namespace

std::vector<Neighbor> SearchResult::row(std::int64_t i) const {
    if (i < 0 || i >= nq) {
        throw std::out_of_range("row " + std::to_string(i) + " of a result of " + std::to_string(nq) + " queries");
    }
    std::vector<Neighbor> neighbors;
    for (auto at = static_cast<std::size_t>(i * k); at < static_cast<std::size_t>((i + 1) * k) && ids.at(at) >= 0;
         ++at) {
        neighbors.push_back({ids[at], distances.at(at)});
    }
    return neighbors;
}

/// What a ShardedIndex refers to. Guarded by holds_mutex; `impl` does not change while calls are under way.
struct ShardedIndex::Hold {
    std::shared_ptr<const ShardedIndexImpl> impl;
    std::size_t calls = 0;  ///< under way
    bool is_left = false;   ///< to the last call, which frees it
    std::condition_variable idle;
    std::shared_ptr<Hold> kept;  ///< itself, for good, in a forked process
};

/// A call under way: whatever happens to the ShardedIndex meanwhile, its shards stay.
class ShardedIndex::Call {
public:
    explicit Call(const ShardedIndex& index) {
        const std::lock_guard lock(holds_mutex);
        if (!index.hold_) {
            throw InvalidArgument(
                "the index was moved from, expected one that was loaded: use the one it was moved to");
        }
        hold_ = index.hold_;
        ++hold_->calls;
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() {
        std::shared_ptr<const ShardedIndexImpl> last;  // freed when the lock is
        const std::lock_guard lock(holds_mutex);
        if (--hold_->calls > 0) return;
        if (hold_->is_left) last = std::move(hold_->impl);
        hold_->idle.notify_all();
    }

    const std::shared_ptr<const ShardedIndexImpl>& impl() const { return hold_->impl; }
    const ShardedIndexImpl* operator->() const { return hold_->impl.get(); }
    const ShardedIndexImpl& operator*() const { return *hold_->impl; }

private:
    std::shared_ptr<Hold> hold_;
};

/// Frees what a ShardedIndex held, which no call can begin on any more, when those under way have ended.
void ShardedIndex::let_go(const std::shared_ptr<Hold>& hold) noexcept {
    if (!hold) return;
    std::shared_ptr<const ShardedIndexImpl> last;  // freed when the lock is
    std::unique_lock lock(holds_mutex);
    if (hold->impl->is_forked()) {
        // Calls that never end here are in the midst of it, some asleep on what would be taken apart.
        hold->kept = hold;
        return;
    }
    const auto is_idle = [&] { return hold->calls == 0; };
    if (hold->impl->is_on_own_worker() && !is_idle()) {  // a call that waits for this thread
        hold->is_left = true;
        return;
    }
    hold->idle.wait(lock, is_idle);
    last = std::move(hold->impl);
}

ShardedIndex::ShardedIndex(std::shared_ptr<const ShardedIndexImpl> impl) : hold_(std::make_shared<Hold>()) {
    if (!impl) throw InvalidArgument("a ShardedIndex is made of a null pointer, expected what impl() of another gave");
    hold_->impl = std::move(impl);
}

ShardedIndex::ShardedIndex(ShardedIndex&& other) noexcept {
    const std::lock_guard lock(holds_mutex);
    hold_ = std::move(other.hold_);
}

ShardedIndex& ShardedIndex::operator=(ShardedIndex&& other) noexcept {
    if (this == &other) return *this;
    std::shared_ptr<Hold> former;
    {
        const std::lock_guard lock(holds_mutex);
        former = std::exchange(hold_, std::move(other.hold_));
    }
    let_go(former);
    return *this;
}

ShardedIndex::~ShardedIndex() {
    std::shared_ptr<Hold> former;
    {
        const std::lock_guard lock(holds_mutex);
        former = std::move(hold_);
    }
    let_go(former);
}

void swap(ShardedIndex& one, ShardedIndex& other) noexcept {
    const std::lock_guard lock(holds_mutex);
    one.hold_.swap(other.hold_);
}

std::int64_t ShardedIndex::dim() const { return Call(*this)->plan().index.dim; }
std::int64_t ShardedIndex::count() const { return Call(*this)->plan().index.count; }
Metric ShardedIndex::metric() const { return Call(*this)->plan().index.metric; }
const PlacementPlan& ShardedIndex::plan() const { return Call(*this)->plan(); }
const LoadReport& ShardedIndex::load_report() const { return Call(*this)->report(); }
std::vector<Bytes> ShardedIndex::peak_bytes() const { return Call(*this)->peak_bytes(); }
Bytes ShardedIndex::host_search_peak_bytes() const { return Call(*this)->host_search_peak_bytes(); }
std::shared_ptr<const ShardedIndexImpl> ShardedIndex::impl() const { return Call(*this).impl(); }

std::vector<Neighbor> ShardedIndex::search(const float* query, std::int64_t k) const {
    return search_one(*Call(*this), query, k);
}

std::vector<Neighbor> ShardedIndex::search(const std::vector<float>& query, std::int64_t k) const {
    const Call call(*this);
    const std::int64_t dim = call->plan().index.dim;
    if (static_cast<std::int64_t>(query.size()) != dim) {
        throw InvalidArgument("the query has " + std::to_string(query.size()) + " values, expected " +
                              std::to_string(dim) + ", the dimension of the index");
    }
    return search_one(*call, query.data(), k);
}

SearchResult ShardedIndex::search(std::int64_t nq, const float* queries, std::int64_t k) const {
    return search_for_result(*Call(*this), nq, queries, k);
}

void ShardedIndex::search(std::int64_t nq, const float* queries, std::int64_t k, float* distances,
                          std::int64_t* labels) const {
    Call(*this)->search(nq, queries, k, distances, labels);
}

}  // namespace gpushard
