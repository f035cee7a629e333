#pragma once

#include <vector>

#include "ptx/kernel.hpp"
#include "ptx/lexer.hpp"

namespace simcuda::ptx {

/// True at `.global`, `.const`, `.shared`, `.local` and `.param`.
bool begins_declaration(const Token& token);

/// One parameter of a kernel, from `.param` to its name and size.
Variable parse_parameter(Lexer& lexer);

/// Variables, from the space to the semicolon: `.global .align 4 .b8 name[16] = {1, 2}, other[4];`
std::vector<Variable> parse_variables(Lexer& lexer);

}  // namespace simcuda::ptx
