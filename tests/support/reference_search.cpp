#include "support/reference_search.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace gpushard::test {
namespace {

double dot(const float* a, const float* b, std::int32_t dim) {
    double sum = 0;
    for (std::int32_t i = 0; i < dim; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum;
}

}  // namespace

double exact_distance(Metric metric, const float* a, const float* b, std::int32_t dim) {
    if (metric == Metric::inner_product) return dot(a, b, dim);
    if (metric != Metric::l2) throw std::invalid_argument("no reference for " + to_string(metric));
    double sum = 0;
    for (std::int32_t i = 0; i < dim; ++i) {
        const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
        sum += difference * difference;
    }
    return sum;
}

double distance_bound(Metric metric, Precision precision, const float* query, const float* row, std::int32_t dim) {
    const double query_norm = dot(query, query, dim);
    const double row_norm = dot(row, row, dim);
    const double scale = metric == Metric::inner_product ? std::sqrt(query_norm * row_norm) : query_norm + row_norm;
    return (precision == Precision::f32 ? 1e-5 : 2e-4) * scale;
}

std::string wrong_in_answer(const Rows& rows, RowRange range, Metric metric, Precision precision, const float* query,
                            std::int64_t k, const float* distances, const std::int64_t* ids) {
    const double direction = is_similarity(metric) ? -1 : 1;
    std::vector<double> exact;
    double largest_bound = 0;
    for (std::int64_t row = range.begin; row < range.end; ++row) {
        exact.push_back(direction * exact_distance(metric, query, rows.row(row), rows.dim));
        largest_bound = std::max(largest_bound, distance_bound(metric, precision, query, rows.row(row), rows.dim));
    }
    std::vector<double> best = exact;
    std::sort(best.begin(), best.end());

    std::ostringstream wrong;
    const std::int64_t answers = std::min(k, range.count());
    std::set<std::int64_t> seen;
    for (std::int64_t i = 0; i < k; ++i) {
        const auto complain = [&]() -> std::ostream& {
            return wrong << "answer " << i << " (id " << ids[i] << ", distance " << distances[i] << ") ";
        };
        if (i >= answers) {
            if (ids[i] != -1) complain() << "should be missing; ";
            continue;
        }
        if (ids[i] < range.begin || ids[i] >= range.end) {
            complain() << "is no row of the shard; ";
            continue;
        }
        if (!seen.insert(ids[i]).second) complain() << "was given before; ";
        const double distance = direction * static_cast<double>(distances[i]);
        const double bound = distance_bound(metric, precision, query, rows.row(ids[i]), rows.dim);
        const double true_distance = exact[static_cast<std::size_t>(ids[i] - range.begin)];
        if (!(std::abs(distance - true_distance) <= bound)) complain() << "should be " << true_distance << "; ";
        const double best_here = best[static_cast<std::size_t>(i)];
        if (!(std::abs(distance - best_here) <= largest_bound)) complain() << "is not as good as " << best_here << "; ";
        if (i == 0) continue;
        const double before = direction * static_cast<double>(distances[i - 1]);
        if (distance < before) complain() << "is better than the one before; ";
        if (distance == before && ids[i] < ids[i - 1]) complain() << "ties and has the lower id; ";
    }
    return wrong.str();
}

}  // namespace gpushard::test
