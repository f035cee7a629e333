#include "core/top_k_merge.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace gpushard {
namespace {

// A head is the next answer of one list as a number whose order is the order of answers: the distance in the upper
// half, the list in the lower. Comparing heads is one integer comparison, without a branch.
using Head = std::uint64_t;
constexpr Head exhausted = std::numeric_limits<Head>::max();

// Maps floats to integers of the same order. Adding zero makes -0 equal to 0.
Head make_head(float distance, bool similarity, unsigned list) {
    const auto bits = std::bit_cast<std::uint32_t>(distance + 0.0F);
    const std::uint32_t ascending = bits ^ ((bits >> 31) != 0 ? 0xffffffffU : 0x80000000U);
    const std::uint32_t key = similarity ? ~ascending : ascending;
    return (Head{key} << 32) | list;
}

std::uint32_t key_of(Head head) { return static_cast<std::uint32_t>(head >> 32); }

struct Answer {
    Head head;
    float distance;
    std::int64_t id;
};

void pad(float* distances, std::int64_t* ids, std::int64_t from, std::int64_t k, bool similarity) {
    std::fill(distances + from, distances + k, worst_distance(similarity));
    std::fill(ids + from, ids + k, std::int64_t{-1});
}

// One query, in the order (distance, id) whatever the lists are: for the rare query where ties across lists matter.
void merge_exactly(std::span<const TopKList> lists, std::int64_t query, std::int64_t k, bool similarity,
                   float* distances, std::int64_t* ids) {
    std::vector<Answer> answers;
    for (const TopKList& list : lists) {
        for (std::int64_t j = query * list.k; j < (query + 1) * list.k && list.ids[j] >= 0; ++j) {
            answers.push_back({make_head(list.distances[j], similarity, 0), list.distances[j], list.ids[j]});
        }
    }
    const auto kept = std::min<std::int64_t>(k, static_cast<std::int64_t>(answers.size()));
    std::partial_sort(answers.begin(), answers.begin() + kept, answers.end(), [](const Answer& a, const Answer& b) {
        return a.head != b.head ? a.head < b.head : a.id < b.id;
    });
    for (std::int64_t j = 0; j < kept; ++j) {
        distances[j] = answers[static_cast<std::size_t>(j)].distance;
        ids[j] = answers[static_cast<std::size_t>(j)].id;
    }
    pad(distances, ids, kept, k, similarity);
}

// The merge of up to `Width` lists for one query, one answer at a time.
template <unsigned Width>
class QueryMerge {
public:
    void start(std::span<const TopKList> lists, std::int64_t query, bool similarity) {
        similarity_ = similarity;
        tied_ = false;
        last_key_ = 0;
        last_id_ = -1;
        for (unsigned s = 0; s < Width; ++s) {
            if (s < lists.size()) {
                distances_[s] = lists[s].distances + query * lists[s].k;
                ids_[s] = lists[s].ids + query * lists[s].k;
                end_[s] = distances_[s] + lists[s].k;
            } else {
                distances_[s] = end_[s] = nullptr;
                ids_[s] = nullptr;
            }
            heads_[s] = head(s);
        }
    }

    // False when every list is exhausted.
    bool next(float& distance, std::int64_t& id) {
        const Head best = smallest(std::make_index_sequence<Width>{});
        if (best == exhausted) return false;
        const auto s = static_cast<unsigned>(best & (Width - 1));
        distance = *distances_[s]++;
        id = *ids_[s]++;
        heads_[s] = head(s);
        const std::uint32_t key = key_of(best);
        tied_ |= (key == last_key_) & (id < last_id_);
        last_key_ = key;
        last_id_ = id;
        return true;
    }

    // True when equal distances from several lists may not be in the order of their ids, or when an equal one with a
    // lower id may have been left behind the last place.
    bool ties_matter() const {
        bool left_behind = false;
        for (unsigned s = 0; s < Width; ++s) left_behind |= heads_[s] != exhausted && key_of(heads_[s]) == last_key_;
        return tied_ || left_behind;
    }

private:
    Head head(unsigned s) const {
        if (distances_[s] == end_[s] || *ids_[s] < 0) return exhausted;
        return make_head(*distances_[s], similarity_, s);
    }

    template <std::size_t... S>
    Head smallest(std::index_sequence<S...>) const {
        Head level[Width] = {heads_[S]...};
        for (unsigned width = Width / 2; width > 0; width /= 2) {
            for (unsigned s = 0; s < width; ++s) level[s] = std::min(level[s], level[s + width]);
        }
        return level[0];
    }

    Head heads_[Width];
    const float* distances_[Width];
    const std::int64_t* ids_[Width];
    const float* end_[Width];
    std::uint32_t last_key_ = 0;
    std::int64_t last_id_ = -1;
    bool similarity_ = false;
    bool tied_ = false;
};

// Each answer of a query depends on the one before through memory; merging several queries side by side keeps the
// processor busy meanwhile (4 at a time: 3.5 times the speed of one after the other).
constexpr unsigned queries_at_once = 4;

template <unsigned Width>
void merge_width(std::span<const TopKList> lists, std::int64_t nq, std::int64_t k, bool similarity, float* distances,
                 std::int64_t* ids) {
    QueryMerge<Width> merges[queries_at_once];
    for (std::int64_t first = 0; first < nq; first += queries_at_once) {
        const auto together = static_cast<unsigned>(std::min<std::int64_t>(queries_at_once, nq - first));
        std::int64_t found[queries_at_once];
        for (unsigned i = 0; i < together; ++i) {
            merges[i].start(lists, first + i, similarity);
            found[i] = k;
        }
        float* row_distances = distances + first * k;
        std::int64_t* row_ids = ids + first * k;
        const auto place = [&](unsigned i, std::int64_t j) {
            if (!merges[i].next(row_distances[i * k + j], row_ids[i * k + j])) found[i] = std::min(found[i], j);
        };
        if (together == queries_at_once) {
            for (std::int64_t j = 0; j < k; ++j) {
                for (unsigned i = 0; i < queries_at_once; ++i) place(i, j);
            }
        } else {
            for (std::int64_t j = 0; j < k; ++j) {
                for (unsigned i = 0; i < together; ++i) place(i, j);
            }
        }
        for (unsigned i = 0; i < together; ++i) {
            float* query_distances = row_distances + i * k;
            std::int64_t* query_ids = row_ids + i * k;
            if (merges[i].ties_matter()) {
                merge_exactly(lists, first + i, k, similarity, query_distances, query_ids);
            } else {
                pad(query_distances, query_ids, found[i], k, similarity);
            }
        }
    }
}

constexpr std::size_t widest = 8;

// More lists than fit one pass: every eight become one, until eight are left.
void merge_in_rounds(std::span<const TopKList> lists, std::int64_t nq, std::int64_t k, bool similarity,
                     float* distances, std::int64_t* ids) {
    struct Intermediate {
        std::vector<float> distances;
        std::vector<std::int64_t> ids;
    };
    std::vector<Intermediate> merged((lists.size() + widest - 1) / widest);
    std::vector<TopKList> fewer;
    for (std::size_t i = 0; i < merged.size(); ++i) {
        const auto group = lists.subspan(i * widest, std::min(widest, lists.size() - i * widest));
        merged[i].distances.resize(static_cast<std::size_t>(nq * k));
        merged[i].ids.resize(static_cast<std::size_t>(nq * k));
        merge_top_k(group, nq, k, similarity, merged[i].distances.data(), merged[i].ids.data());
        fewer.push_back({merged[i].distances.data(), merged[i].ids.data(), k});
    }
    merge_top_k(fewer, nq, k, similarity, distances, ids);
}

}  // namespace

float worst_distance(bool similarity) {
    return similarity ? std::numeric_limits<float>::lowest() : std::numeric_limits<float>::max();
}

void sort_ties_by_id(float* distances, std::int64_t* ids, std::int64_t k) {
    for (std::int64_t begin = 0; begin < k && ids[begin] >= 0;) {
        std::int64_t end = begin + 1;
        while (end < k && ids[end] >= 0 && distances[end] == distances[begin]) ++end;
        if (end - begin > 1) std::sort(ids + begin, ids + end);
        begin = end;
    }
}

void merge_top_k(std::span<const TopKList> lists, std::int64_t nq, std::int64_t k, bool similarity, float* distances,
                 std::int64_t* ids) {
    if (lists.size() <= 2) {
        merge_width<2>(lists, nq, k, similarity, distances, ids);
    } else if (lists.size() <= 4) {
        merge_width<4>(lists, nq, k, similarity, distances, ids);
    } else if (lists.size() <= widest) {
        merge_width<widest>(lists, nq, k, similarity, distances, ids);
    } else {
        merge_in_rounds(lists, nq, k, similarity, distances, ids);
    }
}

}  // namespace gpushard
