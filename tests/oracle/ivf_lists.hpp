#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <faiss/IndexIVF.h>

#include "on_cards.hpp"

namespace gpushard::test {

/// An id and its code, in the order of a list.
using ListEntries = std::vector<std::pair<std::int64_t, std::vector<std::uint8_t>>>;

/// The list of an index on the CPU.
inline ListEntries entries_of(const faiss::IndexIVF& index, std::size_t list) {
    ListEntries entries;
    faiss::InvertedLists::ScopedCodes codes(index.invlists, list);
    faiss::InvertedLists::ScopedIds ids(index.invlists, list);
    for (std::size_t i = 0; i < index.invlists->list_size(list); ++i) {
        const std::uint8_t* code = codes.get() + i * index.code_size;
        entries.emplace_back(ids[i], std::vector<std::uint8_t>(code, code + index.code_size));
    }
    return entries;
}

/// Few rounds, and no complaint about few vectors: lists and codes need not be good ones.
template <typename Index>
void train_quickly(Index& index, const Rows& rows) {
    index.cp.niter = 4;
    index.cp.min_points_per_centroid = 1;
    if constexpr (requires { index.pq.cp; }) {
        index.pq.cp.niter = 2;
        index.pq.cp.min_points_per_centroid = 1;
    }
    index.train(rows.count, rows.values.data());
}

/// Ids that are places in lists, (list << 32 | offset), as the ids of `cpu`.
inline void places_to_ids(const faiss::IndexIVF& cpu, std::vector<std::int64_t>& ids) {
    for (std::int64_t& id : ids) {
        if (id < 0) continue;
        faiss::InvertedLists::ScopedIds of_list(cpu.invlists, static_cast<std::size_t>(id >> 32));
        id = of_list[static_cast<std::size_t>(id & 0xFFFFFFFF)];
    }
}

inline const char* name_of(faiss::gpu::IndicesOptions options) {
    switch (options) {
        case faiss::gpu::INDICES_CPU:
            return "ids_on_host";
        case faiss::gpu::INDICES_IVF:
            return "no_ids";
        case faiss::gpu::INDICES_32_BIT:
            return "ids_32_bit";
        case faiss::gpu::INDICES_64_BIT:
            break;
    }
    return "ids_64_bit";
}

}  // namespace gpushard::test
