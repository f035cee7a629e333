#include "cuda/card_rig.hpp"

#include <fstream>
#include <sstream>

namespace gpushard::test {

std::filesystem::path write_sparse_index(const TempDir& folder, std::int64_t count, std::int32_t dim) {
    const std::filesystem::path path = folder / "sparse.index";
    const std::string header = flat_index_header(count, dim, Metric::inner_product);
    write_file(path, header);
    std::filesystem::resize_file(path, header.size() + static_cast<std::uint64_t>(count) * dim * sizeof(float));
    return path;
}

Bytes anonymous_bytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.rfind("RssAnon:", 0) != 0) continue;
        Bytes kib = 0;
        std::istringstream(line.substr(8)) >> kib;
        return kib << 10;
    }
    ADD_FAILURE() << "/proc/self/status has no RssAnon";
    return 0;
}

void expect_planned_peaks(const ShardedIndex& index, double tolerance) {
    const PlacementPlan& plan = index.plan();
    for (std::size_t i = 0; i < plan.devices.size(); ++i) {
        const ShardPlacement& placement = plan.devices[i];
        if (placement.device.kind != DeviceKind::cuda) continue;
        const Bytes planned = placement.memory.load_peak();
        const Bytes counted = card_peak_bytes(static_cast<int>(i));
        EXPECT_LE(counted, planned) << placement.device.spec;
        EXPECT_LE(static_cast<double>(planned), static_cast<double>(counted) * (1 + tolerance))
            << placement.device.spec;
        if (placement.rows.count() > 0) {
            EXPECT_EQ(counted, index.load_report().devices[i].measured_peak_bytes) << placement.device.spec;
        }
    }
}

}  // namespace gpushard::test
