#include "exact_rounding.hpp"

#include <cstring>

namespace simcuda::test {

Exact exact_sum(Quad a, Quad b) {
    const Quad sum = a + b;
    const Quad part = sum - a;
    return {sum, (a - (sum - part)) + (b - part)};
}

namespace {

__extension__ using Bits = unsigned __int128;

Quad power_of_two(int exponent) {
    const Bits bits = static_cast<Bits>(exponent + 16383) << 112;
    Quad result = 0;
    std::memcpy(&result, &bits, sizeof result);
    return result;
}

}  // namespace

Quad Format::value(std::uint64_t bits) const {
    const std::uint64_t fraction = bits & ((std::uint64_t{1} << fraction_bits) - 1U);
    const int biased = static_cast<int>(bits >> fraction_bits & ((std::uint64_t{1} << exponent_bits) - 1U));
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const Quad mantissa = static_cast<Quad>(biased == 0 ? fraction : fraction | std::uint64_t{1} << fraction_bits);
    const Quad result = mantissa * power_of_two((biased == 0 ? 1 : biased) - bias - fraction_bits);
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
