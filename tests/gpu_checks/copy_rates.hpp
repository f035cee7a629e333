#pragma once

namespace gpushard::test {

/// Bytes a second between page-locked host memory and the card.
struct CopyRates {
    double to_card = 0;
    double from_card = 0;
};

CopyRates measure_copy_rates(int repetitions);

}  // namespace gpushard::test
