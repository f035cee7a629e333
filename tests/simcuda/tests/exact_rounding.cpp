#include "exact_rounding.hpp"

namespace simcuda::test {

Exact exact_sum(Quad a, Quad b) {
    const Quad sum = a + b;
    const Quad part = sum - a;
    return {sum, (a - (sum - part)) + (b - part)};
}

Quad Format::value(std::uint64_t bits) const {
    const std::uint64_t fraction = bits & ((std::uint64_t{1} << fraction_bits) - 1U);
    const int biased = static_cast<int>(bits >> fraction_bits & ((std::uint64_t{1} << exponent_bits) - 1U));
    const int bias = (1 << (exponent_bits - 1)) - 1;
    Quad result = static_cast<Quad>(biased == 0 ? fraction : fraction | std::uint64_t{1} << fraction_bits);
    int exponent = (biased == 0 ? 1 : biased) - bias - fraction_bits;
    const Quad step = exponent < 0 ? Quad{0.5} : Quad{2};
    // By squaring, since double_format needs a thousand steps.
    Quad power = step;
    for (unsigned left = static_cast<unsigned>(exponent < 0 ? -exponent : exponent); left != 0; left >>= 1) {
        if ((left & 1U) != 0) result *= power;
        power *= power;
    }
    return (bits & sign()) != 0 ? -result : result;
}

std::uint64_t rounded(const Exact& value, const Format& format, Round round) {
    const bool negative = value.high < 0;
    const Quad high = negative ? -value.high : value.high;
    const Quad low = negative ? -value.low : value.low;
    const auto compare = [&](Quad number) {
        const Quad difference = (number - high) - low;
        return difference < 0 ? -1 : difference > 0 ? 1 : 0;
    };
    return rounded_by(compare, negative, format, round);
}

}  // namespace simcuda::test
