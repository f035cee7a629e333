#include "bench/comparison.hpp"

#include <algorithm>
#include <string>

#include <gpushard/error.hpp>

#include "bench/compare_request.hpp"

namespace gpushard::bench {
namespace {

void check(const CompareOptions& options, std::int64_t query_count) {
    if (options.repetitions < 1) {
        throw InvalidArgument("repetitions is " + std::to_string(options.repetitions) + ", expected at least 1");
    }
    if (query_count < 1) throw InvalidArgument("there are no queries to measure with, expected at least one");
    for (const std::int64_t batch : options.batches) {
        if (batch < 1) throw InvalidArgument("a batch is " + std::to_string(batch) + " queries, expected at least 1");
    }
}

bool is_on(const PlacementPlan& plan, DeviceKind kind) {
    return std::any_of(plan.devices.begin(), plan.devices.end(), [kind](const ShardPlacement& placement) {
        return placement.device.kind == kind && placement.rows.count() > 0;
    });
}

}  // namespace

ComparisonReport compare_with_faiss(const std::vector<std::filesystem::path>& files, const std::vector<float>& queries,
                                    std::int64_t query_count, const CompareOptions& options) {
    check(options, query_count);
    const PlacementPlan planned = plan(files, options.load);
    if (planned.index.files.size() != 1) {
        throw InvalidArgument("an index in several parts cannot be compared: Faiss reads one file");
    }
    const CompareRequest request{planned.index.files.front(), queries, query_count, options, planned};
    if (!is_on(request.plan, DeviceKind::cuda)) return compare_on_host(request);
    if (is_on(request.plan, DeviceKind::cpu)) {
        throw InvalidArgument("Faiss has no index that is on cards and on the host, expected devices of one kind");
    }
    if (!options.python.empty() || options.callers > 0) {
        throw InvalidArgument("--against and --callers measure searches on the host, expected cpu devices");
    }
    return compare_on_cards(request);
}

}  // namespace gpushard::bench
