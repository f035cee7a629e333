#include <math.h>

#include "interpreter/arithmetic/extremes.hpp"
#include "interpreter/arithmetic/numbers.hpp"

namespace simcuda::interpreter::SIMCUDA_ARITHMETIC {
namespace {

using ptx::Type;

template <bool ftz, typename Small>
SIMCUDA_INLINE float operand(Small value) {
    return widened(read<ftz>(value));
}

template <typename Small, bool ftz, bool sat, bool relu>
SIMCUDA_INLINE Small result(double value) {
    return finished_small<ftz, sat, relu>(narrowed<Small>(value, Rounding::nearest));
}
/// Of a sum or product of two that is rounded to a float already. One has more than twice the bits of either format,
/// and where it is subnormal still every bit of a product that counts: rounding again gives what rounding once does.
template <typename Small, bool ftz, bool sat, bool relu>
SIMCUDA_INLINE Small result(float value) {
    return finished_small<ftz, sat, relu>(nearest<Small>(value));
}

template <typename Small, bool ftz, bool sat, bool relu>
struct Add {
    static Small of(Small a, Small b) { return result<Small, ftz, sat, relu>(operand<ftz>(a) + operand<ftz>(b)); }
};
template <typename Small, bool ftz, bool sat, bool relu>
struct Sub {
    static Small of(Small a, Small b) { return result<Small, ftz, sat, relu>(operand<ftz>(a) - operand<ftz>(b)); }
};
template <typename Small, bool ftz, bool sat, bool relu>
struct Mul {
    static Small of(Small a, Small b) { return result<Small, ftz, sat, relu>(operand<ftz>(a) * operand<ftz>(b)); }
};
template <typename Small, bool ftz, bool sat, bool relu>
struct Fma {
    static Small of(Small a, Small b, Small c) {
        const double product = double{operand<ftz>(a)} * double{operand<ftz>(b)};
        return result<Small, ftz, sat, relu>(sum_to_odd(product, double{operand<ftz>(c)}));
    }
};
template <typename Small, bool ftz, bool sat, bool relu>
struct Neg {
    static Small of(Small a) { return {static_cast<U16>(read<ftz>(a).bits ^ Floating<Small>::sign)}; }
};
template <typename Small, bool ftz, bool sat, bool relu>
struct Abs {
    static Small of(Small a) { return {static_cast<U16>(read<ftz>(a).bits & ~Floating<Small>::sign)}; }
};
template <typename Small, bool ftz, bool sat, bool relu>
struct Ex2 {
    static Small of(Small a) { return result<Small, ftz, sat, relu>(exp2(double{operand<ftz>(a)})); }
};
template <typename Small, bool ftz, bool sat, bool relu>
struct Tanh {
    static Small of(Small a) { return result<Small, ftz, sat, relu>(tanh(double{operand<ftz>(a)})); }
};

/// The halves of a register, which others use as a whole.
using Part [[gnu::may_alias]] = U16;
constexpr int parts = 2 * warp_size;

template <typename Small>
SIMCUDA_INLINE const Part* parts_at(const WarpRegisters& registers, Place place) {
    return reinterpret_cast<const Part*>(lanes_at<Pair<Small>>(registers, place));
}

/// Lanes for both halves of a register: 64 numbers one after another.
template <typename Small, typename Value>
SIMCUDA_INLINE void write_parts(const Operation& operation, const WarpRegisters& registers, LaneMask active,
                                const Value& value) {
    alignas(32) Small made[parts];
    for (int part = 0; part < parts; ++part) made[part] = value(part);
    write_lanes(active, lanes_at<Pair<Small>>(registers, operation.to), [&](int lane) {
        return __builtin_bit_cast(U32, Pair<Small>{made[2 * lane], made[2 * lane + 1]});
    });
}

template <auto function, typename Signature = decltype(function)>
struct Twice;
template <auto function, typename Small>
struct Twice<function, Small (*)(Small)> {
    static void apply(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
        const Part* const a = parts_at<Small>(registers, operation.sources[0]);
        write_parts<Small>(operation, registers, active, [=](int part) { return function(Small{a[part]}); });
    }
};
template <auto function, typename Small>
struct Twice<function, Small (*)(Small, Small)> {
    static void apply(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
        const Part* const a = parts_at<Small>(registers, operation.sources[0]);
        const Part* const b = parts_at<Small>(registers, operation.sources[1]);
        write_parts<Small>(operation, registers, active,
                           [=](int part) { return function(Small{a[part]}, Small{b[part]}); });
    }
};
template <auto function, typename Small>
struct Twice<function, Small (*)(Small, Small, Small)> {
    static void apply(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
        const Part* const a = parts_at<Small>(registers, operation.sources[0]);
        const Part* const b = parts_at<Small>(registers, operation.sources[1]);
        const Part* const c = parts_at<Small>(registers, operation.sources[2]);
        write_parts<Small>(operation, registers, active,
                           [=](int part) { return function(Small{a[part]}, Small{b[part]}, Small{c[part]}); });
    }
};

bool is_pair(Type type) { return type == Type::f16x2 || type == Type::bf16x2; }
bool is_half(Type type) { return type == Type::f16 || type == Type::f16x2; }
bool is_bfloat(Type type) { return type == Type::bf16 || type == Type::bf16x2; }

template <auto function>
Apply once_or_twice(Type type) {
    return is_pair(type) ? Twice<function>::apply : Lanes<function>::apply;
}

/// The modifiers that are left beside `.rn` or `.approx`.
template <template <typename, bool, bool, bool> class Function>
Apply with_result(const Form& form, Flags beside, Flags allowed) {
    const Flags flags = form.flags & ~beside;
    if ((flags & ~allowed) != 0 || (form.rounding != Rounding::none && form.rounding != Rounding::nearest)) {
        return nullptr;
    }
    if (is_bfloat(form.type)) {
        if (flags == flag::relu) return once_or_twice<&Function<Bfloat, false, false, true>::of>(form.type);
        return flags == 0 ? once_or_twice<&Function<Bfloat, false, false, false>::of>(form.type) : nullptr;
    }
    switch (flags) {
        case 0:
            return once_or_twice<&Function<Half, false, false, false>::of>(form.type);
        case flag::ftz:
            return once_or_twice<&Function<Half, true, false, false>::of>(form.type);
        case flag::sat:
            return once_or_twice<&Function<Half, false, true, false>::of>(form.type);
        case flag::ftz | flag::sat:
            return once_or_twice<&Function<Half, true, true, false>::of>(form.type);
        case flag::relu:
            return once_or_twice<&Function<Half, false, false, true>::of>(form.type);
        case flag::ftz | flag::relu:
            return once_or_twice<&Function<Half, true, false, true>::of>(form.type);
        default:
            return nullptr;
    }
}

template <bool largest>
Apply choice(const Form& form) {
    if (is_bfloat(form.type)) {
        if (form.flags == flag::nan) return once_or_twice<&extreme<largest, false, true, Bfloat>>(form.type);
        return form.flags == 0 ? once_or_twice<&extreme<largest, false, false, Bfloat>>(form.type) : nullptr;
    }
    switch (form.flags) {
        case 0:
            return once_or_twice<&extreme<largest, false, false, Half>>(form.type);
        case flag::ftz:
            return once_or_twice<&extreme<largest, true, false, Half>>(form.type);
        case flag::nan:
            return once_or_twice<&extreme<largest, false, true, Half>>(form.type);
        case flag::ftz | flag::nan:
            return once_or_twice<&extreme<largest, true, true, Half>>(form.type);
        default:
            return nullptr;
    }
}

Apply of_one(const Form& form) {
    switch (form.opcode) {
        case Opcode::neg:
            return with_result<Neg>(form, 0, flag::ftz);
        case Opcode::abs:
            return with_result<Abs>(form, 0, flag::ftz);
        case Opcode::ex2:
            // ex2.approx.ftz.bf16 flushes what only the narrower exponents of a half could keep.
            if (is_bfloat(form.type))
                return form.flags == (flag::approx | flag::ftz)
                           ? once_or_twice<&Ex2<Bfloat, true, false, false>::of>(form.type)
                           : nullptr;
            return form.has(flag::approx) ? with_result<Ex2>(form, flag::approx, flag::ftz) : nullptr;
        case Opcode::tanh:
            return form.has(flag::approx) ? with_result<Tanh>(form, flag::approx, 0) : nullptr;
        default:
            return nullptr;
    }
}

}  // namespace

Apply half_operation(const Form& form) {
    if (!is_half(form.type) && !is_bfloat(form.type)) return nullptr;
    constexpr Flags ftz_sat = flag::ftz | flag::sat;
    switch (form.sources) {
        case 1:
            return of_one(form);
        case 2:
            switch (form.opcode) {
                case Opcode::add:
                    return with_result<Add>(form, flag::rounding, ftz_sat);
                case Opcode::sub:
                    return with_result<Sub>(form, flag::rounding, ftz_sat);
                case Opcode::mul:
                    return with_result<Mul>(form, flag::rounding, ftz_sat);
                case Opcode::min:
                    return choice<false>(form);
                case Opcode::max:
                    return choice<true>(form);
                default:
                    return nullptr;
            }
        case 3:
            if (form.opcode != Opcode::fma || !form.has(flag::rounding)) return nullptr;
            return with_result<Fma>(form, flag::rounding, ftz_sat | flag::relu);
        default:
            return nullptr;
    }
}

}  // namespace simcuda::interpreter::SIMCUDA_ARITHMETIC
