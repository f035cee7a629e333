#include "cpu/exact_search.hpp"

#include <gpushard/memory_model.hpp>

#include "core/top_k_merge.hpp"
#include "cpu/faiss_compat.hpp"

namespace gpushard {

bool cpu_supports(Metric metric) { return faiss_compat::has_metric(metric); }

bool gains_from_padding(Metric metric) {
    return (metric == Metric::l2 || metric == Metric::inner_product) &&
           faiss::distance_compute_blas_threshold == padded_batch;
}

void exact_search(Metric metric, float metric_arg, std::int64_t dim, std::int64_t query_count, const float* queries,
                  std::int64_t row_count, const float* rows, const float* norms, std::int64_t k, float* distances,
                  std::int64_t* ids) {
    const auto d = static_cast<std::size_t>(dim);
    const auto nx = static_cast<std::size_t>(query_count);
    const auto ny = static_cast<std::size_t>(row_count);
    const auto heap_k = static_cast<std::size_t>(k);
    if (metric == Metric::inner_product) {
        faiss::float_minheap_array_t heaps = {nx, heap_k, ids, distances};
        faiss::knn_inner_product(queries, rows, d, nx, ny, &heaps);
    } else if (metric == Metric::l2) {
        faiss::float_maxheap_array_t heaps = {nx, heap_k, ids, distances};
        faiss::knn_L2sqr(queries, rows, d, nx, ny, &heaps, norms);
    } else {
        faiss_compat::knn_extra_metrics(queries, rows, d, nx, ny, faiss_compat::metric_type(metric), metric_arg, heap_k,
                                        distances, ids);
    }
    for (std::int64_t query = 0; query < query_count; ++query) {
        sort_ties_by_id(distances + query * k, ids + query * k, k);
    }
}

}  // namespace gpushard
