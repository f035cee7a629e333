#include "interpreter/arithmetic/integers.hpp"
#include "interpreter/arithmetic/numbers.hpp"

#ifdef __SSE2__
#include <immintrin.h>
#endif

namespace simcuda::interpreter::SIMCUDA_ARITHMETIC {
namespace {

using ptx::Type;

/// Bit i: the highest bit of truth[i].
SIMCUDA_INLINE LaneMask collected(const U32* truth) {
#if defined(__AVX2__)
    LaneMask mask = 0;
    for (int part = 0; part < 4; ++part) {
        const __m256i lanes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(truth + 8 * part));
        mask |= static_cast<LaneMask>(_mm256_movemask_ps(_mm256_castsi256_ps(lanes))) << (8 * part);
    }
    return mask;
#elif defined(__SSE2__)
    LaneMask mask = 0;
    for (int part = 0; part < 8; ++part) {
        const __m128i lanes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(truth + 4 * part));
        mask |= static_cast<LaneMask>(_mm_movemask_ps(_mm_castsi128_ps(lanes))) << (4 * part);
    }
    return mask;
#else
    LaneMask mask = 0;
    for (int lane = 0; lane < warp_size; ++lane) mask |= truth[lane] >> 31 << lane;
    return mask;
#endif
}

template <Comparison comparison, typename T>
SIMCUDA_INLINE bool compared(T a, T b) {
    switch (comparison) {
        case Comparison::eq:
            return a == b;
        case Comparison::ne:
            return a < b || a > b;
        case Comparison::lt:
            return a < b;
        case Comparison::le:
            return a <= b;
        case Comparison::gt:
            return a > b;
        case Comparison::ge:
            return a >= b;
        case Comparison::equ:
            return !(a < b || a > b);
        case Comparison::neu:
            return !(a == b);
        case Comparison::ltu:
            return !(a >= b);
        case Comparison::leu:
            return !(a > b);
        case Comparison::gtu:
            return !(a <= b);
        case Comparison::geu:
            return !(a < b);
        case Comparison::num:
            return a == a && b == b;
        default:
            return !(a == a && b == b);
    }
}

/// What is compared: 16-bit formats as floats.
template <bool ftz, typename T>
SIMCUDA_INLINE T comparable(T value) {
    return value;
}
template <bool ftz>
SIMCUDA_INLINE float comparable(float value) {
    return read<ftz>(value);
}
template <bool ftz>
SIMCUDA_INLINE float comparable(Half value) {
    return widened(read<ftz>(value));
}
template <bool ftz>
SIMCUDA_INLINE float comparable(Bfloat value) {
    return widened(value);
}

template <Comparison comparison, typename T, bool ftz>
struct Compare {
    static bool of(T a, T b) { return compared<comparison>(comparable<ftz>(a), comparable<ftz>(b)); }

    /// All lanes: those that take no part have values too, and nothing traps.
    SIMCUDA_INLINE static LaneMask mask(const Operation& operation, const WarpRegisters& registers) {
        const Lane<T>* const a = lanes_at<T>(registers, operation.sources[0]);
        const Lane<T>* const b = lanes_at<T>(registers, operation.sources[1]);
        alignas(32) U32 truth[warp_size];
        for (int lane = 0; lane < warp_size; ++lane) {
            truth[lane] = of(__builtin_bit_cast(T, a[lane]), __builtin_bit_cast(T, b[lane])) ? ~U32{0} : 0U;
        }
        return collected(truth);
    }
};

/// How a comparison is combined with the predicate behind it is not worth a function for each.
SIMCUDA_INLINE LaneMask combined(LaneMask truth, const Operation& operation, const WarpRegisters& registers) {
    switch (static_cast<Combine>(operation.variant)) {
        case Combine::by_and:
            return truth & source_mask(operation, registers, 2);
        case Combine::by_or:
            return truth | source_mask(operation, registers, 2);
        case Combine::by_xor:
            return truth ^ source_mask(operation, registers, 2);
        default:
            return truth;
    }
}

/// Where nobody asked for the second result it goes where nobody reads it.
template <typename Compare>
void set_predicates(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    const LaneMask truth = Compare::mask(operation, registers);
    const LaneMask first = combined(truth, operation, registers);
    const LaneMask second = combined(~truth, operation, registers);
    write_mask(registers, operation.to, active, first);
    write_mask(registers, operation.also_to, active, second);
}

template <typename Compare, Lane<U32> yes>
void set_lanes(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    const LaneMask truth = combined(Compare::mask(operation, registers), operation, registers);
    Lane<U32>* const to = lanes_at<U32>(registers, operation.to);
    write_lanes_one_by_one(active, to, [=](int lane) { return (truth >> lane & 1U) != 0 ? yes : 0U; });
}

template <typename Compare>
Apply set_form(const Form& form) {
    if (form.opcode == Opcode::setp) return &set_predicates<Compare>;
    switch (form.type) {
        case Type::u32:
        case Type::s32:
            return &set_lanes<Compare, 0xffffffffU>;
        case Type::f32:
            return &set_lanes<Compare, Floating<float>::one>;
        default:
            return nullptr;
    }
}

template <typename T, bool ftz>
Apply ordered(const Form& form) {
    switch (form.comparison) {
        case Comparison::eq:
            return set_form<Compare<Comparison::eq, T, ftz>>(form);
        case Comparison::ne:
            return set_form<Compare<Comparison::ne, T, ftz>>(form);
        case Comparison::lt:
            return set_form<Compare<Comparison::lt, T, ftz>>(form);
        case Comparison::le:
            return set_form<Compare<Comparison::le, T, ftz>>(form);
        case Comparison::gt:
            return set_form<Compare<Comparison::gt, T, ftz>>(form);
        case Comparison::ge:
            return set_form<Compare<Comparison::ge, T, ftz>>(form);
        default:
            return nullptr;
    }
}

template <typename T>
Apply equal_or_not(const Form& form) {
    if (form.comparison != Comparison::eq && form.comparison != Comparison::ne) return nullptr;
    return ordered<T, false>(form);
}

template <typename T, bool ftz>
Apply floating(const Form& form) {
    switch (form.comparison) {
        case Comparison::equ:
            return set_form<Compare<Comparison::equ, T, ftz>>(form);
        case Comparison::neu:
            return set_form<Compare<Comparison::neu, T, ftz>>(form);
        case Comparison::ltu:
            return set_form<Compare<Comparison::ltu, T, ftz>>(form);
        case Comparison::leu:
            return set_form<Compare<Comparison::leu, T, ftz>>(form);
        case Comparison::gtu:
            return set_form<Compare<Comparison::gtu, T, ftz>>(form);
        case Comparison::geu:
            return set_form<Compare<Comparison::geu, T, ftz>>(form);
        case Comparison::num:
            return set_form<Compare<Comparison::num, T, ftz>>(form);
        case Comparison::nan:
            return set_form<Compare<Comparison::nan, T, ftz>>(form);
        default:
            return ordered<T, ftz>(form);
    }
}

Apply set_or_setp(const Form& form) {
    if (form.sources != (form.combine == Combine::none ? 2 : 3)) return nullptr;
    if (form.two_results && form.opcode != Opcode::setp) return nullptr;
    const bool ftz = form.has(flag::ftz);
    const Type type = form.opcode == Opcode::set ? form.other_type : form.type;
    if (ftz && type != Type::f32 && type != Type::f16) return nullptr;
    switch (type) {
        case Type::b16:
            return equal_or_not<U16>(form);
        case Type::b32:
            return equal_or_not<U32>(form);
        case Type::b64:
            return equal_or_not<U64>(form);
        case Type::u16:
            return ordered<U16, false>(form);
        case Type::u32:
            return ordered<U32, false>(form);
        case Type::u64:
            return ordered<U64, false>(form);
        case Type::s16:
            return ordered<S16, false>(form);
        case Type::s32:
            return ordered<S32, false>(form);
        case Type::s64:
            return ordered<S64, false>(form);
        case Type::f16:
            return ftz ? floating<Half, true>(form) : floating<Half, false>(form);
        case Type::bf16:
            return floating<Bfloat, false>(form);
        case Type::f32:
            return ftz ? floating<float, true>(form) : floating<float, false>(form);
        case Type::f64:
            return floating<double, false>(form);
        default:
            return nullptr;
    }
}

template <typename T>
void select_lanes(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    const LaneMask first = source_mask(operation, registers, 2);
    T* const to = lanes_at<T>(registers, operation.to);
    const T* const a = lanes_at<T>(registers, operation.sources[0]);
    const T* const b = lanes_at<T>(registers, operation.sources[1]);
    write_lanes(active, to, [=](int lane) { return (first >> lane & 1U) != 0 ? a[lane] : b[lane]; });
}

template <typename T>
T select_by_integer(T a, T b, S32 c) {
    return c >= 0 ? a : b;
}
template <typename T, bool ftz>
T select_by_float(T a, T b, float c) {
    return read<ftz>(c) >= 0.0F ? a : b;
}

template <typename T>
Apply select_by_sign(const Form& form) {
    if (form.other_type == Type::s32) return form.flags == 0 ? Lanes<&select_by_integer<T>>::apply : nullptr;
    if (form.other_type != Type::f32) return nullptr;
    return form.has(flag::ftz) ? Lanes<&select_by_float<T, true>>::apply : Lanes<&select_by_float<T, false>>::apply;
}

template <Mode property, typename T>
SIMCUDA_INLINE bool has_property(T value) {
    using F = Floating<T>;
    const auto magnitude = to_bits(value) & ~F::sign;
    constexpr auto lowest_normal = F::exponent & (~F::exponent + 1U) & ~F::sign;
    switch (property) {
        case Mode::finite:
            return magnitude < F::exponent;
        case Mode::infinite:
            return magnitude == F::exponent;
        case Mode::number:
            return magnitude <= F::exponent;
        case Mode::notanumber:
            return magnitude > F::exponent;
        case Mode::normal:
            return magnitude >= lowest_normal && magnitude < F::exponent;
        default:
            return magnitude != 0 && magnitude < lowest_normal;
    }
}

template <Mode property, typename T>
void test_property(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    const Lane<T>* const a = lanes_at<T>(registers, operation.sources[0]);
    alignas(32) U32 truth[warp_size];
    for (int lane = 0; lane < warp_size; ++lane) {
        truth[lane] = has_property<property>(__builtin_bit_cast(T, a[lane])) ? ~U32{0} : 0U;
    }
    write_mask(registers, operation.to, active, collected(truth));
}

template <typename T>
Apply property_test(Mode mode) {
    switch (mode) {
        case Mode::finite:
            return &test_property<Mode::finite, T>;
        case Mode::infinite:
            return &test_property<Mode::infinite, T>;
        case Mode::number:
            return &test_property<Mode::number, T>;
        case Mode::notanumber:
            return &test_property<Mode::notanumber, T>;
        case Mode::normal:
            return &test_property<Mode::normal, T>;
        case Mode::subnormal:
            return &test_property<Mode::subnormal, T>;
        default:
            return nullptr;
    }
}

}  // namespace

Apply comparison(const Form& form) {
    switch (form.opcode) {
        case Opcode::set:
        case Opcode::setp:
            return set_or_setp(form);
        case Opcode::selp:
            if (form.sources != 3) return nullptr;
            switch (form.bytes) {
                case 2:
                    return &select_lanes<U16>;
                case 4:
                    return &select_lanes<U32>;
                case 8:
                    return &select_lanes<U64>;
                default:
                    return nullptr;
            }
        case Opcode::slct:
            if (form.sources != 3) return nullptr;
            switch (form.bytes) {
                case 2:
                    return select_by_sign<U16>(form);
                case 4:
                    return select_by_sign<U32>(form);
                case 8:
                    return select_by_sign<U64>(form);
                default:
                    return nullptr;
            }
        case Opcode::testp:
            if (form.sources != 1) return nullptr;
            if (form.type == Type::f32) return property_test<float>(form.mode);
            return form.type == Type::f64 ? property_test<double>(form.mode) : nullptr;
        default:
            return nullptr;
    }
}

}  // namespace simcuda::interpreter::SIMCUDA_ARITHMETIC
