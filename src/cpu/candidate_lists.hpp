#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "core/host_scan_memory.hpp"

namespace gpushard {

/// A row and its distance in one number, whose order is (distance, row): the distance, of which less is better, in the
/// upper half. Zeros of both signs are the same distance.
using Candidate = std::uint64_t;

inline Candidate make_candidate(float distance, std::uint32_t row) {
    const auto bits = std::bit_cast<std::uint32_t>(distance + 0.0F);
    const std::uint32_t ascending = bits ^ ((bits >> 31) != 0 ? 0xffffffffU : 0x80000000U);
    return (Candidate{ascending} << 32) | row;
}

inline float distance_of(Candidate candidate) {
    const auto ascending = static_cast<std::uint32_t>(candidate >> 32);
    return std::bit_cast<float>(ascending ^ ((ascending >> 31) != 0 ? 0x80000000U : 0xffffffffU));
}

inline std::int64_t row_of(Candidate candidate) { return static_cast<std::int64_t>(candidate & 0xffffffffU); }

/// What one thread has found: for each query of a batch the best k of the rows it was offered, and some more. The rows
/// offered for a query ascend, so of equal distances the first to come is the one to keep. Memory is the caller's.
class CandidateLists {
public:
    /// Bytes for `queries` lists of the best k.
    static Bytes bytes(std::int64_t queries, std::int64_t k) {
        return static_cast<Bytes>(queries) *
               (static_cast<Bytes>(candidate_room(k)) * candidate_bytes + candidate_list_bytes);
    }

    CandidateLists() = default;
    /// `memory` is aligned to 8 bytes.
    CandidateLists(std::byte* memory, std::int64_t queries, std::int64_t k)
        : k_(static_cast<std::size_t>(k)),
          room_(static_cast<std::size_t>(candidate_room(k))),
          candidates_(reinterpret_cast<Candidate*>(memory)),
          worst_(reinterpret_cast<float*>(candidates_ + room_ * static_cast<std::size_t>(queries))),
          counts_(reinterpret_cast<std::uint32_t*>(worst_ + queries)) {
        std::fill_n(worst_, queries, std::numeric_limits<float>::infinity());
        std::fill_n(counts_, queries, std::uint32_t{0});
    }

    /// A distance that is no number is that of no answer; an infinite one is farther than all others.
    void offer(std::int64_t query, float distance, std::uint32_t row) {
        if (distance <= worst_[query]) take(static_cast<std::size_t>(query), distance, row);
    }

    /// Farther ones are not taken.
    float worst(std::int64_t query) const { return worst_[query]; }

    /// Leaves the best k of a query, or as many as there are, in order.
    std::span<const Candidate> sorted(std::int64_t query) {
        const auto list = static_cast<std::size_t>(query);
        if (counts_[query] > k_) keep_best(list);
        Candidate* const begin = candidates_ + list * room_;
        std::sort(begin, begin + counts_[query]);
        return {begin, counts_[query]};
    }

    /// What sorted() left.
    std::span<const Candidate> of(std::int64_t query) const {
        return {candidates_ + static_cast<std::size_t>(query) * room_, counts_[query]};
    }

private:
    void take(std::size_t query, float distance, std::uint32_t row) {
        candidates_[query * room_ + counts_[query]] = make_candidate(distance, row);
        if (++counts_[query] == room_) keep_best(query);
    }

    void keep_best(std::size_t query) {
        Candidate* const begin = candidates_ + query * room_;
        std::nth_element(begin, begin + k_ - 1, begin + counts_[query]);
        counts_[query] = static_cast<std::uint32_t>(k_);
        // Rows to come lose a tie against the k-th.
        worst_[query] = std::nextafter(distance_of(begin[k_ - 1]), -std::numeric_limits<float>::infinity());
    }

    std::size_t k_ = 0;
    std::size_t room_ = 0;
    Candidate* candidates_ = nullptr;
    float* worst_ = nullptr;  ///< of a query, the distance that is still taken
    std::uint32_t* counts_ = nullptr;
};

}  // namespace gpushard
