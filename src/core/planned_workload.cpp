#include "core/planned_workload.hpp"

#include <algorithm>

namespace gpushard {

ShardWorkload planned_workload(const IndexProfile& index, Precision precision, const PlanOptions& options,
                               DeviceKind kind) {
    return {.kind = kind,
            .precision = precision,
            .metric = index.metric,
            .dim = index.dim,
            .k = options.k,
            .max_batch = options.max_batch,
            .threads = std::max(1, options.threads)};
}

ShardWorkload planned_workload(const PlacementPlan& plan, DeviceKind kind) {
    return planned_workload(plan.index, plan.precision, plan.options, kind);
}

}  // namespace gpushard
