#pragma once

#include <cfenv>

#include "interpreter/arithmetic/lanes.hpp"

namespace simcuda::interpreter::SIMCUDA_ARITHMETIC {

/// Lanes<f>::apply in another rounding mode of the processor. The lanes are read from memory after the mode is set and
/// are written there before it is set back, both by functions that the compiler cannot see into: that keeps the
/// computation between the two.
template <auto function, int mode>
void apply_directed(const Operation& operation, const WarpRegisters& registers, LaneMask active) {
    const int before = fegetround();
    fesetround(mode);
    Lanes<function, true>::apply(operation, registers, active);
    fesetround(before);
}

template <auto function>
Apply rounded(Rounding rounding) {
    switch (rounding) {
        case Rounding::zero:
            return &apply_directed<function, FE_TOWARDZERO>;
        case Rounding::down:
            return &apply_directed<function, FE_DOWNWARD>;
        case Rounding::up:
            return &apply_directed<function, FE_UPWARD>;
        default:
            return Lanes<function>::apply;
    }
}

}  // namespace simcuda::interpreter::SIMCUDA_ARITHMETIC
