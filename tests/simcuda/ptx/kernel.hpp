#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace simcuda::ptx {

/// PTX that does not follow its grammar, or uses what this parser does not know: "line 12: ...".
class BadPtx : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

enum class Type : std::uint8_t {
    none,
    pred,
    b8,
    b16,
    b32,
    b64,
    b128,
    u8,
    u16,
    u32,
    u64,
    s8,
    s16,
    s32,
    s64,
    f16,
    f16x2,
    bf16,
    bf16x2,
    f32,
    f64,
};
/// Without the dot, "u32"; Type::none for what is no type.
Type parse_type(std::string_view text);
/// Of a value of that type in memory; 0 for none and pred.
std::uint32_t bytes_of(Type type);

enum class Space : std::uint8_t { generic, param, shared, global, constant, local };

/// A named piece of memory: a parameter, or a variable of a module or a kernel.
struct Variable {
    Space space = Space::global;
    std::string name;
    std::uint32_t alignment = 1;
    std::uint64_t bytes = 0;       ///< 0 for `extern .shared`, whose size a launch gives
    std::vector<std::byte> value;  ///< what it is initialised with, `bytes` long; empty where nothing is said
    /// Initialised with the address of another variable: 8 bytes at `offset` of `value`.
    struct Address {
        std::uint64_t offset = 0;
        std::string name;
        std::int64_t addend = 0;
    };
    std::vector<Address> addresses;
};

struct Register {
    std::string name;  ///< with its %
    Type type = Type::b32;
};

struct Operand {
    enum class Kind : std::uint8_t {
        reg,       ///< `index` into Kernel::registers
        special,   ///< `name`, such as "%tid.x"
        integer,   ///< `bits`, two's complement
        f32,       ///< `bits`, the low 32 (0f3F800000)
        f64,       ///< `bits` (0d3FF0000000000000, and decimal literals)
        variable,  ///< the address of `name`, plus `bits`
        address,  ///< in brackets: register `index` + `bits`, or variable `name` + `bits` (`index` -1), or `bits` alone
        label,    ///< `index` into Kernel::instructions
        vector,   ///< in braces, or both sides of a `|`: `parts`
        sink,     ///< `_`
    };
    Kind kind = Kind::integer;
    bool negated = false;  ///< `!%p1`
    std::int32_t index = -1;
    std::uint64_t bits = 0;
    std::string name;
    std::vector<Operand> parts;
};

struct Instruction {
    std::string opcode;                  ///< "ld"
    std::vector<std::string> modifiers;  ///< {"global", "v2", "u32"}; "::" stays inside one
    std::int32_t guard = -1;             ///< the predicate register of `@%p1`; -1 for none
    bool guard_negated = false;
    std::vector<Operand> operands;  ///< in the order written; none of a `call`
    std::uint32_t line = 0;         ///< in the module, from 1
    /// Of a load: a bit for each byte that is used, where the compiler made it wider (`.pragma "used_bytes_mask"`).
    std::uint32_t used_bytes = ~std::uint32_t{0};
    std::string text;  ///< as written, without the guard's @ lost: "@%p1 bra $L__BB0_2;"

    bool has(std::string_view modifier) const;
};

struct Kernel {
    std::string name;
    std::vector<Variable> parameters;  ///< at the offsets their sizes and alignments give, in this order
    std::vector<std::uint64_t> parameter_offsets;
    std::uint64_t parameter_bytes = 0;
    std::vector<Variable> variables;  ///< .shared and .local of the kernel, and .param of its calls
    std::vector<Register> registers;  ///< those that are used, in the order of their first use
    std::vector<Instruction> instructions;
    std::uint32_t max_threads = 0;  ///< .maxntid, its product; 0 where nothing is said
};

}  // namespace simcuda::ptx
