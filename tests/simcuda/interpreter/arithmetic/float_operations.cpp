#include <math.h>

#include "interpreter/arithmetic/directed.hpp"
#include "interpreter/arithmetic/extremes.hpp"
#include "interpreter/arithmetic/numbers.hpp"

namespace simcuda::interpreter::SIMCUDA_ARITHMETIC {
namespace {

using ptx::Type;

SIMCUDA_INLINE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
SIMCUDA_INLINE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
SIMCUDA_INLINE float root(float a) { return __builtin_sqrtf(a); }
SIMCUDA_INLINE double root(double a) { return __builtin_sqrt(a); }

template <typename T, bool ftz, bool sat>
struct Add {
    static T of(T a, T b) { return finished<ftz, sat>(read<ftz>(a) + read<ftz>(b)); }
};
template <typename T, bool ftz, bool sat>
struct Sub {
    static T of(T a, T b) { return finished<ftz, sat>(read<ftz>(a) - read<ftz>(b)); }
};
template <typename T, bool ftz, bool sat>
struct Mul {
    static T of(T a, T b) { return finished<ftz, sat>(read<ftz>(a) * read<ftz>(b)); }
};
template <typename T, bool ftz, bool sat>
struct Fma {
    static T of(T a, T b, T c) { return finished<ftz, sat>(fused(read<ftz>(a), read<ftz>(b), read<ftz>(c))); }
};
template <typename T, bool ftz>
struct Div {
    static T of(T a, T b) { return finished<ftz, false>(read<ftz>(a) / read<ftz>(b)); }
};
template <typename T, bool ftz>
struct Rcp {
    static T of(T a) { return finished<ftz, false>(T{1} / read<ftz>(a)); }
};
template <typename T, bool ftz>
struct Sqrt {
    static T of(T a) { return finished<ftz, false>(root(read<ftz>(a))); }
};
template <typename T, bool ftz>
struct Neg {
    static T of(T a) { return from_bits<T>(to_bits(read<ftz>(a)) ^ Floating<T>::sign); }
};
template <typename T, bool ftz>
struct Abs {
    static T of(T a) { return from_bits<T>(to_bits(read<ftz>(a)) & ~Floating<T>::sign); }
};
template <typename T>
T copy_sign(T sign, T magnitude) {
    using F = Floating<T>;
    return from_bits<T>((to_bits(magnitude) & ~F::sign) | (to_bits(sign) & F::sign));
}

// The approximations, as the numbers nearest to the function.
template <bool ftz>
struct Rsqrt {
    static float of(float a) {
        return finished<ftz, false>(static_cast<float>(1.0 / __builtin_sqrt(double{read<ftz>(a)})));
    }
};
template <bool ftz>
struct Ex2 {
    static float of(float a) { return finished<ftz, false>(static_cast<float>(exp2(double{read<ftz>(a)}))); }
};
template <bool ftz>
struct Lg2 {
    static float of(float a) { return finished<ftz, false>(static_cast<float>(log2(double{read<ftz>(a)}))); }
};
template <bool ftz>
struct Sin {
    static float of(float a) { return finished<ftz, false>(static_cast<float>(sin(double{read<ftz>(a)}))); }
};
template <bool ftz>
struct Cos {
    static float of(float a) { return finished<ftz, false>(static_cast<float>(cos(double{read<ftz>(a)}))); }
};
float hyperbolic_tangent(float a) { return finished<false, false>(static_cast<float>(tanh(double{a}))); }
double inverse_root(double a) { return finished<false, false>(1.0 / __builtin_sqrt(a)); }

/// Of doubles, the approximations read and write the upper 32 bits.
SIMCUDA_INLINE double upper_half(double value) { return from_bits<double>(to_bits(value) & 0xffffffff00000000U); }
double gross_reciprocal(double a) { return upper_half(finished<true, false>(1.0 / upper_half(read<true>(a)))); }
double gross_inverse_root(double a) {
    return upper_half(finished<true, false>(1.0 / __builtin_sqrt(upper_half(read<true>(a)))));
}

template <template <typename, bool, bool> class Function>
Apply with_saturation(const Form& form) {
    if (form.has(flag::approx | flag::lo | flag::hi | flag::wide | flag::relu)) return nullptr;
    if (form.type == Type::f64) {
        if (form.has(flag::ftz | flag::sat)) return nullptr;
        return rounded<&Function<double, false, false>::of>(form.rounding);
    }
    if (form.type != Type::f32) return nullptr;
    switch (form.flags & (flag::ftz | flag::sat)) {
        case 0:
            return rounded<&Function<float, false, false>::of>(form.rounding);
        case flag::ftz:
            return rounded<&Function<float, true, false>::of>(form.rounding);
        case flag::sat:
            return rounded<&Function<float, false, true>::of>(form.rounding);
        default:
            return rounded<&Function<float, true, true>::of>(form.rounding);
    }
}

/// Division and roots: with a rounding, or (of floats) an approximation.
template <template <typename, bool> class Function>
Apply exact_or_approximate(const Form& form) {
    const Flags kind = form.flags & ~flag::ftz;
    if (form.type == Type::f64) {
        return form.flags == flag::rounding ? rounded<&Function<double, false>::of>(form.rounding) : nullptr;
    }
    if (form.type != Type::f32 || (kind != flag::rounding && kind != flag::approx && kind != flag::full)) {
        return nullptr;
    }
    return form.has(flag::ftz) ? rounded<&Function<float, true>::of>(form.rounding)
                               : rounded<&Function<float, false>::of>(form.rounding);
}

template <template <bool> class Function>
Apply approximate(const Form& form) {
    if (form.type != Type::f32 || !form.has(flag::approx)) return nullptr;
    return form.has(flag::ftz) ? Lanes<&Function<true>::of>::apply : Lanes<&Function<false>::of>::apply;
}

template <template <typename, bool> class Function>
Apply sign_change(const Form& form) {
    if (form.type == Type::f64) return form.flags == 0 ? Lanes<&Function<double, false>::of>::apply : nullptr;
    if (form.type != Type::f32) return nullptr;
    return form.has(flag::ftz) ? Lanes<&Function<float, true>::of>::apply : Lanes<&Function<float, false>::of>::apply;
}

template <bool largest>
Apply choice(const Form& form) {
    if (form.type == Type::f64)
        return form.flags == 0 ? Lanes<&extreme<largest, false, false, double>>::apply : nullptr;
    if (form.type != Type::f32) return nullptr;
    switch (form.flags) {
        case 0:
            return Lanes<&extreme<largest, false, false, float>>::apply;
        case flag::ftz:
            return Lanes<&extreme<largest, true, false, float>>::apply;
        case flag::nan:
            return Lanes<&extreme<largest, false, true, float>>::apply;
        case flag::ftz | flag::nan:
            return Lanes<&extreme<largest, true, true, float>>::apply;
        default:
            return nullptr;
    }
}

Apply reciprocal(const Form& form) {
    if (form.type == Type::f64 && form.flags == (flag::approx | flag::ftz)) return Lanes<&gross_reciprocal>::apply;
    return exact_or_approximate<Rcp>(form);
}

Apply reciprocal_root(const Form& form) {
    if (form.type == Type::f64) {
        if (form.flags == (flag::approx | flag::ftz)) return Lanes<&gross_inverse_root>::apply;
        return form.flags == flag::approx ? Lanes<&inverse_root>::apply : nullptr;
    }
    return approximate<Rsqrt>(form);
}

Apply of_one(const Form& form) {
    switch (form.opcode) {
        case Opcode::rcp:
            return reciprocal(form);
        case Opcode::sqrt:
            return exact_or_approximate<Sqrt>(form);
        case Opcode::rsqrt:
            return reciprocal_root(form);
        case Opcode::ex2:
            return approximate<Ex2>(form);
        case Opcode::lg2:
            return approximate<Lg2>(form);
        case Opcode::sin:
            return approximate<Sin>(form);
        case Opcode::cos:
            return approximate<Cos>(form);
        case Opcode::tanh:
            return form.type == Type::f32 && form.flags == flag::approx ? Lanes<&hyperbolic_tangent>::apply : nullptr;
        case Opcode::neg:
            return sign_change<Neg>(form);
        case Opcode::abs:
            return sign_change<Abs>(form);
        default:
            return nullptr;
    }
}

Apply of_two(const Form& form) {
    switch (form.opcode) {
        case Opcode::add:
            return with_saturation<Add>(form);
        case Opcode::sub:
            return with_saturation<Sub>(form);
        case Opcode::mul:
            return with_saturation<Mul>(form);
        case Opcode::div:
            return exact_or_approximate<Div>(form);
        case Opcode::min:
            return choice<false>(form);
        case Opcode::max:
            return choice<true>(form);
        case Opcode::copysign:
            if (form.type == Type::f32) return Lanes<&copy_sign<float>>::apply;
            return form.type == Type::f64 ? Lanes<&copy_sign<double>>::apply : nullptr;
        default:
            return nullptr;
    }
}

}  // namespace

Apply float_operation(const Form& form) {
    if (form.has(flag::rounding_to_integer)) return nullptr;
    switch (form.sources) {
        case 1:
            return of_one(form);
        case 2:
            return of_two(form);
        case 3:
            if (form.opcode != Opcode::fma && form.opcode != Opcode::mad) return nullptr;
            return form.has(flag::rounding) ? with_saturation<Fma>(form) : nullptr;
        default:
            return nullptr;
    }
}

}  // namespace simcuda::interpreter::SIMCUDA_ARITHMETIC
