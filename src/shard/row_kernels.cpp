#include "shard/row_kernels.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#define GPUSHARD_X86 1
#endif

namespace gpushard {
namespace {

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

float halve_row_scalar(const float* row, std::int64_t dim, std::uint16_t* halves) {
    float sum = 0;
    for (std::int64_t i = 0; i < dim; ++i) {
        halves[i] = half_from_float(row[i]);
        const float rounded = float_from_half(halves[i]);
        sum += rounded * rounded;
    }
    return sum;
}

std::uint16_t brain_from_float(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if ((bits & 0x7fffffffU) > 0x7f800000U) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);  // NaN
    return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

float float_from_brain(std::uint16_t brain) { return std::bit_cast<float>(static_cast<std::uint32_t>(brain) << 16); }

// Shifts and sums only, so compilers vectorise it.
float brain_row(const float* row, std::int64_t dim, std::uint16_t* brains) {
    float sum = 0;
    for (std::int64_t i = 0; i < dim; ++i) {
        brains[i] = brain_from_float(row[i]);
        const float rounded = float_from_brain(brains[i]);
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

GPUSHARD_AVX2 float halve_row_avx2(const float* row, std::int64_t dim, std::uint16_t* halves) {
    __m256 a = _mm256_setzero_ps();
    std::int64_t i = 0;
    for (; i + 8 <= dim; i += 8) {
        const __m128i half = _mm256_cvtps_ph(_mm256_loadu_ps(row + i), _MM_FROUND_TO_NEAREST_INT);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(halves + i), half);
        const __m256 rounded = _mm256_cvtph_ps(half);
        a = _mm256_fmadd_ps(rounded, rounded, a);
    }
    return sum_of_lanes(a, _mm256_setzero_ps()) + halve_row_scalar(row + i, dim - i, halves + i);
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

float halve_row(const float* row, std::int64_t dim, std::uint16_t* halves) {
#if defined(GPUSHARD_X86)
    if (has_avx2) return halve_row_avx2(row, dim, halves);
#endif
    return halve_row_scalar(row, dim, halves);
}

bool all_finite(const float* row, std::int64_t dim) {
    return std::all_of(row, row + dim, [](float value) { return std::isfinite(value); });
}

void count_row(NonFiniteRows& rows, std::int64_t row) {
    if (rows.count++ == 0) rows.first = row;
}

}  // namespace

NonFiniteRows scan_rows(const float* rows, std::int64_t row_count, std::int64_t dim, float* norms) {
    NonFiniteRows non_finite;
    for (std::int64_t row = 0; row < row_count; ++row) {
        const float* values = rows + row * dim;
        const float norm = squared_norm(values, dim);
        // Finite values above 1.8e19 overflow their square, so an infinite norm calls for a second look.
        if (!std::isfinite(norm) && !all_finite(values, dim)) count_row(non_finite, row);
        if (norms != nullptr) norms[row] = norm;
    }
    return non_finite;
}

NonFiniteRows halve_rows(const float* rows, std::int64_t row_count, std::int64_t dim, std::uint16_t* halves,
                         float* norms) {
    NonFiniteRows non_finite;
    for (std::int64_t row = 0; row < row_count; ++row) {
        // Squares of finite halves are below 2^32, so their sum is finite for every dimension below 2^95.
        const float norm = halve_row(rows + row * dim, dim, halves + row * dim);
        if (!std::isfinite(norm)) count_row(non_finite, row);
        if (norms != nullptr) norms[row] = norm;
    }
    return non_finite;
}

NonFiniteRows brain_rows(const float* rows, std::int64_t row_count, std::int64_t dim, std::uint16_t* brains,
                         float* norms) {
    const auto is_finite = [](std::uint16_t brain) { return (brain & 0x7f80U) != 0x7f80U; };
    NonFiniteRows non_finite;
    for (std::int64_t row = 0; row < row_count; ++row) {
        std::uint16_t* const own = brains + row * dim;
        const float norm = brain_row(rows + row * dim, dim, own);
        // As in float32, finite values may have squares that are not.
        if (!std::isfinite(norm) && !std::all_of(own, own + dim, is_finite)) count_row(non_finite, row);
        if (norms != nullptr) norms[row] = norm;
    }
    return non_finite;
}

void widen_halves(const std::uint16_t* halves, std::int64_t count, float* wide) {
#if defined(GPUSHARD_X86)
    if (has_avx2) return widen_avx2(halves, count, wide);
#endif
    widen_scalar(halves, count, wide);
}

}  // namespace gpushard
