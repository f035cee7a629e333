#pragma once

#include <cstddef>
#include <cstdint>

#include <faiss/Index.h>
#include <faiss/MetricType.h>
#include <faiss/utils/Heap.h>
#include <faiss/utils/distances.h>
#include <faiss/utils/extra_distances.h>

#include <gpushard/index_profile.hpp>

/// What differs between the Faiss versions this library builds with, in one place (1.7.3 to 1.15).
namespace gpushard::faiss_compat {

template <typename MetricType>
bool has_metric(Metric metric) {
    switch (metric) {
        case Metric::jaccard:
            return requires { MetricType::METRIC_Jaccard; };
        case Metric::nan_euclidean:
            return requires { MetricType::METRIC_NaNEuclidean; };
        case Metric::gower:
            return requires { MetricType::METRIC_GOWER; };
        default:
            return true;
    }
}

/// Whether the linked Faiss knows this metric.
inline bool has_metric(Metric metric) { return has_metric<faiss::MetricType>(metric); }

inline faiss::MetricType metric_type(Metric metric) {
    return static_cast<faiss::MetricType>(static_cast<std::int32_t>(metric));
}

/// knn_extra_metrics took a heap until 1.7.4 and takes plain arrays since.
template <typename MetricType>
void knn_extra_metrics(const float* queries, const float* rows, std::size_t dim, std::size_t query_count,
                       std::size_t row_count, MetricType metric, float metric_arg, std::size_t k, float* distances,
                       std::int64_t* ids) {
    if constexpr (requires {
                      faiss::knn_extra_metrics(queries, rows, dim, query_count, row_count, metric, metric_arg, k,
                                               distances, ids);
                  }) {
        faiss::knn_extra_metrics(queries, rows, dim, query_count, row_count, metric, metric_arg, k, distances, ids);
    } else {
        faiss::float_maxheap_array_t heaps = {query_count, k, ids, distances};
        faiss::knn_extra_metrics(queries, rows, dim, query_count, row_count, metric, metric_arg, &heaps);
    }
}

}  // namespace gpushard::faiss_compat
