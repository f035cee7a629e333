#include "core/top_k_merge.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <limits>
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

// A tournament among the heads of up to `Width` lists of one query. Its matches are kept, so the next answer costs one
// match a level instead of a look at every list. A binary heap in an array: the winner at 1, the heads from Width on.
template <unsigned Width>
class Tournament {
public:
    void start(std::span<const TopKList> lists, std::int64_t query, bool similarity) {
        similarity_ = similarity;
        answers_ = 0;
        for (unsigned s = 0; s < Width; ++s) {
            matches_[Width + s] = exhausted;
            if (s >= lists.size()) continue;
            at_[s] = query * lists[s].k;
            end_[s] = end_of_answers(lists[s], query);
            answers_ += end_[s] - at_[s];
            matches_[Width + s] = head(lists[s], s);
        }
        for (unsigned match = Width - 1; match > 0; --match) {
            matches_[match] = std::min(matches_[2 * match], matches_[2 * match + 1]);
        }
    }

    // Answers left in all lists.
    std::int64_t answers() const { return answers_; }

    // Takes the best answer; there must be one.
    void next(std::span<const TopKList> lists, float& distance, std::int64_t& id) {
        const auto s = static_cast<unsigned>(matches_[1] & (Width - 1));
        const TopKList& list = lists[s];
        distance = list.distances[at_[s]];
        id = list.ids[at_[s]];
        ++at_[s];
        Head winner = head(list, s);
        unsigned match = Width + s;
        matches_[match] = winner;
#pragma GCC unroll 4
        for (unsigned level = Width; level > 1; level /= 2) {
            winner = std::min(winner, matches_[match ^ 1U]);
            match /= 2;
            matches_[match] = winner;
        }
    }

    // Whether an answer with this distance was left behind.
    bool has_left(float distance) const {
        const std::uint32_t key = key_of(make_head(distance, similarity_, 0));
        return std::any_of(matches_ + Width, matches_ + 2 * Width,
                           [&](Head head) { return head != exhausted && key_of(head) == key; });
    }

private:
    static std::int64_t end_of_answers(const TopKList& list, std::int64_t query) {
        const std::int64_t* const begin = list.ids + query * list.k;
        const std::int64_t* const end = begin + list.k;
        if (list.k > 0 && end[-1] >= 0) return end - list.ids;
        return std::partition_point(begin, end, [](std::int64_t id) { return id >= 0; }) - list.ids;
    }

    Head head(const TopKList& list, unsigned s) const {
        return at_[s] < end_[s] ? make_head(list.distances[at_[s]], similarity_, s) : exhausted;
    }

    Head matches_[2 * Width];
    std::int64_t at_[Width];
    std::int64_t end_[Width];
    std::int64_t answers_ = 0;
    bool similarity_ = false;
};

// Whether equal distances stand in another order than that of their ids.
bool has_unsorted_ties(const float* distances, const std::int64_t* ids, std::int64_t count) {
    bool unsorted = false;
    for (std::int64_t j = 1; j < count; ++j) unsorted |= (distances[j] == distances[j - 1]) & (ids[j] < ids[j - 1]);
    return unsorted;
}

// Each answer of a query depends on the one before through memory; merging several queries side by side keeps the
// processor busy meanwhile: 1.7 times the speed of one after the other.
constexpr std::int64_t queries_at_once = 4;

template <unsigned Width, std::int64_t Queries>
void merge_together(std::span<const TopKList> lists, std::int64_t first, std::int64_t k, bool similarity,
                    float* distances, std::int64_t* ids) {
    Tournament<Width> tournaments[Queries];
    std::int64_t together = k;
    for (std::int64_t i = 0; i < Queries; ++i) {
        tournaments[i].start(lists, first + i, similarity);
        together = std::min(together, tournaments[i].answers());
    }
    for (std::int64_t j = 0; j < together; ++j) {
#pragma GCC unroll 4
        for (std::int64_t i = 0; i < Queries; ++i) tournaments[i].next(lists, distances[i * k + j], ids[i * k + j]);
    }
    for (std::int64_t i = 0; i < Queries; ++i) {
        float* const row_distances = distances + i * k;
        std::int64_t* const row_ids = ids + i * k;
        const std::int64_t found = std::min(k, tournaments[i].answers());
        for (std::int64_t j = together; j < found; ++j) tournaments[i].next(lists, row_distances[j], row_ids[j]);
        const bool ties_matter = found > 0 && (has_unsorted_ties(row_distances, row_ids, found) ||
                                               tournaments[i].has_left(row_distances[found - 1]));
        if (ties_matter) {
            merge_exactly(lists, first + i, k, similarity, row_distances, row_ids);
        } else {
            pad(row_distances, row_ids, found, k, similarity);
        }
    }
}

template <unsigned Width>
void merge_width(std::span<const TopKList> lists, std::int64_t nq, std::int64_t k, bool similarity, float* distances,
                 std::int64_t* ids) {
    std::int64_t query = 0;
    for (; query + queries_at_once <= nq; query += queries_at_once) {
        merge_together<Width, queries_at_once>(lists, query, k, similarity, distances + query * k, ids + query * k);
    }
    for (; query < nq; ++query) {
        merge_together<Width, 1>(lists, query, k, similarity, distances + query * k, ids + query * k);
    }
}

constexpr std::size_t widest = 8;

// More lists than fit one pass: every eight become one, until eight are left.
void merge_in_rounds(std::span<const TopKList> lists, std::int64_t nq, std::int64_t k, bool similarity,
                     float* distances, std::int64_t* ids, MergeWorkspace workspace) {
    std::vector<TopKList> fewer;
    const std::int64_t merged_k = std::min(k, workspace.k);
    for (std::size_t first = 0; first < lists.size(); first += widest) {
        const auto group = lists.subspan(first, std::min(widest, lists.size() - first));
        merge_top_k(group, nq, merged_k, similarity, workspace.distances, workspace.ids);
        fewer.push_back({workspace.distances, workspace.ids, merged_k});
        workspace.distances += nq * workspace.k;
        workspace.ids += nq * workspace.k;
    }
    merge_top_k(fewer, nq, k, similarity, distances, ids, workspace);
}

// The same in memory of its own.
void merge_with_allocation(std::span<const TopKList> lists, std::int64_t nq, std::int64_t k, bool similarity,
                           float* distances, std::int64_t* ids) {
    std::int64_t most = 0;
    for (const TopKList& list : lists) most += list.k;
    const std::int64_t merged_k = std::min(k, most);
    const auto room =
        static_cast<std::size_t>(intermediate_lists(static_cast<std::int64_t>(lists.size())) * nq * merged_k);
    std::vector<float> merged_distances(room);
    std::vector<std::int64_t> merged_ids(room);
    merge_in_rounds(lists, nq, k, similarity, distances, ids, {merged_distances.data(), merged_ids.data(), merged_k});
}

}  // namespace

std::int64_t intermediate_lists(std::int64_t lists) {
    constexpr auto width = static_cast<std::int64_t>(widest);
    if (lists <= width) return 0;
    const std::int64_t merged = (lists + width - 1) / width;
    return merged + intermediate_lists(merged);
}

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
                 std::int64_t* ids, const MergeWorkspace& workspace) {
    if (lists.size() <= 2) {
        merge_width<2>(lists, nq, k, similarity, distances, ids);
    } else if (lists.size() <= 4) {
        merge_width<4>(lists, nq, k, similarity, distances, ids);
    } else if (lists.size() <= widest) {
        merge_width<widest>(lists, nq, k, similarity, distances, ids);
    } else if (workspace.ids != nullptr) {
        merge_in_rounds(lists, nq, k, similarity, distances, ids, workspace);
    } else {
        merge_with_allocation(lists, nq, k, similarity, distances, ids);
    }
}

}  // namespace gpushard
