#pragma once

#include <cstdint>

#include "interpreter/operation.hpp"
#include "ptx/kernel.hpp"

namespace simcuda::interpreter {

enum class Opcode : std::uint8_t {
    none,
    abs,
    add,
    bfe,
    bfi,
    bfind,
    bit_and,
    bit_not,
    bit_or,
    bit_xor,
    brev,
    clz,
    cnot,
    copysign,
    cos,
    cvt,
    div,
    dp2a,
    dp4a,
    ex2,
    fma,
    lg2,
    lop3,
    mad,
    mad24,
    max,
    min,
    mov,
    mul,
    mul24,
    neg,
    popc,
    prmt,
    rcp,
    rem,
    rsqrt,
    sad,
    selp,
    set,
    setp,
    shf,
    shl,
    shr,
    sin,
    slct,
    sqrt,
    sub,
    tanh,
    testp,
};

enum class Rounding : std::uint8_t { none, nearest, zero, down, up };

enum class Comparison : std::uint8_t { none, eq, ne, lt, le, gt, ge, equ, neu, ltu, leu, gtu, geu, num, nan };

enum class Combine : std::uint8_t { none, by_and, by_or, by_xor };

/// Modifiers that are there or not.
using Flags = std::uint32_t;
namespace flag {
inline constexpr Flags ftz = 1U << 0;
inline constexpr Flags sat = 1U << 1;
inline constexpr Flags approx = 1U << 2;
inline constexpr Flags full = 1U << 3;
inline constexpr Flags nan = 1U << 4;
inline constexpr Flags relu = 1U << 5;
inline constexpr Flags lo = 1U << 6;
inline constexpr Flags hi = 1U << 7;
inline constexpr Flags wide = 1U << 8;
inline constexpr Flags left = 1U << 9;
inline constexpr Flags right = 1U << 10;
inline constexpr Flags wrap = 1U << 11;
inline constexpr Flags clamp = 1U << 12;
inline constexpr Flags shift_amount = 1U << 13;
inline constexpr Flags rounding = 1U << 14;             ///< .rn .rz .rm .rp
inline constexpr Flags rounding_to_integer = 1U << 15;  ///< .rni .rzi .rmi .rpi
}  // namespace flag

/// How prmt reads its selector, and what testp asks.
enum class Mode : std::uint8_t {
    none,
    f4e,
    b4e,
    rc8,
    ecl,
    ecr,
    rc16,
    finite,
    infinite,
    number,
    notanumber,
    normal,
    subnormal,
};

/// What an instruction that computes from registers says, without its operands.
struct Form {
    Opcode opcode = Opcode::none;
    ptx::Type type = ptx::Type::none;        ///< the first one written
    ptx::Type other_type = ptx::Type::none;  ///< the second one
    Flags flags = 0;
    Rounding rounding = Rounding::none;
    Comparison comparison = Comparison::none;
    Combine combine = Combine::none;
    Mode mode = Mode::none;
    bool two_results = false;       ///< `%p|%q`
    std::uint8_t packed = 0;        ///< mov: sources in braces, 0 for none
    std::uint8_t unpacked = 0;      ///< mov: destinations in braces, 0 for none
    std::uint8_t sources = 0;       ///< operands that are read, those in braces one by one
    std::uint32_t bytes = 0;        ///< a lane of `type`
    std::uint32_t other_bytes = 0;  ///< a lane of `other_type`
    std::uint32_t to_bytes = 0;     ///< a lane of the destination register, 0 for a predicate
    std::uint32_t from_bytes = 0;   ///< a lane of the first source register

    bool has(Flags flag) const { return (flags & flag) != 0; }
};

/// Opcode::none where an opcode, a modifier or their combination is not known.
Form form_of(const ptx::Instruction& instruction);
/// The type in which a source is read, and that of the result.
ptx::Type source_type(const Form& form, int source);
ptx::Type result_type(const Form& form);

// Everything that computes is compiled twice, into a namespace each: for every processor of this architecture, and for
// those with AVX2, FMA and F16C. Null for what the family does not have.
#define SIMCUDA_DECLARE_FAMILIES(target)        \
    namespace target {                          \
    Apply integer_operation(const Form& form);  \
    Apply bit_operation(const Form& form);      \
    Apply float_operation(const Form& form);    \
    Apply half_operation(const Form& form);     \
    Apply comparison(const Form& form);         \
    Apply move(const Form& form);               \
    Apply integer_conversion(const Form& form); \
    Apply to_integer(const Form& form);         \
    Apply from_integer(const Form& form);       \
    Apply float_conversion(const Form& form);   \
    }
SIMCUDA_DECLARE_FAMILIES(baseline)
SIMCUDA_DECLARE_FAMILIES(avx2)
#undef SIMCUDA_DECLARE_FAMILIES

enum class Target : std::uint8_t { baseline, avx2 };
/// Whether it was built, and this processor can run it.
bool has_target(Target target);
/// select_arithmetic, which takes the best target there is, for one of them. All give the same bits.
Apply select_for(Target target, const ptx::Instruction& instruction, ptx::Type to_type, const ptx::Type* source_types,
                 int source_count);

}  // namespace simcuda::interpreter
