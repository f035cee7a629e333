#pragma once

#include <cctype>

namespace gpushard {

inline bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

}  // namespace gpushard
