#include "cpu/row_scan.hpp"

#include <algorithm>
#include <cstddef>
#include <hwy/cache_control.h>
#include <limits>
#include <type_traits>

#include "shard/row_kernels.hpp"

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

struct Product {
    static HWY_INLINE Vector add(Vector row, Vector query, Vector sum) { return hn::MulAdd(row, query, sum); }
    static HWY_INLINE float distance(float sum, float /*term*/) { return sum; }
};

struct InnerProduct : Product {
    static HWY_INLINE float distance(float sum, float term) { return -(sum + term); }
};

struct SquaredL2 {
    static HWY_INLINE Vector add(Vector row, Vector query, Vector sum) {
        const Vector difference = hn::Sub(row, query);
        return hn::MulAdd(difference, difference, sum);
    }
    static HWY_INLINE float distance(float sum, float /*term*/) { return sum; }
};

/// How many rows are compared with `queries` queries at a time: a register for each pair, one for each row, and two
/// more. With few queries many rows: their sums do not wait for one another, and memory has more to do. Of rows that
/// are widened on the way three do best, measured.
template <typename Format>
constexpr int rows_at_once(int queries) {
    constexpr int registers = HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86 ? 32 : 16;
    constexpr int most = std::is_same_v<Format, Float32> ? 8 : 3;
    return std::clamp((registers - 2) / (queries + 1), 1, most);
}
constexpr int most_queries = 6;

/// Rows that the processor has not in a cache yet are asked for before they are needed: those that follow the ones that
/// are compared, in the order in which they lie in memory.
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
    const float* terms;
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
                hwy::Prefetch(rows + static_cast<std::size_t>(Rows) * stride + at * Rows + row * line);
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
                Metric::distance(hn::GetLane(hn::SumOfLanes(floats, sums[row][query])), queries.terms[query]);
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

    RowBlock from(std::int64_t row, std::int64_t rows) const {
        return {values + static_cast<std::size_t>(row) * stride, stride, rows, first + static_cast<std::uint32_t>(row),
                lists};
    }
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
    constexpr int at_once = rows_at_once<Format>(Queries);
    std::int64_t row = 0;
    for (; row + at_once <= rows.count; row += at_once) {
        offer<Metric, Format, From, at_once, Queries>(rows, row, queries, first_query);
    }
    for (; row < rows.count; ++row) offer<Metric, Format, From, 1, Queries>(rows, row, queries, first_query);
}

/// A block of at most `most` queries, whose number becomes a constant.
template <typename Metric, typename Format, int most>
void scan_rest(const RowBlock<Format>& rows, const QueryBlock& block, std::int64_t first_query, std::int64_t count) {
    if constexpr (most > 0) {
        if (count == most) return scan_for<Metric, Format, RowsFrom::memory, most>(rows, block, first_query);
        scan_rest<Metric, Format, most - 1>(rows, block, first_query, count);
    }
}

/// Queries from `first` on.
QueryBlock query_block(const ScanQueries& queries, std::int64_t dim, std::int64_t first) {
    return {queries.values + first * padded_dim(dim), queries.terms + first, static_cast<std::size_t>(dim),
            static_cast<std::size_t>(padded_dim(dim))};
}

/// The queries from `query` on, a block of `most` after another; the rest in a block of its own.
template <typename Metric, typename Format, int most>
void scan(const RowBlock<Format>& rows, const ScanQueries& queries, std::int64_t dim, std::int64_t query = 0) {
    QueryBlock block = query_block(queries, dim, query);
    for (; query + most <= queries.count; query += most) {
        if (query == 0) {
            scan_for<Metric, Format, RowsFrom::memory, most>(rows, block, query);
        } else {
            scan_for<Metric, Format, RowsFrom::cache, most>(rows, block, query);
        }
        block.values += most * block.padded_dim;
        block.terms += most;
    }
    scan_rest<Metric, Format, most - 1>(rows, block, query, queries.count - query);
}

/// |row - query|^2 is |row|^2 + |query|^2 - 2 row*query, which takes less arithmetic, but loses digits. So it only
/// tells which rows need not be scored: those whose distance exceeds the one to beat by more than rounding can be.
/// No sum of n terms is off by more than n units in the last place of the sum of their absolute values (Higham,
/// Accuracy and Stability of Numerical Algorithms, section 3.1), and none of those here exceeds |row|^2 + |query|^2 or,
/// of the distance itself, twice that.
class ProductBound {
public:
    explicit ProductBound(std::int64_t dim)
        : kept_(1 - static_cast<double>(4 * dim + 64) * std::numeric_limits<float>::epsilon() / 2),
          lost_to_underflow_(static_cast<float>(4 * dim) * std::numeric_limits<float>::min()) {}

    /// Half of what is certain of a squared norm. Of one that is too large to be multiplied with, nothing is.
    float of(float squared_norm) const {
        const double half = squared_norm / 2.0 * kept_ - lost_to_underflow_;
        return half < std::numeric_limits<float>::max() / 8 ? static_cast<float>(half)
                                                            : -std::numeric_limits<float>::infinity();
    }

private:
    double kept_;
    float lost_to_underflow_;
};

/// Rows whose bounds are kept at a time.
constexpr std::int64_t bounded_rows = 256;
/// From so many queries on it pays to compute the rows' norms.
constexpr std::int64_t bounding_from = 48;

/// Scores the rows that a bound does not rule out, as long as these are few: scoring one alone takes long.
template <int Queries>
void scan_near_by_l2(const RowBlock<Float32>& rows, const float* row_bounds, const QueryBlock& queries,
                     const float* query_bounds, std::int64_t first_query) {
    constexpr int at_once = rows_at_once<Float32>(Queries);
    constexpr std::int64_t one_scored_in = 32;
    std::int64_t scored = 0;
    std::int64_t row = 0;
    for (; row + at_once <= rows.count && scored * one_scored_in <= (row + 16) * Queries; row += at_once) {
        const float* const values = rows.values + static_cast<std::size_t>(row) * rows.stride;
        float products[at_once][Queries];
        compare<Product, Float32, RowsFrom::cache, at_once, Queries>(values, rows.stride, queries, products);
        for (int i = 0; i < at_once; ++i) {
            for (int query = 0; query < Queries; ++query) {
                const float needed =
                    row_bounds[row + i] + query_bounds[query] - rows.lists.worst(first_query + query) / 2;
                if (products[i][query] < needed) continue;
                ++scored;
                const QueryBlock one = {queries.values + static_cast<std::size_t>(query) * queries.padded_dim,
                                        queries.terms + query, queries.dim, queries.padded_dim};
                offer<SquaredL2, Float32, RowsFrom::cache, 1, 1>(rows, row + i, one, first_query + query);
            }
        }
    }
    if (row < rows.count) {
        scan_for<SquaredL2, Float32, RowsFrom::cache, Queries>(rows.from(row, rows.count - row), queries, first_query);
    }
}

void scan_by_l2(const RowBlock<Float32>& rows, const ScanQueries& queries, std::int64_t dim) {
    if (queries.count < bounding_from) return scan<SquaredL2, Float32, most_queries>(rows, queries, dim);
    const ProductBound bound(dim);
    for (std::int64_t first = 0; first < rows.count; first += bounded_rows) {
        const RowBlock<Float32> some = rows.from(first, std::min(bounded_rows, rows.count - first));
        // These bring the rows into the cache.
        scan_for<SquaredL2, Float32, RowsFrom::memory, most_queries>(some, query_block(queries, dim, 0), 0);
        float row_bounds[bounded_rows];
        for (std::int64_t row = 0; row < some.count; ++row) {
            float squared_norm = 0;
            scan_rows(some.values + static_cast<std::size_t>(row) * some.stride, 1, dim, &squared_norm);
            row_bounds[row] = bound.of(squared_norm);
        }
        std::int64_t query = most_queries;
        for (; query + most_queries <= queries.count; query += most_queries) {
            float query_bounds[most_queries];
            for (int i = 0; i < most_queries; ++i) query_bounds[i] = bound.of(queries.terms[query + i]);
            scan_near_by_l2<most_queries>(some, row_bounds, query_block(queries, dim, query), query_bounds, query);
        }
        scan<SquaredL2, Float32, most_queries>(some, queries, dim, query);
    }
}

template <typename Metric>
void scan_float32_rows(const RowBlock<Float32>& rows, const ScanQueries& queries, std::int64_t dim) {
    if constexpr (std::is_same_v<Metric, SquaredL2>) {
        scan_by_l2(rows, queries, dim);
    } else {
        scan<Metric, Float32, most_queries>(rows, queries, dim);
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
    scan_float32_rows<Metric>(block, queries, rows.dim);
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
        scan_float32_rows<Metric>(
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

void scan_block(Metric metric, const ScanQueries& queries, const ScanRows& rows, float* widened,
                CandidateLists& lists) {
    if (metric == Metric::l2) return scan_by<SquaredL2>(queries, rows, widened, lists);
    scan_by<InnerProduct>(queries, rows, widened, lists);
}

}  // namespace
}  // namespace gpushard::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gpushard {
namespace {

HWY_EXPORT(scan_block);

}  // namespace

void scan_block(Metric metric, const ScanQueries& queries, const ScanRows& rows, float* widened,
                CandidateLists& lists) {
    HWY_DYNAMIC_DISPATCH(scan_block)(metric, queries, rows, widened, lists);
}

}  // namespace gpushard
#endif
