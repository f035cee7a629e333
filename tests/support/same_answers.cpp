#include "support/same_answers.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>
#include <unordered_set>

#include <faiss/Index.h>
#include <faiss/utils/extra_distances.h>

namespace gpushard::test {
namespace {

struct Exact {
    double distance;
    double scale;
};

Exact exact(const SearchCase& search, const float* query, const float* row) {
    double dot = 0;
    double query_norm = 0;
    double row_norm = 0;
    double difference = 0;
    for (std::int64_t i = 0; i < search.dim; ++i) {
        const double q = query[i];
        const double x = row[i];
        dot += q * x;
        query_norm += q * q;
        row_norm += x * x;
        difference += (q - x) * (q - x);
    }
    if (search.metric == Metric::inner_product) return {dot, std::sqrt(query_norm * row_norm)};
    if (search.metric == Metric::l2) return {difference, query_norm + row_norm};
    float distance = 0;
    faiss::pairwise_extra_distances(search.dim, 1, query, 1, row,
                                    static_cast<faiss::MetricType>(static_cast<int>(search.metric)), search.metric_arg,
                                    &distance);
    return {distance, std::abs(distance)};
}

}  // namespace

std::string difference(const SearchCase& search, AnswersView ours, AnswersView reference, double tolerance) {
    for (std::int64_t query = 0; query < search.nq; ++query) {
        std::unordered_set<std::int64_t> seen;
        for (std::int64_t j = 0; j < search.k; ++j) {
            const std::int64_t at = query * search.k + j;
            const std::int64_t id = ours.ids[at];
            std::ostringstream where;
            where << "query " << query << " place " << j << ": id " << id << " at " << ours.distances[at]
                  << ", expected id " << reference.ids[at] << " at " << reference.distances[at];
            if ((id < 0) != (reference.ids[at] < 0)) return where.str() + " (padding)";
            if (id < 0) continue;
            if (id >= search.count) return where.str() + " (no such row)";
            if (!seen.insert(id).second) return where.str() + " (given twice)";
            const Exact own = exact(search, search.queries + query * search.dim, search.rows + id * search.dim);
            const double bound = tolerance * own.scale + 1e-12;
            if (!(std::abs(ours.distances[at] - reference.distances[at]) <= bound)) return where.str() + " (distance)";
            if (!(std::abs(own.distance - reference.distances[at]) <= 2 * bound)) return where.str() + " (row)";
        }
    }
    return "";
}

double recall(const std::int64_t* ours, const std::int64_t* reference, std::int64_t nq, std::int64_t row_k,
              std::int64_t k) {
    std::int64_t found = 0;
    for (std::int64_t query = 0; query < nq; ++query) {
        const std::set<std::int64_t> expected(reference + query * row_k, reference + query * row_k + k);
        found += std::count_if(ours + query * row_k, ours + query * row_k + k,
                               [&](std::int64_t id) { return expected.contains(id); });
    }
    return static_cast<double>(found) / static_cast<double>(nq * k);
}

}  // namespace gpushard::test
