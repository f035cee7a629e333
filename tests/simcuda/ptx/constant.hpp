#pragma once

#include <cstdint>
#include <string>

#include "ptx/lexer.hpp"

namespace simcuda::ptx {

/// A constant expression: a number, or the address of a variable plus `bits`.
struct Constant {
    enum class Kind : std::uint8_t { integer, f32, f64 };
    Kind kind = Kind::integer;
    std::uint64_t bits = 0;  ///< as Operand::bits
    std::string name;        ///< of the variable; empty for a number
    /// Of `0xFF00(name)`: the bits of the address that are meant, moved down to bit 0; 0 where none is written.
    std::uint64_t mask = 0;
};

/// Of one token of Token::Kind::number.
Constant parse_number(std::string_view text, std::uint32_t line);
/// Sums and products of numbers, and a name plus such; `generic(name)` is `name`.
Constant parse_constant(Lexer& lexer);

/// A number that is not negative.
std::uint64_t parse_count(Lexer& lexer);

}  // namespace simcuda::ptx
