#include "shard/centred_queries.hpp"

namespace gpushard {

void subtract_centre(const float* vectors, std::int64_t count, std::int64_t dim, const float* centre, float* shifted) {
    for (std::int64_t at = 0; at < count * dim; at += dim) {
        for (std::int64_t i = 0; i < dim; ++i) shifted[at + i] = vectors[at + i] - centre[i];
    }
}

double centre_product(const float* query, const float* centre, std::int64_t dim) {
    double sum = 0;
    for (std::int64_t i = 0; i < dim; ++i) sum += static_cast<double>(query[i]) * centre[i];
    return sum;
}

}  // namespace gpushard
