#pragma once

#include <algorithm>
#include <array>

#include <gpushard/bytes.hpp>
#include <gpushard/memory_model.hpp>

/// How Faiss takes memory on a card: facts shared by the memory model and the replay of Faiss's own loads.
namespace gpushard {

/// Every request is rounded up to 256 bytes (StandardGpuResources.cpp, allocMemory).
inline Bytes card_rounded(Bytes bytes) { return checked_add(bytes, 255) / 256 * 256; }

/// Faiss's stack of temporaries on one card: one allocation from which requests are served last in, first out.
class TempStack {
public:
    /// The first 16 bytes of the allocation are not handed out (StackDeviceMemory.cpp).
    explicit TempStack(Bytes allocated) : free_(allocated - std::min<Bytes>(allocated, 16)) {}

    /// Serves a rounded request; false where it does not fit, which Faiss then answers with a cudaMalloc.
    bool take(Bytes rounded) {
        if (rounded > free_) return false;
        free_ -= rounded;
        return true;
    }
    void give_back(Bytes rounded) { free_ += rounded; }

private:
    Bytes free_;
};

/// The stack Faiss allocates first on a card of `total` bytes: 512 MiB up to 4 GiB, 1 GiB up to 8 GiB, else 1.5 GiB
/// (StandardGpuResources.cpp, getDefaultTempMemForGPU).
inline Bytes default_temp_stack(Bytes total) { return total <= 4_GiB ? 512_MiB : total <= 8_GiB ? 1_GiB : 1536_MiB; }

/// Temporaries of one bfKnn call, in the order they are taken, each rounded; an entry of 0 is not taken.
using SearchTemporaries = std::array<Bytes, 12>;

/// The temporaries of searching `tile.rows` vectors with `tile.queries` queries, for a card on which Faiss aims at
/// `tile_target` bytes of distances (see search_tile_targets).
SearchTemporaries search_temporaries(const ShardWorkload& workload, SearchTile tile, Bytes tile_target);

/// Bytes Faiss aims at for distance tiles: cards above 8 GiB, up to 8 GiB, up to 4 GiB (DistanceUtils.cuh,
/// chooseTileSize).
inline constexpr std::array<Bytes, 3> search_tile_targets = {1_GiB, 768_MiB, 512_MiB};

}  // namespace gpushard
