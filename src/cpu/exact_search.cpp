#include "cpu/exact_search.hpp"

#include <cstddef>

#include "core/top_k_merge.hpp"
#include "cpu/faiss_compat.hpp"

namespace gpushard {

bool cpu_supports(Metric metric) { return faiss_compat::has_metric(metric); }

void exact_search(Metric metric, float metric_arg, std::int64_t dim, std::int64_t query_count, const float* queries,
                  std::int64_t row_count, const float* rows, std::int64_t k, float* distances, std::int64_t* ids) {
    faiss_compat::knn_extra_metrics(queries, rows, static_cast<std::size_t>(dim), static_cast<std::size_t>(query_count),
                                    static_cast<std::size_t>(row_count), faiss_compat::metric_type(metric), metric_arg,
                                    static_cast<std::size_t>(k), distances, ids);
    for (std::int64_t query = 0; query < query_count; ++query) {
        sort_ties_by_id(distances + query * k, ids + query * k, k);
    }
}

}  // namespace gpushard
