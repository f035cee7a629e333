#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include <gpushard/error.hpp>
#include <gpushard/sharded_index.hpp>

#include "search/sharded_index_impl.hpp"

namespace gpushard {

std::vector<Neighbor> SearchResult::row(std::int64_t i) const {
    if (i < 0 || i >= nq) {
        throw std::out_of_range("row " + std::to_string(i) + " of a result of " + std::to_string(nq) + " queries");
    }
    std::vector<Neighbor> neighbors;
    for (auto at = static_cast<std::size_t>(i * k); at < static_cast<std::size_t>((i + 1) * k) && ids[at] >= 0; ++at) {
        neighbors.push_back({ids[at], distances[at]});
    }
    return neighbors;
}

ShardedIndex::ShardedIndex(std::shared_ptr<const ShardedIndexImpl> impl) : impl_(std::move(impl)) {}
ShardedIndex::ShardedIndex(ShardedIndex&&) noexcept = default;
ShardedIndex& ShardedIndex::operator=(ShardedIndex&&) noexcept = default;
ShardedIndex::~ShardedIndex() = default;

std::int64_t ShardedIndex::dim() const { return impl_->plan().index.dim; }
std::int64_t ShardedIndex::count() const { return impl_->plan().index.count; }
Metric ShardedIndex::metric() const { return impl_->plan().index.metric; }
const PlacementPlan& ShardedIndex::plan() const { return impl_->plan(); }
const LoadReport& ShardedIndex::load_report() const { return impl_->report(); }
std::vector<Bytes> ShardedIndex::peak_bytes() const { return impl_->peak_bytes(); }
Bytes ShardedIndex::host_search_peak_bytes() const { return impl_->host_search_peak_bytes(); }

std::vector<Neighbor> ShardedIndex::search(const float* query, std::int64_t k) const {
    ShardedIndexImpl::count_answers(1, k);
    // Answers that there are no rows for are not worth memory.
    return search(1, query, std::clamp<std::int64_t>(k, 1, std::max<std::int64_t>(count(), 1))).row(0);
}

std::vector<Neighbor> ShardedIndex::search(const std::vector<float>& query, std::int64_t k) const {
    if (static_cast<std::int64_t>(query.size()) != dim()) {
        throw InvalidArgument("the query has " + std::to_string(query.size()) + " values, expected " +
                              std::to_string(dim()) + ", the dimension of the index");
    }
    return search(query.data(), k);
}

SearchResult ShardedIndex::search(std::int64_t nq, const float* queries, std::int64_t k) const {
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
    impl_->search(nq, queries, k, result.distances.data(), result.ids.data());
    return result;
}

void ShardedIndex::search(std::int64_t nq, const float* queries, std::int64_t k, float* distances,
                          std::int64_t* labels) const {
    impl_->search(nq, queries, k, distances, labels);
}

}  // namespace gpushard
