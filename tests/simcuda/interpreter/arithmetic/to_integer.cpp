#include "interpreter/arithmetic/numbers.hpp"
#include "interpreter/arithmetic/slots.hpp"

namespace simcuda::interpreter::SIMCUDA_ARITHMETIC {
namespace {

using ptx::Type;

template <bool ftz>
SIMCUDA_INLINE float number(float value) {
    return read<ftz>(value);
}
template <bool ftz>
SIMCUDA_INLINE double number(double value) {
    return value;
}
template <bool ftz>
SIMCUDA_INLINE float number(Half value) {
    return widened(value);
}
template <bool ftz>
SIMCUDA_INLINE float number(Bfloat value) {
    return widened(value);
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
            return value;  // the conversion truncates
    }
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
            return value;
    }
}

/// Numbers that do not fit become the nearest that does. A NaN becomes 0, or the highest bit alone where 64 bits are
/// read or written.
template <typename To, typename From, Rounding rounding, bool ftz>
typename To::Register convert(From from) {
    using Integral = typename To::Type;
    using Limits = Integer<Integral>;
    const auto value = integral<rounding>(number<ftz>(from));
    using Number = decltype(number<ftz>(from));
    constexpr Number half_range = static_cast<Number>(U64{1} << (bits_of<Integral> - 1));
    constexpr Number end = Limits::is_signed ? half_range : 2 * half_range;
    constexpr Number begin = Limits::is_signed ? -half_range : Number{0};
    constexpr bool highest_bit = sizeof(From) == 8 || sizeof(Integral) == 8;
    constexpr Integral of_nan = highest_bit ? static_cast<Integral>(U64{1} << (bits_of<Integral> - 1)) : Integral{0};
    const bool below = value < begin;
    const bool above = value >= end;
    const bool nan = is_nan(value);
    const Number safe = below || above || nan ? Number{0} : value;
    Integral result = 0;
    if constexpr (sizeof(Integral) < 4) {
        result = static_cast<Integral>(static_cast<S32>(safe));
    } else {
        result = static_cast<Integral>(safe);
    }
    result = below ? Limits::lowest : result;
    result = above ? Limits::highest : result;
    result = nan ? of_nan : result;
    return To::written(result);
}

template <typename From, Rounding rounding, bool ftz>
Apply to_slot(const Form& form) {
    constexpr bool rare = ftz || sizeof(From) != sizeof(float);
    return with_slot(form.type, form.to_bytes, []<typename To>(To) -> Apply {
        constexpr bool wider =
            sizeof(typename To::Register) > (sizeof(typename To::Type) == 1 ? 2 : sizeof(typename To::Type));
        return Lanes < &convert<To, From, rounding, ftz>, rare || wider > ::apply;
    });
}

template <typename From, bool ftz>
Apply with_rounding(const Form& form) {
    switch (form.rounding) {
        case Rounding::nearest:
            return to_slot<From, Rounding::nearest, ftz>(form);
        case Rounding::zero:
            return to_slot<From, Rounding::zero, ftz>(form);
        case Rounding::down:
            return to_slot<From, Rounding::down, ftz>(form);
        case Rounding::up:
            return to_slot<From, Rounding::up, ftz>(form);
        default:
            return nullptr;
    }
}

}  // namespace

Apply to_integer(const Form& form) {
    if (form.opcode != Opcode::cvt || form.sources != 1 || form.has(flag::rounding | flag::relu)) return nullptr;
    if (form.from_bytes != form.other_bytes) return nullptr;
    const bool ftz = form.has(flag::ftz);
    switch (form.other_type) {
        case Type::f16:
            return ftz ? nullptr : with_rounding<Half, false>(form);
        case Type::bf16:
            return ftz ? nullptr : with_rounding<Bfloat, false>(form);
        case Type::f32:
            return ftz ? with_rounding<float, true>(form) : with_rounding<float, false>(form);
        case Type::f64:
            return ftz ? nullptr : with_rounding<double, false>(form);
        default:
            return nullptr;
    }
}

}  // namespace simcuda::interpreter::SIMCUDA_ARITHMETIC
