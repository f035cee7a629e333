// Spreads an index over several devices although one would hold it: more devices search it faster, and each has more
// memory left for other work.
//
//     force_multi_gpu path/to/flat.index [DEVICES]
//
// DEVICES are as for the tool, by default every card; in a build without CUDA the host.

#include <iostream>
#include <string>
#include <vector>

#include <gpushard/gpushard.hpp>

#include "checks.hpp"

namespace {

int spread(const std::string& path, const std::string& devices) {
    gpushard::LoadOptions options;
    options.devices = devices;
    options.plan.strategy = gpushard::Strategy::fewest;
    const gpushard::PlacementPlan fewest = gpushard::plan(path, options);

    options.plan.strategy = gpushard::Strategy::balanced;
    options.plan.min_devices = static_cast<int>(fewest.devices.size());
    const gpushard::ShardedIndex index = gpushard::load(path, options);
    std::cout << to_text(index.plan()) << '\n';

    Checks checks;
    checks.expect(fewest.used_devices() <= index.plan().used_devices(), "the fewest devices are no more than forced");
    checks.expect(index.plan().used_devices() == static_cast<int>(index.plan().devices.size()),
                  "every device holds a part");
    const std::vector<float> query(static_cast<std::size_t>(index.dim()), 1.0F);
    checks.expect(index.search(query, 10).size() == 10, "it is searched as one index");
    return checks.exit_code();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::cerr << "usage: force_multi_gpu path/to/flat.index [DEVICES]\n";
        return 2;
    }
    try {
        return spread(argv[1], argc > 2 ? argv[2] : "");
    } catch (const gpushard::Error& error) {
        std::cerr << to_text(error) << '\n';
        return 1;
    }
}
