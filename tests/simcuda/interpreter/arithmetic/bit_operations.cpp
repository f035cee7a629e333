#include "interpreter/arithmetic/integers.hpp"

namespace simcuda::interpreter::SIMCUDA_ARITHMETIC {
namespace {

using ptx::Type;

template <typename T>
struct And {
    static T of(T a, T b) { return a & b; }
};
template <typename T>
struct Or {
    static T of(T a, T b) { return a | b; }
};
template <typename T>
struct Xor {
    static T of(T a, T b) { return a ^ b; }
};
template <typename T>
struct Not {
    static T of(T a) { return static_cast<T>(~a); }
};
template <typename T>
struct Cnot {
    static T of(T a) { return a == 0 ? T{1} : T{0}; }
};

/// `table` has the result for every combination of three bits, that of `a` counting most.
U32 logic3(U32 a, U32 b, U32 c, U32 table) {
    U32 result = 0;
    for (U32 row = 0; row < 8; ++row) {
        const U32 chosen = 0U - (table >> row & 1U);
        result |= chosen & ((row & 4U) != 0 ? a : ~a) & ((row & 2U) != 0 ? b : ~b) & ((row & 1U) != 0 ? c : ~c);
    }
    return result;
}

template <typename T>
struct ShiftLeft {
    static T of(T a, U32 by) { return by < bits_of<T> ? static_cast<T>(a << (by & (bits_of<T> - 1U))) : T{0}; }
};
template <typename T>
struct ShiftRight {
    static T of(T a, U32 by) {
        if constexpr (Integer<T>::is_signed) {
            return static_cast<T>(a >> (by < bits_of<T> ? by : bits_of<T> - 1U));
        } else {
            return by < bits_of<T> ? static_cast<T>(a >> (by & (bits_of<T> - 1U))) : T{0};
        }
    }
};

template <bool left, bool wrap>
U32 funnel_shift(U32 low, U32 high, U32 by) {
    const U32 amount = wrap ? by & 31U : (by < 32U ? by : 32U);
    const U64 both = U64{high} << 32 | low;
    return static_cast<U32>(left ? both << amount >> 32 : both >> amount);
}

template <typename T>
struct ExtractField {
    static T of(T a, U32 position, U32 length) {
        position &= 0xffU;
        length &= 0xffU;
        constexpr U32 last = bits_of<T> - 1U;
        using Bits = Unsigned<T>;
        const Bits bits = static_cast<Bits>(a);
        Bits sign = 0;
        if (Integer<T>::is_signed && length != 0) {
            const U32 end = position + length - 1U;
            sign = static_cast<Bits>(Bits{0} - (bits >> (end < last ? end : last) & 1U));
        }
        const Bits moved = position <= last ? static_cast<Bits>(bits >> (position & last)) : Bits{0};
        const U32 there = position <= last ? bits_of<T> - position : 0;
        const U32 kept = length < there ? length : there;
        const Bits mask =
            kept > last ? static_cast<Bits>(~Bits{0}) : static_cast<Bits>((Bits{1} << (kept & last)) - 1U);
        return static_cast<T>((moved & mask) | (sign & ~mask));
    }
};

template <typename T>
struct InsertField {
    static T of(T field, T into, U32 position, U32 length) {
        position &= 0xffU;
        length &= 0xffU;
        constexpr U32 last = bits_of<T> - 1U;
        const T mask = length > last ? static_cast<T>(~T{0}) : static_cast<T>((T{1} << (length & last)) - 1U);
        const T moved_mask = position <= last ? static_cast<T>(mask << (position & last)) : T{0};
        const T moved_field = position <= last ? static_cast<T>(field << (position & last)) : T{0};
        return (into & ~moved_mask) | (moved_field & moved_mask);
    }
};

SIMCUDA_INLINE U32 leading_zeros(U32 a) { return a == 0 ? 32U : static_cast<U32>(__builtin_clz(a)); }
SIMCUDA_INLINE U32 leading_zeros(U64 a) { return a == 0 ? 64U : static_cast<U32>(__builtin_clzll(a)); }

template <typename T>
struct FindBit {
    static U32 of(T a) {
        const auto bits = static_cast<Unsigned<T>>(a < 0 ? ~a : a);
        return bits_of<T> - 1U - leading_zeros(bits);
    }
};
/// How far the bit is from the top.
template <typename T>
struct FindBitShift {
    static U32 of(T a) {
        const auto bits = static_cast<Unsigned<T>>(a < 0 ? ~a : a);
        return bits == 0 ? ~U32{0} : leading_zeros(bits);
    }
};
template <typename T>
struct LeadingZeros {
    static U32 of(T a) { return leading_zeros(a); }
};
template <typename T>
struct BitCount {
    static U32 of(T a) { return static_cast<U32>(__builtin_popcountll(a)); }
};
template <typename T>
struct Reverse {
    static T of(T a) {
        if constexpr (sizeof(T) == 8) {
            return T{Reverse<U32>::of(static_cast<U32>(a))} << 32 | Reverse<U32>::of(static_cast<U32>(a >> 32));
        } else {
            a = (a >> 1 & 0x55555555U) | (a & 0x55555555U) << 1;
            a = (a >> 2 & 0x33333333U) | (a & 0x33333333U) << 2;
            a = (a >> 4 & 0x0f0f0f0fU) | (a & 0x0f0f0f0fU) << 4;
            return __builtin_bswap32(a);
        }
    }
};

SIMCUDA_INLINE U32 byte_of(U64 bytes, U32 index) { return static_cast<U32>(bytes >> (8U * (index & 7U))) & 0xffU; }

/// Bytes of `b:a` by the four nibbles of `selector`; a nibble's highest bit spreads the sign of its byte.
U32 permute(U32 a, U32 b, U32 selector) {
    const U64 bytes = U64{b} << 32 | a;
    U32 result = 0;
    for (U32 part = 0; part < 4; ++part) {
        const U32 nibble = selector >> (4U * part) & 0xfU;
        U32 byte = byte_of(bytes, nibble);
        if ((nibble & 8U) != 0) byte = (byte & 0x80U) != 0 ? 0xffU : 0U;
        result |= byte << (8U * part);
    }
    return result;
}

template <Mode mode>
U32 permute_by(U32 a, U32 b, U32 control) {
    const U64 bytes = U64{b} << 32 | a;
    const U32 c = control & 3U;
    U32 result = 0;
    for (U32 part = 0; part < 4; ++part) {
        U32 index = 0;
        switch (mode) {
            case Mode::f4e:
                index = c + part;
                break;
            case Mode::b4e:
                index = c - part;
                break;
            case Mode::rc8:
                index = c;
                break;
            case Mode::ecl:
                index = part > c ? part : c;
                break;
            case Mode::ecr:
                index = part < c ? part : c;
                break;
            default:
                index = (c & 1U) * 2U + (part & 1U);
                break;
        }
        result |= byte_of(bytes, index) << (8U * part);
    }
    return result;
}

Apply permutation(Mode mode) {
    switch (mode) {
        case Mode::none:
            return Lanes<&permute>::apply;
        case Mode::f4e:
            return Lanes<&permute_by<Mode::f4e>>::apply;
        case Mode::b4e:
            return Lanes<&permute_by<Mode::b4e>>::apply;
        case Mode::rc8:
            return Lanes<&permute_by<Mode::rc8>>::apply;
        case Mode::ecl:
            return Lanes<&permute_by<Mode::ecl>>::apply;
        case Mode::ecr:
            return Lanes<&permute_by<Mode::ecr>>::apply;
        case Mode::rc16:
            return Lanes<&permute_by<Mode::rc16>>::apply;
        default:
            return nullptr;
    }
}

void and_predicates(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    write_mask(registers, operation.to, active,
               source_mask(operation, registers, 0) & source_mask(operation, registers, 1));
}
void or_predicates(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    write_mask(registers, operation.to, active,
               source_mask(operation, registers, 0) | source_mask(operation, registers, 1));
}
void xor_predicates(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    write_mask(registers, operation.to, active,
               source_mask(operation, registers, 0) ^ source_mask(operation, registers, 1));
}
void not_predicate(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    write_mask(registers, operation.to, active, ~source_mask(operation, registers, 0));
}

Apply right_shift(Type type) {
    const Apply logical = for_bits<ShiftRight>(type);
    return logical != nullptr ? logical : for_integer<ShiftRight>(type);
}

Apply funnel(const Form& form) {
    if (form.type != Type::b32) return nullptr;
    switch (form.flags) {
        case flag::left | flag::wrap:
            return Lanes<&funnel_shift<true, true>>::apply;
        case flag::left | flag::clamp:
            return Lanes<&funnel_shift<true, false>>::apply;
        case flag::right | flag::wrap:
            return Lanes<&funnel_shift<false, true>>::apply;
        case flag::right | flag::clamp:
            return Lanes<&funnel_shift<false, false>>::apply;
        default:
            return nullptr;
    }
}

}  // namespace

Apply bit_operation(const Form& form) {
    const Type type = form.type;
    const bool one = form.sources == 1;
    const bool two = form.sources == 2;
    const bool three = form.sources == 3;
    const bool predicates = type == Type::pred;
    switch (form.opcode) {
        case Opcode::bit_and:
            if (!two) return nullptr;
            return predicates ? &and_predicates : for_bits<And>(type);
        case Opcode::bit_or:
            if (!two) return nullptr;
            return predicates ? &or_predicates : for_bits<Or>(type);
        case Opcode::bit_xor:
            if (!two) return nullptr;
            return predicates ? &xor_predicates : for_bits<Xor>(type);
        case Opcode::bit_not:
            if (!one) return nullptr;
            return predicates ? &not_predicate : for_bits<Not>(type);
        case Opcode::cnot:
            return one ? for_bits<Cnot>(type) : nullptr;
        case Opcode::lop3:
            return form.sources == 4 && type == Type::b32 ? Lanes<&logic3>::apply : nullptr;
        case Opcode::shl:
            return two ? for_bits<ShiftLeft>(type) : nullptr;
        case Opcode::shr:
            return two ? right_shift(type) : nullptr;
        case Opcode::shf:
            return three ? funnel(form) : nullptr;
        case Opcode::bfe:
            return three ? for_wide_integer<ExtractField>(type) : nullptr;
        case Opcode::bfi:
            return form.sources == 4 ? for_wide_bits<InsertField>(type) : nullptr;
        case Opcode::bfind:
            if (!one) return nullptr;
            return form.has(flag::shift_amount) ? for_wide_integer<FindBitShift>(type)
                                                : for_wide_integer<FindBit>(type);
        case Opcode::brev:
            return one ? for_wide_bits<Reverse>(type) : nullptr;
        case Opcode::clz:
            return one ? for_wide_bits<LeadingZeros>(type) : nullptr;
        case Opcode::popc:
            return one ? for_wide_bits<BitCount>(type) : nullptr;
        case Opcode::prmt:
            return three && type == Type::b32 ? permutation(form.mode) : nullptr;
        default:
            return nullptr;
    }
}

}  // namespace simcuda::interpreter::SIMCUDA_ARITHMETIC
