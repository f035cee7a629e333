#include "cpu/row_scan.hpp"

#include <algorithm>
#include <cstddef>
#include <hwy/cache_control.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/row_scan.cpp"
#include <hwy/foreach_target.h>
// After it, as it includes this file once for each kind of processor.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gpushard::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Vector = hn::Vec<Floats>;

/// float16 and bfloat16 are widened by the load.
struct Float32 {
    using Element = float;
    static HWY_INLINE Vector load(const float* values) { return hn::LoadU(Floats(), values); }
};

template <typename Narrow>
struct Widened {
    using Element = Narrow;
    static HWY_INLINE Vector load(const Narrow* values) {
        return hn::PromoteTo(Floats(), hn::LoadU(hn::Rebind<Narrow, Floats>(), values));
    }
};
using Float16 = Widened<hwy::float16_t>;
using BFloat16 = Widened<hwy::bfloat16_t>;

struct InnerProduct {
    static HWY_INLINE Vector add(Vector row, Vector query, Vector sum) { return hn::MulAdd(row, query, sum); }
    static HWY_INLINE float distance(float sum, float added) { return -(sum + added); }
};

struct SquaredL2 {
    static HWY_INLINE Vector add(Vector row, Vector query, Vector sum) {
        const Vector difference = hn::Sub(row, query);
        return hn::MulAdd(difference, difference, sum);
    }
    static HWY_INLINE float distance(float sum, float /*added*/) { return sum; }
};

/// How many rows are compared with `queries` queries at a time: a register for each pair, one for each row, and two
/// more. With few queries many rows: their sums do not wait for one another, and memory has more to do.
constexpr int rows_at_once(int queries) {
    constexpr int registers = HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86 ? 32 : 16;
    return std::clamp((registers - 2) / (queries + 1), 1, 8);
}
constexpr int most_queries = 6;

/// Rows that the processor has not in a cache yet are asked for before they are needed: those that follow the ones that
/// are compared.
enum class RowsFrom { memory, cache };

/// Compilers like to load a query anew for each row instead, which takes as long as the arithmetic.
HWY_INLINE void keep_in_register(Vector& value) {
#if HWY_ARCH_X86 && HWY_COMPILER_GCC && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
    asm("" : "+v"(value.raw));  // NOLINT(hicpp-no-assembler)
#else
    static_cast<void>(value);
#endif
}

/// Some queries, `dim` values each.
struct QueryBlock {
    const float* values;
    const float* added;
    std::size_t dim;
    std::size_t padded_dim;
};

/// The distances of Rows rows, `stride` elements apart, to Queries queries. Each pair has a sum of its own, along the
/// dimension.
template <typename Metric, typename Format, RowsFrom From, int Rows, int Queries>
HWY_INLINE void compare(const typename Format::Element* rows, std::size_t stride, const QueryBlock& queries,
                        float (&distances)[Rows][Queries]) {
    const Floats floats;
    const std::size_t lanes = hn::Lanes(floats);
    Vector sums[Rows][Queries];
#pragma GCC unroll 8
    for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 8
        for (int query = 0; query < Queries; ++query) sums[row][query] = hn::Zero(floats);
    }
    const auto add = [&](std::size_t at, const auto& clear_behind) HWY_ATTR {
        Vector values[Rows];
#pragma GCC unroll 8
        for (int row = 0; row < Rows; ++row) {
            values[row] = clear_behind(Format::load(rows + static_cast<std::size_t>(row) * stride + at));
        }
#pragma GCC unroll 8
        for (int query = 0; query < Queries; ++query) {
            Vector value = hn::Load(floats, queries.values + static_cast<std::size_t>(query) * queries.padded_dim + at);
            keep_in_register(value);
#pragma GCC unroll 8
            for (int row = 0; row < Rows; ++row) {
                sums[row][query] = Metric::add(values[row], value, sums[row][query]);
            }
        }
    };
    const auto add_whole = [&](std::size_t at) HWY_ATTR { add(at, [](Vector values) HWY_ATTR { return values; }); };
    std::size_t at = 0;
    if constexpr (From == RowsFrom::memory) {
        // A cache line of each row at a time, so that each is asked for once.
        constexpr std::size_t line = 64 / sizeof(typename Format::Element);
        for (; at + line <= queries.dim; at += line) {
#pragma GCC unroll 8
            for (int row = 0; row < Rows; ++row) {
                hwy::Prefetch(rows + static_cast<std::size_t>(row + Rows) * stride + at);
            }
            for (std::size_t part = 0; part < line; part += lanes) add_whole(at + part);
        }
    }
    for (; at + lanes <= queries.dim; at += lanes) add_whole(at);
    if (at < queries.dim) {
        const auto own = hn::FirstN(floats, queries.dim - at);
        add(at, [&](Vector values) HWY_ATTR { return hn::IfThenElseZero(own, values); });
    }
#pragma GCC unroll 8
    for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 8
        for (int query = 0; query < Queries; ++query) {
            distances[row][query] =
                Metric::distance(hn::GetLane(hn::SumOfLanes(floats, sums[row][query])), queries.added[query]);
        }
    }
}

/// Rows in memory, and where the candidates go.
template <typename Format>
struct RowBlock {
    const typename Format::Element* values;
    std::size_t stride;
    std::int64_t count;
    std::uint32_t first;
    CandidateLists& lists;
};

template <typename Metric, typename Format, RowsFrom From, int Rows, int Queries>
HWY_INLINE void offer(const RowBlock<Format>& rows, std::int64_t at, const QueryBlock& queries,
                      std::int64_t first_query) {
    float distances[Rows][Queries];
    compare<Metric, Format, From, Rows, Queries>(rows.values + static_cast<std::size_t>(at) * rows.stride, rows.stride,
                                                 queries, distances);
    for (int row = 0; row < Rows; ++row) {
        for (int query = 0; query < Queries; ++query) {
            rows.lists.offer(first_query + query, distances[row][query],
                             rows.first + static_cast<std::uint32_t>(at + row));
        }
    }
}

template <typename Metric, typename Format, RowsFrom From, int Queries>
void scan_for(const RowBlock<Format>& rows, const QueryBlock& queries, std::int64_t first_query) {
    constexpr int at_once = rows_at_once(Queries);
    std::int64_t row = 0;
    for (; row + at_once <= rows.count; row += at_once) {
        offer<Metric, Format, From, at_once, Queries>(rows, row, queries, first_query);
    }
    for (; row < rows.count; ++row) offer<Metric, Format, From, 1, Queries>(rows, row, queries, first_query);
}

/// All queries, a block of `most` after another; the rest in a block of its own.
template <typename Metric, typename Format, int most>
void scan(const RowBlock<Format>& rows, const ScanQueries& queries, std::int64_t dim) {
    QueryBlock block = {queries.values, queries.added, static_cast<std::size_t>(dim),
                        static_cast<std::size_t>(padded_dim(dim))};
    std::int64_t query = 0;
    for (; query + most <= queries.count; query += most) {
        if (query == 0) {
            scan_for<Metric, Format, RowsFrom::memory, most>(rows, block, query);
        } else {
            scan_for<Metric, Format, RowsFrom::cache, most>(rows, block, query);
        }
        block.values += most * block.padded_dim;
        block.added += most;
    }
    switch (queries.count - query) {
        case 5:
            if constexpr (most > 5) scan_for<Metric, Format, RowsFrom::memory, 5>(rows, block, query);
            break;
        case 4:
            if constexpr (most > 4) scan_for<Metric, Format, RowsFrom::memory, 4>(rows, block, query);
            break;
        case 3:
            if constexpr (most > 3) scan_for<Metric, Format, RowsFrom::memory, 3>(rows, block, query);
            break;
        case 2:
            scan_for<Metric, Format, RowsFrom::memory, 2>(rows, block, query);
            break;
        case 1:
            scan_for<Metric, Format, RowsFrom::memory, 1>(rows, block, query);
            break;
        default:
            break;
    }
}

template <typename Format>
void widen(const typename Format::Element* row, std::size_t dim, float* wide) {
    const Floats floats;
    const std::size_t lanes = hn::Lanes(floats);
    std::size_t at = 0;
    for (; at + lanes <= dim; at += lanes) hn::Store(Format::load(row + at), floats, wide + at);
    if (at < dim)
        hn::Store(hn::IfThenElseZero(hn::FirstN(floats, dim - at), Format::load(row + at)), floats, wide + at);
}

template <typename Metric>
void scan_float32(const ScanQueries& queries, const ScanRows& rows, CandidateLists& lists) {
    const RowBlock<Float32> block = {static_cast<const float*>(rows.values), static_cast<std::size_t>(rows.dim),
                                     rows.count, rows.first, lists};
    scan<Metric, Float32, most_queries>(block, queries, rows.dim);
}

template <typename Metric, typename Format>
void scan_narrow(const ScanQueries& queries, const ScanRows& rows, float* widened, CandidateLists& lists) {
    const auto dim = static_cast<std::size_t>(rows.dim);
    const auto* const values = static_cast<const typename Format::Element*>(rows.values);
    if (queries.count < widening_from) {
        scan<Metric, Format, static_cast<int>(widening_from) - 1>(
            RowBlock<Format>{values, dim, rows.count, rows.first, lists}, queries, rows.dim);
        return;
    }
    const auto stride = static_cast<std::size_t>(padded_dim(rows.dim));
    for (std::int64_t first = 0; first < rows.count; first += widened_rows) {
        const std::int64_t count = std::min(widened_rows, rows.count - first);
        for (std::int64_t row = 0; row < count; ++row) {
            widen<Format>(values + static_cast<std::size_t>(first + row) * dim, dim,
                          widened + static_cast<std::size_t>(row) * stride);
        }
        scan<Metric, Float32, most_queries>(
            RowBlock<Float32>{widened, stride, count, rows.first + static_cast<std::uint32_t>(first), lists}, queries,
            rows.dim);
    }
}

template <typename Metric>
void scan_by(const ScanQueries& queries, const ScanRows& rows, float* widened, CandidateLists& lists) {
    switch (rows.precision) {
        case Precision::f32:
            return scan_float32<Metric>(queries, rows, lists);
        case Precision::f16:
            return scan_narrow<Metric, Float16>(queries, rows, widened, lists);
        case Precision::bf16:
            return scan_narrow<Metric, BFloat16>(queries, rows, widened, lists);
    }
}

void scan_inner_product(const ScanQueries& queries, const ScanRows& rows, float* widened, CandidateLists& lists) {
    scan_by<InnerProduct>(queries, rows, widened, lists);
}

void scan_l2(const ScanQueries& queries, const ScanRows& rows, float* widened, CandidateLists& lists) {
    scan_by<SquaredL2>(queries, rows, widened, lists);
}

}  // namespace
}  // namespace gpushard::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gpushard {
namespace {

HWY_EXPORT(scan_inner_product);
HWY_EXPORT(scan_l2);

}  // namespace

void scan_block(Metric metric, const ScanQueries& queries, const ScanRows& rows, float* widened,
                CandidateLists& lists) {
    if (metric == Metric::l2) {
        HWY_DYNAMIC_DISPATCH(scan_l2)(queries, rows, widened, lists);
    } else {
        HWY_DYNAMIC_DISPATCH(scan_inner_product)(queries, rows, widened, lists);
    }
}

}  // namespace gpushard
#endif
