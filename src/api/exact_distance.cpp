#include "api/exact_distance.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "cpu/faiss_compat.hpp"

namespace gpushard {
namespace {

template <typename TermOf>
double sum(const IndexProfile& index, const float* query, const float* row, TermOf term_of) {
    double total = 0;
    for (std::int32_t i = 0; i < index.dim; ++i) {
        total += term_of(static_cast<double>(query[i]), static_cast<double>(row[i]));
    }
    return total;
}

/// Distances that are measured against themselves.
ExactDistance relative(double value) { return {value, std::abs(value), 0}; }

double largest_difference(const IndexProfile& index, const float* query, const float* row) {
    double largest = 0;
    for (std::int32_t i = 0; i < index.dim; ++i) {
        largest = std::max(largest, std::abs(static_cast<double>(query[i]) - row[i]));
    }
    return largest;
}

double entropy_part(double part, double mean) { return part > 0 ? part * std::log(part / mean) : 0; }

ExactDistance jensen_shannon(const IndexProfile& index, const float* query, const float* row) {
    ExactDistance distance = relative(sum(index, query, row, [](double q, double x) {
        return (entropy_part(q, (q + x) / 2) + entropy_part(x, (q + x) / 2)) / 2;
    }));
    // In x log(m / x), with m = (q + x) / 2, the mean and the quotient are rounded by 2^-24 each, so the logarithm is
    // off by 2^-23; the two terms of an element nearly cancel out where q is near x, these errors do not.
    distance.float_error =
        std::ldexp(sum(index, query, row, [](double q, double x) { return std::abs(q) + std::abs(x); }), -24);
    return distance;
}

ExactDistance by_faiss(const IndexProfile& index, const float* query, const float* row) {
    float distance = 0;
    faiss::pairwise_extra_distances(index.dim, 1, query, 1, row, faiss_compat::metric_type(index.metric),
                                    index.metric_arg, &distance);
    return relative(distance);
}

ExactDistance distance_by_metric(const IndexProfile& index, const float* query, const float* row) {
    const auto total = [&](auto term_of) { return sum(index, query, row, term_of); };
    const auto squares_of = [&](const float* vector) {
        return sum(index, vector, vector, [](double a, double b) { return a * b; });
    };
    switch (index.metric) {
        case Metric::inner_product:
            return {total([](double q, double x) { return q * x; }), std::sqrt(squares_of(query) * squares_of(row)), 0};
        case Metric::l2:
            return {total([](double q, double x) { return (q - x) * (q - x); }), squares_of(query) + squares_of(row),
                    0};
        case Metric::l1:
            return relative(total([](double q, double x) { return std::abs(q - x); }));
        case Metric::linf:
            return relative(largest_difference(index, query, row));
        case Metric::lp:
            return relative(total([p = index.metric_arg](double q, double x) { return std::pow(std::abs(q - x), p); }));
        case Metric::canberra:
            return relative(total([](double q, double x) {
                const double size = std::abs(q) + std::abs(x);
                return size > 0 ? std::abs(q - x) / size : 0;
            }));
        case Metric::bray_curtis:
            return relative(total([](double q, double x) { return std::abs(q - x); }) /
                            total([](double q, double x) { return std::abs(q + x); }));
        case Metric::jensen_shannon:
            return jensen_shannon(index, query, row);
        default:
            return by_faiss(index, query, row);
    }
}

}  // namespace

ExactDistance exact_distance(const IndexProfile& index, const float* query, const float* row) {
    ExactDistance distance = distance_by_metric(index, query, row);
    distance.float_error += index.dim * static_cast<double>(std::numeric_limits<float>::denorm_min());
    return distance;
}

}  // namespace gpushard
