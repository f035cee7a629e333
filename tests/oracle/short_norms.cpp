#include "short_norms.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace gpushard::test {
namespace {

double product(const float* a, const float* b, std::int32_t dim) {
    double sum = 0;
    for (std::int32_t j = 0; j < dim; ++j) sum += double{a[j]} * b[j];
    return sum;
}

}  // namespace

std::vector<double> squared_norms(const Rows& rows, Rounding rounding) {
    std::vector<double> norms;
    for (std::int64_t i = 0; i < rows.count; ++i) {
        double norm = 0;
        for (std::int32_t j = 0; j < rows.dim; ++j) norm += rounding(rows.row(i)[j] * rows.row(i)[j]);
        norms.push_back(norm);
    }
    return norms;
}

void expect_nearest_by_short_norms(const Answers& ours, const Rows& kept, Rounding of_rows, const Rows& queries,
                                   Rounding of_queries, std::int64_t k) {
    const std::vector<double> row_norms = squared_norms(kept, of_rows);
    const std::vector<double> query_norms = squared_norms(queries, of_queries);
    for (std::int64_t query = 0; query < queries.count; ++query) {
        const double of_query = query_norms[static_cast<std::size_t>(query)];
        std::vector<double> distances;
        for (std::int64_t i = 0; i < kept.count; ++i) {
            const double distance = row_norms[static_cast<std::size_t>(i)] + of_query -
                                    2 * product(kept.row(i), queries.row(query), kept.dim);
            distances.push_back(std::max(0.0, distance));
        }
        std::vector<double> nearest = distances;
        const std::int64_t found = std::min(k, kept.count);
        std::partial_sort(nearest.begin(), nearest.begin() + found, nearest.end());
        std::set<std::int64_t> seen;
        for (std::int64_t place = 0; place < k; ++place) {
            const auto at = static_cast<std::size_t>(query * k + place);
            const std::int64_t id = ours.ids[at];
            ASSERT_EQ(id < 0, place >= found) << "query " << query << " place " << place;
            if (id < 0) continue;
            ASSERT_LT(id, kept.count) << "query " << query << " place " << place;
            ASSERT_TRUE(seen.insert(id).second) << "query " << query << " place " << place << ": id " << id << " twice";
            const double bound = float32_tolerance * (of_query + row_norms[static_cast<std::size_t>(id)]);
            ASSERT_NEAR(ours.distances[at], distances[static_cast<std::size_t>(id)], bound)
                << "query " << query << " place " << place << ": id " << id;
            ASSERT_NEAR(ours.distances[at], nearest[static_cast<std::size_t>(place)], bound)
                << "query " << query << " place " << place << ": id " << id;
        }
    }
}

}  // namespace gpushard::test
