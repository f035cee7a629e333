#pragma once

#include <gpushard/index_profile.hpp>

namespace gpushard {

/// A distance as the metric defines it, in double precision, and what arithmetic in float32 may make of it.
struct ExactDistance {
    double value = 0;
    double scale = 0;  ///< what errors are relative to: |q| |x|, |q|^2 + |x|^2 (L2), the distance itself (others)
    /// What float32 loses whatever the scale: products that underflow, and terms that cancel out.
    double float_error = 0;
};

/// The distance of two vectors of `index.dim` float32 values. Metrics that only newer versions of Faiss have are left
/// to its own float32 arithmetic.
ExactDistance exact_distance(const IndexProfile& index, const float* query, const float* row);

}  // namespace gpushard
