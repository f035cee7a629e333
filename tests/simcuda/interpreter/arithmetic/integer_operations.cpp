#include "interpreter/arithmetic/integers.hpp"

namespace simcuda::interpreter::SIMCUDA_ARITHMETIC {
namespace {

using ptx::Type;

template <typename T>
SIMCUDA_INLINE T saturated(S64 value) {
    if (value < S64{Integer<T>::lowest}) return Integer<T>::lowest;
    if (value > S64{Integer<T>::highest}) return Integer<T>::highest;
    return static_cast<T>(value);
}

template <typename T>
struct Add {
    static T of(T a, T b) { return static_cast<T>(static_cast<Compute<T>>(a) + static_cast<Compute<T>>(b)); }
};
template <typename T>
struct Sub {
    static T of(T a, T b) { return static_cast<T>(static_cast<Compute<T>>(a) - static_cast<Compute<T>>(b)); }
};
S32 add_saturated(S32 a, S32 b) { return saturated<S32>(S64{a} + b); }
S32 sub_saturated(S32 a, S32 b) { return saturated<S32>(S64{a} - b); }

template <typename T>
struct MulLow {
    static T of(T a, T b) { return static_cast<T>(static_cast<Compute<T>>(a) * static_cast<Compute<T>>(b)); }
};
template <typename T>
struct MulHigh {
    static T of(T a, T b) { return static_cast<T>((Wide<T>{a} * b) >> bits_of<T>); }
};
template <typename T>
struct MulWide {
    static Wide<T> of(T a, T b) { return Wide<T>{a} * b; }
};
template <typename T>
struct MadLow {
    static T of(T a, T b, T c) { return Add<T>::of(MulLow<T>::of(a, b), c); }
};
template <typename T>
struct MadHigh {
    static T of(T a, T b, T c) { return Add<T>::of(MulHigh<T>::of(a, b), c); }
};
template <typename T>
struct MadWide {
    static Wide<T> of(T a, T b, Wide<T> c) { return Add<Wide<T>>::of(MulWide<T>::of(a, b), c); }
};
// Products of two 16-bit numbers, of which the upper may not fit into an int.
template <>
struct MulHigh<U16> {
    static U16 of(U16 a, U16 b) { return static_cast<U16>((U32{a} * U32{b}) >> 16); }
};
template <>
struct MulWide<U16> {
    static U32 of(U16 a, U16 b) { return U32{a} * U32{b}; }
};
S32 mad_high_saturated(S32 a, S32 b, S32 c) { return saturated<S32>(S64{MulHigh<S32>::of(a, b)} + c); }

/// Of the 48 bits of a product of the low 24.
template <typename T>
SIMCUDA_INLINE S64 product24(T a, T b) {
    const auto low = [](T value) __attribute__((always_inline)) {
        return S64{static_cast<T>(static_cast<T>(static_cast<U32>(value) << 8) >> 8)};
    };
    return low(a) * low(b);
}
template <typename T>
struct Mul24Low {
    static T of(T a, T b) { return static_cast<T>(product24(a, b)); }
};
template <typename T>
struct Mul24High {
    static T of(T a, T b) { return static_cast<T>(product24(a, b) >> 16); }
};
template <typename T>
struct Mad24Low {
    static T of(T a, T b, T c) { return Add<T>::of(Mul24Low<T>::of(a, b), c); }
};
template <typename T>
struct Mad24High {
    static T of(T a, T b, T c) { return Add<T>::of(Mul24High<T>::of(a, b), c); }
};
S32 mad24_high_saturated(S32 a, S32 b, S32 c) { return saturated<S32>(S64{Mul24High<S32>::of(a, b)} + c); }

template <typename T>
struct Sad {
    static T of(T a, T b, T c) { return Add<T>::of(c, a < b ? Sub<T>::of(b, a) : Sub<T>::of(a, b)); }
};

// PTX leaves a division by zero open; the cards answer with all ones, and with the dividend as the remainder.
template <typename T>
struct Div {
    static T of(T a, T b) {
        if (b == 0) return static_cast<T>(~T{0});
        if (Integer<T>::is_signed && b == static_cast<T>(~T{0})) return Sub<T>::of(0, a);
        return static_cast<T>(a / b);
    }
};
template <typename T>
struct Rem {
    static T of(T a, T b) {
        if (b == 0) return a;
        if (Integer<T>::is_signed && b == static_cast<T>(~T{0})) return 0;
        return static_cast<T>(a % b);
    }
};

template <typename T>
struct Min {
    static T of(T a, T b) { return b < a ? b : a; }
};
template <typename T>
struct Max {
    static T of(T a, T b) { return a < b ? b : a; }
};
template <typename T>
struct Neg {
    static T of(T a) { return Sub<T>::of(0, a); }
};
template <typename T>
struct Abs {
    static T of(T a) { return a < 0 ? Neg<T>::of(a) : a; }
};

template <typename A, typename B, typename Result>
Result dot4(U32 a, U32 b, Result c) {
    U32 sum = static_cast<U32>(c);
    for (int shift = 0; shift < 32; shift += 8) {
        sum += static_cast<U32>(S32{static_cast<A>(a >> shift)} * S32{static_cast<B>(b >> shift)});
    }
    return static_cast<Result>(sum);
}

/// Two 16-bit numbers of `a` with the lower or upper two bytes of `b`.
template <typename A, typename B, typename Result, int from>
Result dot2(U32 a, U32 b, Result c) {
    U32 sum = static_cast<U32>(c);
    for (int part = 0; part < 2; ++part) {
        sum += static_cast<U32>(S32{static_cast<A>(a >> (16 * part))} * S32{static_cast<B>(b >> (from + 8 * part))});
    }
    return static_cast<Result>(sum);
}

Apply dot_product4(const Form& form) {
    const bool a = form.type == Type::s32;
    const bool b = form.other_type == Type::s32;
    if ((!a && form.type != Type::u32) || (!b && form.other_type != Type::u32)) return nullptr;
    if (a) return b ? Lanes<&dot4<S8, S8, S32>>::apply : Lanes<&dot4<S8, U8, S32>>::apply;
    return b ? Lanes<&dot4<U8, S8, S32>>::apply : Lanes<&dot4<U8, U8, U32>>::apply;
}

template <int from>
Apply dot_product2(const Form& form) {
    const bool a = form.type == Type::s32;
    const bool b = form.other_type == Type::s32;
    if ((!a && form.type != Type::u32) || (!b && form.other_type != Type::u32)) return nullptr;
    if (a) return b ? Lanes<&dot2<S16, S8, S32, from>>::apply : Lanes<&dot2<S16, U8, S32, from>>::apply;
    return b ? Lanes<&dot2<U16, S8, S32, from>>::apply : Lanes<&dot2<U16, U8, U32, from>>::apply;
}

template <template <typename> class Function>
Apply for_24_bits(Type type) {
    if (type == Type::u32) return Lanes<&Function<U32>::of>::apply;
    return type == Type::s32 ? Lanes<&Function<S32>::of>::apply : nullptr;
}

template <template <typename> class Function>
Apply for_widening(Type type) {
    switch (type) {
        case Type::u16:
            return Lanes<&Function<U16>::of>::apply;
        case Type::u32:
            return Lanes<&Function<U32>::of>::apply;
        case Type::s16:
            return Lanes<&Function<S16>::of>::apply;
        case Type::s32:
            return Lanes<&Function<S32>::of>::apply;
        default:
            return nullptr;
    }
}

/// One lane after another for 16 bits, where GCC 12 multiplies signed numbers as if they were not.
template <template <typename> class Function>
Apply for_high_part(Type type) {
    switch (type) {
        case Type::u16:
            return Lanes<&Function<U16>::of, true>::apply;
        case Type::s16:
            return Lanes<&Function<S16>::of, true>::apply;
        default:
            return for_wide_integer<Function>(type);
    }
}

Apply multiplication(const Form& form) {
    switch (form.flags) {
        case flag::lo:
            return for_integer<MulLow>(form.type);
        case flag::hi:
            return for_high_part<MulHigh>(form.type);
        case flag::wide:
            return for_widening<MulWide>(form.type);
        default:
            return nullptr;
    }
}

Apply multiplication_and_addition(const Form& form) {
    switch (form.flags) {
        case flag::lo:
            return for_integer<MadLow>(form.type);
        case flag::hi:
            return for_high_part<MadHigh>(form.type);
        case flag::wide:
            return for_widening<MadWide>(form.type);
        case flag::hi | flag::sat:
            return form.type == Type::s32 ? Lanes<&mad_high_saturated>::apply : nullptr;
        default:
            return nullptr;
    }
}

}  // namespace

Apply integer_operation(const Form& form) {
    const bool saturates = form.flags == flag::sat && form.type == Type::s32;
    const int sources = form.sources;
    switch (form.opcode) {
        case Opcode::add:
            if (sources != 2) return nullptr;
            if (saturates) return Lanes<&add_saturated>::apply;
            return form.flags == 0 ? for_integer<Add>(form.type) : nullptr;
        case Opcode::sub:
            if (sources != 2) return nullptr;
            if (saturates) return Lanes<&sub_saturated>::apply;
            return form.flags == 0 ? for_integer<Sub>(form.type) : nullptr;
        case Opcode::mul:
            return sources == 2 ? multiplication(form) : nullptr;
        case Opcode::mad:
            return sources == 3 ? multiplication_and_addition(form) : nullptr;
        case Opcode::mul24:
            if (sources != 2) return nullptr;
            if (form.flags == flag::lo) return for_24_bits<Mul24Low>(form.type);
            return form.flags == flag::hi ? for_24_bits<Mul24High>(form.type) : nullptr;
        case Opcode::mad24:
            if (sources != 3) return nullptr;
            if (form.flags == flag::lo) return for_24_bits<Mad24Low>(form.type);
            if (form.flags == flag::hi) return for_24_bits<Mad24High>(form.type);
            if (form.flags == (flag::hi | flag::sat) && form.type == Type::s32) {
                return Lanes<&mad24_high_saturated>::apply;
            }
            return nullptr;
        case Opcode::sad:
            return sources == 3 ? for_integer<Sad>(form.type) : nullptr;
        case Opcode::div:
            return sources == 2 && form.flags == 0 ? for_integer<Div>(form.type) : nullptr;
        case Opcode::rem:
            return sources == 2 ? for_integer<Rem>(form.type) : nullptr;
        case Opcode::min:
            return sources == 2 && form.flags == 0 ? for_integer<Min>(form.type) : nullptr;
        case Opcode::max:
            return sources == 2 && form.flags == 0 ? for_integer<Max>(form.type) : nullptr;
        case Opcode::neg:
            return sources == 1 && form.flags == 0 ? for_signed<Neg>(form.type) : nullptr;
        case Opcode::abs:
            return sources == 1 && form.flags == 0 ? for_signed<Abs>(form.type) : nullptr;
        case Opcode::dp4a:
            return sources == 3 ? dot_product4(form) : nullptr;
        case Opcode::dp2a:
            if (sources != 3) return nullptr;
            if (form.flags == flag::lo) return dot_product2<0>(form);
            return form.flags == flag::hi ? dot_product2<16>(form) : nullptr;
        default:
            return nullptr;
    }
}

}  // namespace simcuda::interpreter::SIMCUDA_ARITHMETIC
