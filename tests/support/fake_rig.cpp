#include "support/fake_rig.hpp"

#include <algorithm>

#include <gpushard/index_inspector.hpp>

namespace gpushard::test {

std::vector<RowRange> equal_parts(std::int64_t count, int shards) {
    std::vector<RowRange> parts;
    for (int i = 0; i < shards; ++i) parts.push_back({count * i / shards, count * (i + 1) / shards});
    return parts;
}

FakeRig::FakeRig(const ByteSource& source, const std::vector<std::vector<RowRange>>& groups, Precision precision) {
    plan.index = inspect_index(source);
    plan.precision = precision;
    plan.options.precision = parse_precision(to_string(precision));
    if (groups.size() > 1) plan.options.strategy = Strategy::replicate;
    plan.options.replicas = static_cast<int>(groups.size());
    int group = 0;
    for (const std::vector<RowRange>& ranges : groups) {
        for (const RowRange rows : ranges) {
            fakes.push_back(std::make_shared<FakeDevice>("fake:" + std::to_string(fakes.size()), budget));
            devices.push_back(fakes.back());
            ShardPlacement placement;
            placement.device = fakes.back()->info();
            if (rows.count() > 0) {
                placement.rows = rows;
                placement.group = group;
                placement.share = static_cast<double>(rows.count()) / static_cast<double>(plan.index.count);
                placement.tile = {.rows = std::min<std::int64_t>(64, rows.count()), .queries = 16};
                placement.memory = FakeDevice::planned_memory({.index = plan.index,
                                                               .precision = precision,
                                                               .rows = rows,
                                                               .tile = placement.tile,
                                                               .memory = {},
                                                               .k = plan.options.k,
                                                               .max_batch = plan.options.max_batch,
                                                               .centre = nullptr});
            }
            plan.devices.push_back(placement);
        }
        ++group;
    }
}

bool FakeRig::all_free() const {
    return std::all_of(fakes.begin(), fakes.end(), [](const auto& fake) { return fake->free_bytes() == budget; });
}

}  // namespace gpushard::test
