#include "gpu_checks/exact_answers.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <unordered_set>

#include "shard/row_kernels.hpp"

namespace gpushard::test {
namespace {

/// A distance and the magnitude of the terms it is summed from.
struct Term {
    double distance = 0;
    double scale = 0;
};

template <typename Of>
Term sum(const float* a, const float* b, std::int32_t dim, Of term_of) {
    Term total;
    for (std::int32_t i = 0; i < dim; ++i) {
        const Term term = term_of(static_cast<double>(a[i]), static_cast<double>(b[i]));
        total.distance += term.distance;
        total.scale += term.scale;
    }
    return total;
}

double entropy_part(double part, double mean) { return part > 0 ? part * std::log(part / mean) : 0; }

Term inner_product(const float* a, const float* b, std::int32_t dim) {
    double squares_of_a = 0;
    double squares_of_b = 0;
    Term product = sum(a, b, dim, [&](double x, double y) {
        squares_of_a += x * x;
        squares_of_b += y * y;
        return Term{x * y, 0};
    });
    product.scale = std::sqrt(squares_of_a * squares_of_b);
    return product;
}

Term largest_difference(const float* a, const float* b, std::int32_t dim) {
    Term largest;
    for (std::int32_t i = 0; i < dim; ++i) {
        const double x = a[i];
        const double y = b[i];
        largest.distance = std::max(largest.distance, std::abs(x - y));
        largest.scale = std::max(largest.scale, std::abs(x) + std::abs(y));
    }
    return largest;
}

/// As Faiss defines them (MetricType.h, utils/extra_distances-inl.h).
Term exact_distance(Metric metric, float metric_arg, const float* a, const float* b, std::int32_t dim) {
    switch (metric) {
        case Metric::inner_product:
            return inner_product(a, b, dim);
        case Metric::l2:
            return sum(a, b, dim, [](double x, double y) { return Term{(x - y) * (x - y), x * x + y * y}; });
        case Metric::l1:
            return sum(a, b, dim, [](double x, double y) { return Term{std::abs(x - y), std::abs(x) + std::abs(y)}; });
        case Metric::linf:
            return largest_difference(a, b, dim);
        case Metric::lp:
            return sum(a, b, dim, [metric_arg](double x, double y) {
                return Term{std::pow(std::abs(x - y), static_cast<double>(metric_arg)),
                            std::pow(std::abs(x) + std::abs(y), static_cast<double>(metric_arg))};
            });
        case Metric::canberra:
            return sum(a, b, dim, [](double x, double y) {
                const double size = std::abs(x) + std::abs(y);
                return Term{size > 0 ? std::abs(x - y) / size : 0, 1};
            });
        case Metric::bray_curtis: {
            const Term difference = sum(a, b, dim, [](double x, double y) {
                return Term{std::abs(x - y), std::abs(x + y)};
            });
            return {difference.distance / difference.scale, 1};
        }
        case Metric::jensen_shannon:
            return sum(a, b, dim, [](double x, double y) {
                const double mean = 0.5 * (x + y);
                return Term{0.5 * (entropy_part(x, mean) + entropy_part(y, mean)), mean};
            });
        default:
            throw std::invalid_argument("no exact distance for " + to_string(metric));
    }
}

float widen_bf16(std::uint16_t bits16) {
    const std::uint32_t bits = static_cast<std::uint32_t>(bits16) << 16;
    float value;
    static_assert(sizeof value == sizeof bits);
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

}  // namespace

ExactAnswers::ExactAnswers(const Rows& rows, const Rows& queries, Metric metric, float metric_arg, double tolerance)
    : row_count_(rows.count),
      direction_(is_similarity(metric) ? -1 : 1),
      exact_(static_cast<std::size_t>(rows.count * queries.count)),
      sorted_(exact_.size()),
      largest_bounds_(static_cast<std::size_t>(queries.count)) {
#pragma omp parallel for
    for (std::int64_t query = 0; query < queries.count; ++query) {
        const std::int64_t first = query * row_count_;
        for (std::int64_t row = 0; row < row_count_; ++row) {
            const Term exact = exact_distance(metric, metric_arg, queries.row(query), rows.row(row), rows.dim);
            const double bound = tolerance * exact.scale + 1e-30;
            exact_[static_cast<std::size_t>(first + row)] = {direction_ * exact.distance, bound};
            largest_bounds_[static_cast<std::size_t>(query)] =
                std::max(largest_bounds_[static_cast<std::size_t>(query)], bound);
            sorted_[static_cast<std::size_t>(first + row)] = direction_ * exact.distance;
        }
        std::sort(sorted_.begin() + first, sorted_.begin() + first + row_count_);
    }
}

std::string ExactAnswers::wrong(std::int64_t query_count, std::int64_t k, const float* distances,
                                const std::int64_t* ids) const {
    for (std::int64_t query = 0; query < query_count; ++query) {
        std::string found = wrong_in(query, k, distances + query * k, ids + query * k);
        if (!found.empty())
            return "query " + std::to_string(query) + " of " + std::to_string(query_count) + ": " + found;
    }
    return "";
}

std::string ExactAnswers::wrong_in(std::int64_t query, std::int64_t k, const float* distances,
                                   const std::int64_t* ids) const {
    const Exact* const exact = exact_.data() + query * row_count_;
    std::unordered_set<std::int64_t> seen;
    for (std::int64_t i = 0; i < k; ++i) {
        std::ostringstream answer;
        answer << "answer " << i << " of " << k << " (id " << ids[i] << ", distance " << distances[i] << ") ";
        if (i >= row_count_) {
            if (ids[i] != -1) return answer.str() + "should be missing";
            continue;
        }
        if (ids[i] < 0 || ids[i] >= row_count_) return answer.str() + "is no row";
        if (!seen.insert(ids[i]).second) return answer.str() + "was given before";
        const Exact& row = exact[ids[i]];
        const double distance = direction_ * static_cast<double>(distances[i]);
        const double best = sorted_[static_cast<std::size_t>(query * row_count_ + i)];
        if (!(std::abs(distance - row.distance) <= row.bound)) {
            answer << "is off by " << distance - row.distance << ", expected at most " << row.bound;
            return answer.str();
        }
        if (!(distance - best <= largest_bounds_[static_cast<std::size_t>(query)])) {
            answer << "is not as good as " << direction_ * best;
            return answer.str();
        }
        if (i > 0 && distance < direction_ * static_cast<double>(distances[i - 1])) {
            return answer.str() + "is better than the one before";
        }
    }
    return "";
}

Rows rounded_rows(Precision precision, Rows rows) {
    if (precision == Precision::f32) return rows;
    std::vector<std::uint16_t> narrow(rows.values.size());
    if (precision == Precision::f16) {
        round_rows_to_f16(rows.values.data(), rows.count, rows.dim, narrow.data(), nullptr);
        widen_halves(narrow.data(), static_cast<std::int64_t>(narrow.size()), rows.values.data());
    } else {
        round_rows_to_bf16(rows.values.data(), rows.count, rows.dim, narrow.data(), nullptr);
        std::transform(narrow.begin(), narrow.end(), rows.values.begin(), widen_bf16);
    }
    return rows;
}

}  // namespace gpushard::test
