#include "interpreter/arithmetic/directed.hpp"
#include "interpreter/arithmetic/numbers.hpp"

#ifdef __F16C__
#include <immintrin.h>
#endif

namespace simcuda::interpreter::SIMCUDA_ARITHMETIC {
namespace {

using ptx::Type;

template <bool ftz, bool sat>
Half to_half(float value) {
    return finished_small<false, sat, false>(nearest<Half>(read<ftz>(value)));
}
template <bool ftz, bool sat>
float from_half(Half value) {
    return finished<ftz, sat>(widened(value));
}

#ifdef __F16C__
void to_half_by_eight(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    const U32* const from = lanes_at<U32>(registers, operation.sources[0]);
    alignas(32) U16 to[warp_size];
    for (int lane = 0; lane < warp_size; lane += 8) {
        const __m256 value = _mm256_loadu_ps(reinterpret_cast<const float*>(from + lane));
        const __m256 nan = _mm256_cmp_ps(value, value, _CMP_UNORD_Q);
        const __m256 canonical = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
        const __m128i half = _mm256_cvtps_ph(_mm256_blendv_ps(value, canonical, nan), _MM_FROUND_TO_NEAREST_INT);
        _mm_store_si128(reinterpret_cast<__m128i*>(to + lane), half);
    }
    write_lanes(active, lanes_at<U16>(registers, operation.to), [&](int lane) { return to[lane]; });
}

void from_half_by_eight(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    const U16* const from = lanes_at<U16>(registers, operation.sources[0]);
    alignas(32) U32 to[warp_size];
    for (int lane = 0; lane < warp_size; lane += 8) {
        const __m256 value = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + lane)));
        const __m256 nan = _mm256_cmp_ps(value, value, _CMP_UNORD_Q);
        const __m256 canonical = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
        _mm256_store_ps(reinterpret_cast<float*>(to + lane), _mm256_blendv_ps(value, canonical, nan));
    }
    write_lanes(active, lanes_at<U32>(registers, operation.to), [&](int lane) { return to[lane]; });
}
#else
constexpr Apply to_half_by_eight = Lanes<&to_half<false, false>>::apply;
constexpr Apply from_half_by_eight = Lanes<&from_half<false, false>>::apply;
#endif

template <typename A, typename B>
struct Same {
    static constexpr bool value = false;
};
template <typename A>
struct Same<A, A> {
    static constexpr bool value = true;
};

template <typename T>
SIMCUDA_INLINE double as_double(T value) {
    if constexpr (sizeof(T) == 2) {
        return double{widened(value)};
    } else {
        return double{value};
    }
}

template <typename From, bool ftz>
SIMCUDA_INLINE From source(From value) {
    if constexpr (sizeof(From) == 4) return read<ftz>(value);
    return value;
}

/// To float or double; in the rounding mode of the processor where that rounds.
template <typename To, typename From, bool ftz, bool sat>
To convert(From value) {
    constexpr bool flushes = ftz && sizeof(To) == 4;
    return finished<flushes, sat>(static_cast<To>(as_double(source<From, ftz>(value))));
}

template <typename Small, typename From, Rounding rounding, bool ftz, bool sat, bool relu>
Small convert_small(From value) {
    return finished_small<false, sat, relu>(narrowed<Small>(as_double(source<From, ftz>(value)), rounding));
}

template <Rounding rounding>
SIMCUDA_INLINE double integral(double value) {
    switch (rounding) {
        case Rounding::nearest:
            return __builtin_rint(value);
        case Rounding::down:
            return __builtin_floor(value);
        case Rounding::up:
            return __builtin_ceil(value);
        default:
            return __builtin_trunc(value);
    }
}

template <Rounding rounding>
SIMCUDA_INLINE float integral(float value) {
    switch (rounding) {
        case Rounding::nearest:
            return __builtin_rintf(value);
        case Rounding::down:
            return __builtin_floorf(value);
        case Rounding::up:
            return __builtin_ceilf(value);
        default:
            return __builtin_truncf(value);
    }
}

/// To an integral number of the same format.
template <typename T, Rounding rounding, bool ftz, bool sat>
T to_integral(T value) {
    if constexpr (sizeof(T) == 2) {
        return finished_small<false, sat, false>(narrowed<T>(integral<rounding>(as_double(value)), Rounding::nearest));
    } else {
        return finished<ftz, sat>(integral<rounding>(source<T, ftz>(value)));
    }
}

template <typename Small, Rounding rounding, bool relu>
Pair<Small> convert_pair(float high, float low) {
    return {finished_small<false, false, relu>(narrowed<Small>(double{low}, rounding)),
            finished_small<false, false, relu>(narrowed<Small>(double{high}, rounding))};
}

template <typename T, bool ftz, bool sat>
Apply integral_conversion(Rounding rounding) {
    switch (rounding) {
        case Rounding::nearest:
            return Lanes<&to_integral<T, Rounding::nearest, ftz, sat>>::apply;
        case Rounding::zero:
            return Lanes<&to_integral<T, Rounding::zero, ftz, sat>>::apply;
        case Rounding::down:
            return Lanes<&to_integral<T, Rounding::down, ftz, sat>>::apply;
        case Rounding::up:
            return Lanes<&to_integral<T, Rounding::up, ftz, sat>>::apply;
        default:
            return nullptr;
    }
}

template <typename Small, typename From, bool ftz, bool sat, bool relu>
Apply rounded_small(Rounding rounding) {
    switch (rounding) {
        case Rounding::zero:
            return Lanes<&convert_small<Small, From, Rounding::zero, ftz, sat, relu>>::apply;
        case Rounding::down:
            return Lanes<&convert_small<Small, From, Rounding::down, ftz, sat, relu>>::apply;
        case Rounding::up:
            return Lanes<&convert_small<Small, From, Rounding::up, ftz, sat, relu>>::apply;
        default:
            return Lanes<&convert_small<Small, From, Rounding::nearest, ftz, sat, relu>>::apply;
    }
}

template <typename To, typename From, bool ftz, bool sat>
Apply conversion(const Form& form) {
    if (form.has(flag::rounding_to_integer)) {
        if (form.has(flag::relu)) return nullptr;
        if constexpr (Same<To, From>::value) return integral_conversion<To, ftz, sat>(form.rounding);
        return nullptr;
    }
    if constexpr (sizeof(To) >= 4) {
        if (form.has(flag::relu)) return nullptr;
        return rounded<&convert<To, From, ftz, sat>>(form.rounding);
    } else {
        if (form.has(flag::relu)) return sat ? nullptr : rounded_small<To, From, ftz, false, true>(form.rounding);
        return rounded_small<To, From, ftz, sat, false>(form.rounding);
    }
}

template <typename To, typename From>
Apply of_types(const Form& form) {
    const bool sat = form.has(flag::sat);
    if (!form.has(flag::ftz))
        return sat ? conversion<To, From, false, true>(form) : conversion<To, From, false, false>(form);
    if constexpr (Same<To, float>::value || Same<From, float>::value) {
        return sat ? conversion<To, From, true, true>(form) : conversion<To, From, true, false>(form);
    }
    return nullptr;
}

template <typename To>
Apply to_type(const Form& form) {
    switch (form.other_type) {
        case Type::f16:
            return of_types<To, Half>(form);
        case Type::bf16:
            return of_types<To, Bfloat>(form);
        case Type::f32:
            return of_types<To, float>(form);
        case Type::f64:
            return of_types<To, double>(form);
        default:
            return nullptr;
    }
}

template <typename Small>
Apply to_pair(const Form& form) {
    if (form.other_type != Type::f32 || (form.flags & ~(flag::rounding | flag::relu)) != 0) return nullptr;
    const bool relu = form.has(flag::relu);
    switch (form.rounding) {
        case Rounding::nearest:
            return relu ? Lanes<&convert_pair<Small, Rounding::nearest, true>>::apply
                        : Lanes<&convert_pair<Small, Rounding::nearest, false>>::apply;
        case Rounding::zero:
            return relu ? Lanes<&convert_pair<Small, Rounding::zero, true>>::apply
                        : Lanes<&convert_pair<Small, Rounding::zero, false>>::apply;
        default:
            return nullptr;
    }
}

}  // namespace

Apply float_conversion(const Form& form) {
    if (form.opcode != Opcode::cvt || form.to_bytes != form.bytes || form.from_bytes != form.other_bytes) {
        return nullptr;
    }
    if (form.sources == 2) {
        if (form.type == Type::f16x2) return to_pair<Half>(form);
        return form.type == Type::bf16x2 ? to_pair<Bfloat>(form) : nullptr;
    }
    if (form.sources != 1) return nullptr;
    const bool plain = (form.flags & ~flag::rounding) == 0;
    if (plain && form.type == Type::f16 && form.other_type == Type::f32 && form.rounding == Rounding::nearest) {
        return to_half_by_eight;
    }
    if (plain && form.type == Type::f32 && form.other_type == Type::f16) return from_half_by_eight;
    switch (form.type) {
        case Type::f16:
            return to_type<Half>(form);
        case Type::bf16:
            return to_type<Bfloat>(form);
        case Type::f32:
            return to_type<float>(form);
        case Type::f64:
            return to_type<double>(form);
        default:
            return nullptr;
    }
}

}  // namespace simcuda::interpreter::SIMCUDA_ARITHMETIC
