#include "shard/row_kernels.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#define GPUSHARD_X86 1
#endif

namespace gpushard {
namespace {

/// The values of a row.
struct AsGiven {
    const float* row;

    float operator[](std::int64_t i) const { return row[i]; }
    AsGiven from(std::int64_t i) const { return {row + i}; }
};

/// The same less a centre.
struct LessCentre {
    const float* row;
    const float* centre;

    float operator[](std::int64_t i) const { return row[i] - centre[i]; }
    LessCentre from(std::int64_t i) const { return {row + i, centre + i}; }
};

std::uint16_t half_from_float(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000U);
    const std::uint32_t magnitude = bits & 0x7fffffffU;
    if (magnitude > 0x7f800000U) return static_cast<std::uint16_t>(sign | 0x7e00U);   // NaN
    if (magnitude >= 0x477ff000U) return static_cast<std::uint16_t>(sign | 0x7c00U);  // rounds to infinity
    if (magnitude < 0x38800000U) {
        // Subnormal half: adding 0.5 leaves the rounded multiple of 2^-24 in the low bits of the float.
        const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
        return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3f000000U));
    }
    const std::uint32_t odd = (magnitude >> 13) & 1U;
    return static_cast<std::uint16_t>(sign | ((magnitude - 0x38000000U + 0xfffU + odd) >> 13));
}

float float_from_half(std::uint16_t half) {
    const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
    const std::uint32_t magnitude = half & 0x7fffU;
    if (magnitude >= 0x7c00U) return std::bit_cast<float>(sign | 0x7f800000U | ((magnitude & 0x3ffU) << 13));
    if (magnitude < 0x400U) {
        const float value = std::ldexp(static_cast<float>(magnitude), -24);
        return sign != 0 ? -value : value;
    }
    return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000U));
}

float squared_norm_scalar(const float* row, std::int64_t dim) {
    float sum = 0;
    for (std::int64_t i = 0; i < dim; ++i) sum += row[i] * row[i];
    return sum;
}

/// The squared norm of a row in halves, and how many of its values underflowed.
struct RoundedRow {
    float norm;
    std::int64_t underflowed;
};

// A value underflows that is not zero and below 2^-21: float16 makes it one of 0 to 8 steps of 2^-24.
constexpr std::uint32_t least_kept = 0x35000000U;  // the bits of 2^-21

template <typename Values>
RoundedRow round_row_to_f16_scalar(Values row, std::int64_t dim, std::uint16_t* halves) {
    RoundedRow sums{0, 0};
    for (std::int64_t i = 0; i < dim; ++i) {
        const float value = row[i];
        halves[i] = half_from_float(value);
        const float rounded = float_from_half(halves[i]);
        sums.norm += rounded * rounded;
        // Zero wraps around to the largest number.
        sums.underflowed += (std::bit_cast<std::uint32_t>(value) & 0x7fffffffU) - 1 < least_kept - 1 ? 1 : 0;
    }
    return sums;
}

std::uint16_t bf16_from_float(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if ((bits & 0x7fffffffU) > 0x7f800000U) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);  // NaN
    return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

float float_from_bf16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

// Shifts and sums only, so compilers vectorise it.
template <typename Values>
float round_row_to_bf16(Values row, std::int64_t dim, std::uint16_t* out) {
    float sum = 0;
    for (std::int64_t i = 0; i < dim; ++i) {
        out[i] = bf16_from_float(row[i]);
        const float rounded = float_from_bf16(out[i]);
        sum += rounded * rounded;
    }
    return sum;
}

void widen_scalar(const std::uint16_t* halves, std::int64_t count, float* wide) {
    for (std::int64_t i = 0; i < count; ++i) wide[i] = float_from_half(halves[i]);
}

#if defined(GPUSHARD_X86)

#define GPUSHARD_AVX2 __attribute__((target("avx2,fma,f16c")))

GPUSHARD_AVX2 float sum_of_lanes(__m256 a, __m256 b) {
    const __m256 both = _mm256_add_ps(a, b);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}

GPUSHARD_AVX2 float squared_norm_avx2(const float* row, std::int64_t dim) {
    __m256 a = _mm256_setzero_ps();
    __m256 b = _mm256_setzero_ps();
    std::int64_t i = 0;
    for (; i + 16 <= dim; i += 16) {
        const __m256 x = _mm256_loadu_ps(row + i);
        const __m256 y = _mm256_loadu_ps(row + i + 8);
        a = _mm256_fmadd_ps(x, x, a);
        b = _mm256_fmadd_ps(y, y, b);
    }
    return sum_of_lanes(a, b) + squared_norm_scalar(row + i, dim - i);
}

GPUSHARD_AVX2 std::int64_t sum_of_lanes(__m256i counts) {
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(counts), _mm256_extracti128_si256(counts, 1));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1));
    return _mm_cvtsi128_si32(four);
}

GPUSHARD_AVX2 inline __m256 eight_of(AsGiven values) { return _mm256_loadu_ps(values.row); }

GPUSHARD_AVX2 inline __m256 eight_of(LessCentre values) {
    return _mm256_sub_ps(_mm256_loadu_ps(values.row), _mm256_loadu_ps(values.centre));
}

/// Rounds eight values and adds what is known of them: their squares, and how many underflowed.
GPUSHARD_AVX2 inline void round_eight_to_f16(__m256 value, std::uint16_t* halves, __m256& squares,
                                             __m256i& underflowed) {
    // Doubled bits have no sign. With this much more zero is the largest signed number, and all others keep their
    // order.
    const __m256i zero_last = _mm256_set1_epi32(0x7fffffff);
    const __m256i limit = _mm256_set1_epi32(std::bit_cast<std::int32_t>(2 * least_kept + 0x7fffffffU));
    const __m128i half = _mm256_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(halves), half);
    const __m256 rounded = _mm256_cvtph_ps(half);
    squares = _mm256_fmadd_ps(rounded, rounded, squares);
    const __m256i bits = _mm256_castps_si256(value);
    const __m256i order = _mm256_add_epi32(_mm256_add_epi32(bits, bits), zero_last);
    underflowed = _mm256_sub_epi32(underflowed, _mm256_cmpgt_epi32(limit, order));
}

// Two sums of squares, so that one need not wait for the other.
template <typename Values>
GPUSHARD_AVX2 RoundedRow round_row_to_f16_avx2(Values row, std::int64_t dim, std::uint16_t* halves) {
    __m256 a = _mm256_setzero_ps();
    __m256 b = _mm256_setzero_ps();
    __m256i underflowed = _mm256_setzero_si256();
    std::int64_t i = 0;
    for (; i + 16 <= dim; i += 16) {
        round_eight_to_f16(eight_of(row.from(i)), halves + i, a, underflowed);
        round_eight_to_f16(eight_of(row.from(i + 8)), halves + i + 8, b, underflowed);
    }
    if (i + 8 <= dim) {
        round_eight_to_f16(eight_of(row.from(i)), halves + i, a, underflowed);
        i += 8;
    }
    const RoundedRow rest = round_row_to_f16_scalar(row.from(i), dim - i, halves + i);
    return {sum_of_lanes(a, b) + rest.norm, sum_of_lanes(underflowed) + rest.underflowed};
}

GPUSHARD_AVX2 void widen_avx2(const std::uint16_t* halves, std::int64_t count, float* wide) {
    std::int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(halves + i));
        _mm256_storeu_ps(wide + i, _mm256_cvtph_ps(half));
    }
    widen_scalar(halves + i, count - i, wide + i);
}

// Compilers before clang 16 do not know "f16c" in __builtin_cpu_supports; it is bit 29 of ECX of leaf 1.
bool processor_has_f16c() {
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & (1U << 29)) != 0;
}

const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && processor_has_f16c();

#endif

float squared_norm(const float* row, std::int64_t dim) {
#if defined(GPUSHARD_X86)
    if (has_avx2) return squared_norm_avx2(row, dim);
#endif
    return squared_norm_scalar(row, dim);
}

template <typename Values>
RoundedRow round_row_to_f16(Values row, std::int64_t dim, std::uint16_t* halves) {
#if defined(GPUSHARD_X86)
    if (has_avx2) return round_row_to_f16_avx2(row, dim, halves);
#endif
    return round_row_to_f16_scalar(row, dim, halves);
}

template <typename Use>
auto with_values(const float* row, const float* centre, Use use) {
    return centre == nullptr ? use(AsGiven{row}) : use(LessCentre{row, centre});
}

bool all_finite(const float* row, std::int64_t dim) {
    return std::all_of(row, row + dim, [](float value) { return std::isfinite(value); });
}

void count_row(std::int64_t& count, std::int64_t& first, std::int64_t row) {
    if (count++ == 0) first = row;
}

/// Of a row whose squared norm, twice, is not finite.
void count_beyond_range(RowFindings& found, std::int64_t row, bool is_finite) {
    if (is_finite) {
        count_row(found.overflowing_norm_rows, found.first_overflowing_norm_row, row);
    } else {
        count_row(found.non_finite_rows, found.first_non_finite_row, row);
    }
}

}  // namespace

RowFindings scan_rows(const float* rows, std::int64_t row_count, std::int64_t dim, float* norms) {
    RowFindings found;
    for (std::int64_t row = 0; row < row_count; ++row) {
        const float* values = rows + row * dim;
        const float norm = squared_norm(values, dim);
        // Finite values above 1.8e19 overflow their square, so an infinite norm calls for a second look.
        if (!std::isfinite(2 * norm)) count_beyond_range(found, row, all_finite(values, dim));
        if (norms != nullptr) norms[row] = norm;
    }
    return found;
}

RowFindings round_rows_to_f16(const float* rows, std::int64_t row_count, std::int64_t dim, std::uint16_t* halves,
                              float* norms, const float* centre) {
    const float least_norm = std::ldexp(static_cast<float>(dim), 2 * -17);
    RowFindings found;
    for (std::int64_t row = 0; row < row_count; ++row) {
        // Squares of finite halves are below 2^32, so their sum is finite for every dimension below 2^95.
        const auto [norm, underflowed] = with_values(
            rows + row * dim, centre, [&](auto values) { return round_row_to_f16(values, dim, halves + row * dim); });
        if (!std::isfinite(norm)) count_row(found.non_finite_rows, found.first_non_finite_row, row);
        found.underflowed_values += underflowed;
        const bool is_zero = norm == 0 && underflowed == 0;
        if (norm < least_norm && !is_zero) count_row(found.underflowed_rows, found.first_underflowed_row, row);
        if (norms != nullptr) norms[row] = norm;
    }
    return found;
}

RowFindings round_rows_to_bf16(const float* rows, std::int64_t row_count, std::int64_t dim, std::uint16_t* out,
                               float* norms, const float* centre) {
    const auto is_finite = [](std::uint16_t bits) { return (bits & 0x7f80U) != 0x7f80U; };
    RowFindings found;
    for (std::int64_t row = 0; row < row_count; ++row) {
        std::uint16_t* const own = out + row * dim;
        const float norm =
            with_values(rows + row * dim, centre, [&](auto values) { return round_row_to_bf16(values, dim, own); });
        // As in float32, finite values may have squares that are not.
        if (!std::isfinite(2 * norm)) count_beyond_range(found, row, std::all_of(own, own + dim, is_finite));
        if (norms != nullptr) norms[row] = norm;
    }
    return found;
}

void widen_halves(const std::uint16_t* halves, std::int64_t count, float* wide) {
#if defined(GPUSHARD_X86)
    if (has_avx2) return widen_avx2(halves, count, wide);
#endif
    widen_scalar(halves, count, wide);
}

void widen_values(Precision precision, const std::uint16_t* values, std::int64_t count, float* wide) {
    if (precision == Precision::f16) return widen_halves(values, count, wide);
    std::transform(values, values + count, wide, float_from_bf16);
}

void round_values(Precision precision, const float* values, std::int64_t count, float* rounded) {
    switch (precision) {
        case Precision::f32:
            std::copy_n(values, count, rounded);
            return;
        case Precision::f16: {
            std::vector<std::uint16_t> halves(static_cast<std::size_t>(count));
            round_rows_to_f16(values, 1, count, halves.data(), nullptr);
            return widen_halves(halves.data(), count, rounded);
        }
        case Precision::bf16:
            std::transform(values, values + count, rounded,
                           [](float value) { return float_from_bf16(bf16_from_float(value)); });
            return;
    }
}

}  // namespace gpushard
