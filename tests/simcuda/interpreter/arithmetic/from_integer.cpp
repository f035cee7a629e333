#include "interpreter/arithmetic/directed.hpp"
#include "interpreter/arithmetic/numbers.hpp"
#include "interpreter/arithmetic/slots.hpp"

namespace simcuda::interpreter::SIMCUDA_ARITHMETIC {
namespace {

using ptx::Type;

/// The value, or where a double cannot hold it one beside it whose last bit is set: rounding that is rounding once.
template <typename T>
SIMCUDA_INLINE double exact_or_odd(T value) {
    if constexpr (sizeof(T) < 8) {
        return static_cast<double>(value);
    } else {
        const bool negative = value < 0;
        U64 magnitude = negative ? U64{0} - static_cast<U64>(value) : static_cast<U64>(value);
        if (magnitude >> 53 != 0) magnitude = (magnitude & ~U64{0x7ff}) | ((magnitude & 0x7ffU) != 0 ? 0x800U : 0U);
        const double number = static_cast<double>(magnitude);
        return negative ? -number : number;
    }
}

template <typename To, typename From>
To convert(typename From::Register raw) {
    return static_cast<To>(From::read(raw));
}

template <typename Small, typename From, Rounding rounding>
Small convert_small(typename From::Register raw) {
    return narrowed<Small>(exact_or_odd(From::read(raw)), rounding);
}

/// Clamped to 0..1, whatever the rounding.
template <typename To, typename From>
To convert_saturated(typename From::Register raw) {
    using Bits = typename Floating<To>::Bits;
    return from_bits<To>(From::read(raw) > 0 ? Floating<To>::one : Bits{0});
}

template <typename To, typename From>
Apply of_types(const Form& form) {
    if (form.has(flag::sat)) return Lanes<&convert_saturated<To, From>, true>::apply;
    if constexpr (sizeof(To) >= 4) {
        return rounded<&convert<To, From>>(form.rounding);
    } else {
        switch (form.rounding) {
            case Rounding::zero:
                return Lanes<&convert_small<To, From, Rounding::zero>, true>::apply;
            case Rounding::down:
                return Lanes<&convert_small<To, From, Rounding::down>, true>::apply;
            case Rounding::up:
                return Lanes<&convert_small<To, From, Rounding::up>, true>::apply;
            default:
                return Lanes<&convert_small<To, From, Rounding::nearest>>::apply;
        }
    }
}

}  // namespace

Apply from_integer(const Form& form) {
    if (form.opcode != Opcode::cvt || form.sources != 1 || form.has(flag::rounding_to_integer | flag::relu)) {
        return nullptr;
    }
    if (form.to_bytes != form.bytes || (form.has(flag::ftz) && form.type != Type::f32)) return nullptr;
    return with_slot(form.other_type, form.from_bytes, [&]<typename From>(From) -> Apply {
        switch (form.type) {
            case Type::f16:
                return of_types<Half, From>(form);
            case Type::bf16:
                return of_types<Bfloat, From>(form);
            case Type::f32:
                return of_types<float, From>(form);
            case Type::f64:
                return of_types<double, From>(form);
            default:
                return nullptr;
        }
    });
}

}  // namespace simcuda::interpreter::SIMCUDA_ARITHMETIC
