#include <gpushard/backend.hpp>

namespace gpushard {

ShardWorkload ShardSpec::workload(DeviceKind kind) const {
    return {.kind = kind,
            .precision = precision,
            .metric = index.metric,
            .dim = index.dim,
            .k = k,
            .max_batch = max_batch,
            .threads = threads};
}

}  // namespace gpushard
