#pragma once

#include <cstddef>
#include <cstdint>

namespace gpushard::bench {

/// What a thread did, and its result, so that no compiler leaves the work out.
struct FmaWork {
    double flops = 0;
    float result = 0;
};

/// `rounds` rounds of fused multiply-adds of float32 in registers, by the widest vectors of this processor. A fused
/// multiply-add of one number is two operations.
FmaWork multiply_and_add(std::int64_t rounds);

/// The sum of `count` floats, read by plain loads of the widest vectors. Up to 63 at the end may be left out.
float sum_of(const float* data, std::size_t count);

}  // namespace gpushard::bench
