#pragma once

#include <cstdint>

namespace gpushard::test {

/// IEEE 754 binary16, rounded to nearest even; the reference that conversions of the library are held against.
std::uint16_t to_half(float value);
float from_half(std::uint16_t half);

/// The nearest number that binary16 has; infinite beyond its range.
inline float round_to_half(float value) { return from_half(to_half(value)); }

}  // namespace gpushard::test
