#include "cli/clustered_vectors.hpp"

#include <cmath>

namespace gpushard::cli {
namespace {

constexpr std::uint64_t golden_gamma = 0x9e3779b97f4a7c15;
constexpr std::uint64_t centre_stream = 3;
constexpr std::uint64_t assignment_stream = 4;

/// The output function of SplitMix64 (Steele, Lea, Flood 2014).
constexpr std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/// Where the random numbers of vector `number` of a stream begin.
constexpr std::uint64_t key(std::uint64_t seed, std::uint64_t stream, std::uint64_t number) {
    return mix(mix(mix(seed + golden_gamma) ^ (stream * golden_gamma)) + number * golden_gamma);
}

constexpr std::uint64_t draw(std::uint64_t key, std::uint64_t at) { return mix(key + (at + 1) * golden_gamma); }

/// Close to normal: the sum of four 16-bit uniform numbers, centred. Within +-131,070, deviation 37,837.
constexpr std::int32_t normal(std::uint64_t bits) {
    const auto sum = (bits & 0xffff) + ((bits >> 16) & 0xffff) + ((bits >> 32) & 0xffff) + (bits >> 48);
    return static_cast<std::int32_t>(sum) - 2 * 0xffff;
}

/// A centre counts twice as much as the vector's own part: two vectors of a cluster have a cosine of about 0.8.
constexpr std::int32_t centre_weight = 2;

/// Makes the deviation of one element about 1; a power of two, so the product is exact.
constexpr float element_scale = 1.0f / 65536;

}  // namespace

ClusteredVectors::ClusteredVectors(std::uint64_t seed, std::int32_t dim, std::int64_t clusters, bool unit_length)
    : seed_(seed), dim_(dim), clusters_(clusters), unit_length_(unit_length) {}

void ClusteredVectors::fill(Stream stream, std::int64_t first, std::int64_t count, float* out) const {
    for (std::int64_t i = 0; i < count; ++i) fill_one(stream, first + i, out + i * dim_);
}

void ClusteredVectors::fill_one(Stream stream, std::int64_t number, float* out) const {
    const std::uint64_t own = key(seed_, static_cast<std::uint64_t>(stream), static_cast<std::uint64_t>(number));
    const std::uint64_t cluster = draw(own ^ assignment_stream, 0) % static_cast<std::uint64_t>(clusters_);
    const std::uint64_t centre = key(seed_, centre_stream, cluster);
    // At most 393,210 in size: exact as a float, and 2^20 squares stay below 2^58.
    std::uint64_t squares = 0;
    for (std::int32_t j = 0; j < dim_; ++j) {
        const auto at = static_cast<std::uint64_t>(j);
        const std::int64_t element = centre_weight * normal(draw(centre, at)) + normal(draw(own, at));
        squares += static_cast<std::uint64_t>(element * element);
        out[j] = static_cast<float>(element);
    }
    if (unit_length_) {
        const double length = std::sqrt(static_cast<double>(squares));
        if (length == 0) return;
        for (std::int32_t j = 0; j < dim_; ++j) out[j] = static_cast<float>(out[j] / length);
    } else {
        for (std::int32_t j = 0; j < dim_; ++j) out[j] *= element_scale;
    }
}

}  // namespace gpushard::cli
