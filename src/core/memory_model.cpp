#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>

#include <gpushard/memory_model.hpp>

#include "core/card_memory.hpp"
#include "core/host_scan_memory.hpp"

namespace gpushard {
namespace {

Bytes as_bytes(std::int64_t number) { return number > 0 ? static_cast<Bytes>(number) : 0; }

template <typename... Factors>
Bytes product(Bytes first, Factors... factors) {
    ((first = checked_multiply(first, factors)), ...);
    return first;
}

template <typename... Terms>
Bytes sum(Bytes first, Terms... terms) {
    ((first = checked_add(first, terms)), ...);
    return first;
}

Bytes vector_bytes(const ShardWorkload& workload, Bytes rows) {
    return product(rows, as_bytes(workload.dim), element_bytes(workload.precision));
}

// ---- The host, inner product and L2: the scan of this library. The sizes are those of core/host_scan_memory.hpp.

/// One candidate answer: a float distance and a 64-bit id.
constexpr Bytes answer_bytes = 12;
/// Small allocations nobody counts one by one.
constexpr Bytes host_slack = 64_KiB;

/// resident = rows x dim x element + what may be read behind the last.
/// scratch  = the queries, and for each thread its candidates and widened rows + slack.
ShardMemory host_scan_memory(const ShardWorkload& workload, Bytes rows, SearchTile tile) {
    const auto k = static_cast<std::int64_t>(std::min(as_bytes(workload.k), rows));
    return {.resident = sum(vector_bytes(workload, rows), row_padding),
            .fixed = 0,
            .scratch = sum(scan_scratch_bytes(workload, tile.queries, k), host_slack)};
}

// ---- The host, other metrics: Faiss's exhaustive search (knn_extra_metrics) on tiles.

/// resident = rows x dim x element + what may be read behind the last.
/// scratch  = three lists of answers (of the tile, the best so far, the two merged) + where rows are not float32, the
///            tile and the queries in float32 + slack.
ShardMemory host_faiss_memory(const ShardWorkload& workload, Bytes rows, SearchTile tile) {
    const Bytes tile_rows = std::min(as_bytes(tile.rows), rows);
    const Bytes queries = as_bytes(tile.queries);
    const Bytes k = std::min(as_bytes(workload.k), rows);
    const Bytes answers = product(3, queries, k, answer_bytes);
    const Bytes widened =
        workload.precision == Precision::f32 ? 0 : product(4, sum(tile_rows, queries), as_bytes(workload.dim));
    return {.resident = sum(vector_bytes(workload, rows), row_padding),
            .fixed = 0,
            .scratch = sum(answers, widened, host_slack)};
}

ShardMemory host_memory(const ShardWorkload& workload, Bytes rows, SearchTile tile) {
    return host_scans(workload.metric) ? host_scan_memory(workload, rows, tile)
                                       : host_faiss_memory(workload, rows, tile);
}

/// For the scan the rows are what a thread takes at a time, which costs no memory.
SearchTile host_preferred_tile(const ShardWorkload& workload, std::int64_t rows) {
    if (host_scans(workload.metric)) {
        return {.rows = std::min(rows, scanned_rows(workload)),
                .queries = std::min<std::int64_t>(workload.max_batch, most_scanned_queries)};
    }
    constexpr std::int64_t most_rows = 1 << 20;
    constexpr std::int64_t widened_tile_bytes = std::int64_t{8} << 20;  // stays in the last-level cache of a server
    const std::int64_t wanted = workload.precision == Precision::f32
                                    ? most_rows
                                    : std::max<std::int64_t>(1024, widened_tile_bytes / 4 / workload.dim);
    return {.rows = std::min(rows, wanted), .queries = std::min<std::int64_t>(workload.max_batch, 4096)};
}

SearchTile host_smallest_tile(const ShardWorkload& workload, std::int64_t rows) {
    if (host_scans(workload.metric)) return {.rows = std::min(rows, scanned_rows(workload)), .queries = 1};
    return {.rows = std::min<std::int64_t>(rows, 1024), .queries = 1};
}

// ---- A card: faiss::gpu::bfKnn over a device buffer, all temporaries from a stack of planned size.

/// resident = vectors + norms (L2), each rounded.
/// fixed    = the temp stack: every temporary of a search comes out of it, so it holds the largest sum of them, and
///            a unit more for the 16 bytes a stack does not hand out. Faiss sizes its tiles by the size of the card,
///            so the largest sum over the three sizes it distinguishes is an upper bound on every card.
/// scratch  = 0: searching allocates nothing beside the stack.
ShardMemory card_memory(const ShardWorkload& workload, Bytes rows, SearchTile tile) {
    const Bytes norms = workload.metric == Metric::l2 ? card_rounded(product(4, rows)) : 0;
    const SearchTile bounded = {.rows = std::min(tile.rows, static_cast<std::int64_t>(rows)), .queries = tile.queries};
    Bytes stack = 0;
    for (const Bytes target : search_tile_targets) {
        const SearchTemporaries taken = search_temporaries(workload, bounded, target);
        stack = std::max(stack, std::accumulate(taken.begin(), taken.end(), Bytes{0}, checked_add));
    }
    return {.resident = sum(card_rounded(vector_bytes(workload, rows)), norms), .fixed = sum(stack, 256), .scratch = 0};
}

/// Rows so that the two float distance tiles take at most 256 MiB: cutting further reads the shard no less often and
/// costs more merging.
SearchTile card_preferred_tile(const ShardWorkload& workload, std::int64_t rows) {
    const std::int64_t queries = std::min<std::int64_t>(workload.max_batch, 512);
    constexpr std::int64_t both_tiles = 256 << 20;
    constexpr std::int64_t elements = both_tiles / 2 / std::int64_t{sizeof(float)};
    return {.rows = std::min(rows, elements / queries / 1024 * 1024), .queries = queries};
}

SearchTile card_smallest_tile(const ShardWorkload& workload, std::int64_t rows) {
    return {.rows = std::min<std::int64_t>(rows, 16384), .queries = std::min<std::int64_t>(workload.max_batch, 32)};
}

/// Whether Faiss grants a stack of temporaries of this size on every card: it makes none larger than 512 MiB on a card
/// of 4 GiB (StandardGpuResources.cpp, getDefaultTempMemForGPU), without saying so.
bool stack_is_granted(const ShardWorkload& workload, const ShardMemory& memory) {
    return workload.kind == DeviceKind::cpu || memory.fixed <= default_temp_stack(0);
}

bool fits(const ShardWorkload& workload, std::int64_t rows, SearchTile tile, Bytes usable) {
    if (workload.kind == DeviceKind::cpu && rows > most_host_rows) return false;
    try {
        const ShardMemory memory = shard_memory(workload, rows, tile);
        return memory.peak() <= usable && stack_is_granted(workload, memory);
    } catch (const std::overflow_error&) {
        return false;
    }
}

/// The first tile that `is_good`, from the preferred down to the smallest, rows before queries; of zero rows where none
/// is. Where fewer queries were needed, fewer rows may have been halved in vain: takes as many as stay good.
template <typename IsGood>
SearchTile first_good_tile(const ShardWorkload& workload, std::int64_t rows, IsGood is_good) {
    const SearchTile preferred = preferred_tile(workload, rows);
    const SearchTile smallest = smallest_tile(workload, rows);
    SearchTile tile = preferred;
    while (!is_good(tile)) {
        if (tile.rows > smallest.rows) {
            tile.rows = std::max(tile.rows / 2, smallest.rows);
        } else if (tile.queries > smallest.queries) {
            tile.queries = std::max(tile.queries / 2, smallest.queries);
        } else {
            return {};
        }
    }
    while (tile.rows < preferred.rows) {
        const SearchTile wider = {.rows = std::min(tile.rows * 2, preferred.rows), .queries = tile.queries};
        if (!is_good(wider)) break;
        tile = wider;
    }
    return tile;
}

}  // namespace

Bytes widened_scratch_bytes(Precision precision, std::int64_t dim) {
    return precision == Precision::f32 ? 0 : product(4, widened_rows, as_bytes(padded_dim(dim)));
}

std::int64_t scanned_rows(const ShardWorkload& workload) {
    constexpr Bytes cached = 256_KiB;
    constexpr std::int64_t compared_at_once = 8;
    const auto fitting = static_cast<std::int64_t>(cached / vector_bytes(workload, 1));
    return std::max(compared_at_once, fitting / compared_at_once * compared_at_once);
}

Bytes scan_scratch_bytes(const ShardWorkload& workload, std::int64_t queries, std::int64_t k) {
    const auto whole_lines = [](Bytes bytes) { return sum(bytes, 63) / 64 * 64; };
    const Bytes count = as_bytes(queries);
    const Bytes list = sum(product(as_bytes(candidate_room(k)), candidate_bytes), candidate_list_bytes);
    const Bytes lists = whole_lines(product(count, list));
    const Bytes of_thread = sum(lists, widened_scratch_bytes(workload.precision, workload.dim), scan_slot_bytes);
    return sum(whole_lines(product(4, count, as_bytes(padded_dim(workload.dim)))), whole_lines(product(4, count)),
               product(static_cast<Bytes>(workload.threads), of_thread));
}

/// Faiss cuts `queries` into batches of P = 512 (1024 up to 32 dimensions) and the vectors into columns so that two
/// tiles of P x columns elements reach the target; the tiles themselves are always float32. Each column tile leaves a
/// list of k answers per query (a float and a 64-bit id), twice, for two streams. (gpu/impl/Distance.cu, runDistance.)
/// Around it: the queries in float32 and in the vectors' precision, their norms, the answers, and the 32-bit ids that
/// Faiss 1.7 keeps beside them.
SearchTemporaries search_temporaries(const ShardWorkload& workload, SearchTile tile, Bytes tile_target) {
    const Bytes rows = as_bytes(tile.rows);
    const Bytes queries = as_bytes(tile.queries);
    const Bytes k = as_bytes(workload.k);
    const Bytes dim = as_bytes(workload.dim);
    const Bytes query_batch = dim <= 32 ? 1024 : 512;
    const Bytes tile_queries = std::min(query_batch, queries);
    const Bytes columns = std::min(tile_target / (2 * element_bytes(workload.precision)) / query_batch, rows);
    const Bytes column_tiles = columns == 0 ? 0 : sum(rows, columns - 1) / columns;

    const Bytes distances = card_rounded(product(4, tile_queries, columns));
    const Bytes tile_answers = product(tile_queries, column_tiles, k);
    const Bytes tile_scores = card_rounded(product(4, tile_answers));
    const Bytes tile_ids = card_rounded(product(8, tile_answers));
    const Bytes converted_queries =
        workload.precision == Precision::f32 ? 0 : product(element_bytes(workload.precision), queries, dim);
    return {card_rounded(product(4, queries, dim)),
            card_rounded(converted_queries),
            card_rounded(product(4, queries, k)),
            card_rounded(product(8, queries, k)),
            card_rounded(product(4, queries, k)),
            card_rounded(product(4, queries)),
            distances,
            distances,
            tile_scores,
            tile_scores,
            tile_ids,
            tile_ids};
}

ShardMemory shard_memory(const ShardWorkload& workload, std::int64_t rows, SearchTile tile) {
    if (rows <= 0) return {};
    return workload.kind == DeviceKind::cpu ? host_memory(workload, as_bytes(rows), tile)
                                            : card_memory(workload, as_bytes(rows), tile);
}

SearchTile preferred_tile(const ShardWorkload& workload, std::int64_t rows) {
    return workload.kind == DeviceKind::cpu ? host_preferred_tile(workload, rows) : card_preferred_tile(workload, rows);
}

SearchTile smallest_tile(const ShardWorkload& workload, std::int64_t rows) {
    return workload.kind == DeviceKind::cpu ? host_smallest_tile(workload, rows) : card_smallest_tile(workload, rows);
}

SearchTile largest_tile_within(const ShardWorkload& workload, std::int64_t rows, Bytes usable) {
    return first_good_tile(workload, rows, [&](SearchTile tile) { return fits(workload, rows, tile, usable); });
}

SearchTile comfortable_tile(const ShardWorkload& workload, Bytes usable) {
    constexpr std::int64_t many_rows = std::numeric_limits<std::int64_t>::max();
    const SearchTile tile = first_good_tile(workload, many_rows, [&](SearchTile candidate) {
        const ShardMemory memory = shard_memory(workload, candidate.rows, candidate);
        return sum(memory.fixed, memory.scratch) <= usable / 4 && stack_is_granted(workload, memory);
    });
    return tile.rows > 0 ? tile : smallest_tile(workload, many_rows);
}

std::int64_t rows_within(const ShardWorkload& workload, Bytes usable, std::int64_t limit, SearchTile tile) {
    const Bytes row_bytes = vector_bytes(workload, 1);
    std::int64_t fitting = 0;
    auto most = static_cast<std::int64_t>(std::min(usable / row_bytes, as_bytes(limit)));
    while (fitting < most) {
        const std::int64_t middle = most - (most - fitting) / 2;
        if (fits(workload, middle, {.rows = std::min(middle, tile.rows), .queries = tile.queries}, usable)) {
            fitting = middle;
        } else {
            most = middle - 1;
        }
    }
    return fitting;
}

std::int64_t rows_within(const ShardWorkload& workload, Bytes usable, std::int64_t limit) {
    return rows_within(workload, usable, limit, smallest_tile(workload, std::numeric_limits<std::int64_t>::max()));
}

}  // namespace gpushard
