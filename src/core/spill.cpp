#include "core/spill.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace gpushard {
namespace {

/// In the largest unit that says it exactly.
std::string exact_size(Bytes bytes) {
    if (bytes % 1_GiB == 0) return std::to_string(bytes / 1_GiB) + "GiB";
    if (bytes % 1_MiB == 0) return std::to_string(bytes / 1_MiB) + "MiB";
    if (bytes % 1_KiB == 0) return std::to_string(bytes / 1_KiB) + "KiB";
    return std::to_string(bytes);
}

std::size_t listed_last(const PlacementProblem& problem) {
    const auto last = std::max_element(problem.candidates.begin(), problem.candidates.end(),
                                       [](const Candidate& a, const Candidate& b) { return a.listed < b.listed; });
    return static_cast<std::size_t>(last - problem.candidates.begin());
}

/// What the candidates but the last listed can do by themselves.
struct Others {
    std::int64_t capacity = 0;  ///< at most the rows of the problem
    int eligible = 0;           ///< how many can hold a row
};

Others others_of(const PlacementProblem& problem) {
    Others others;
    const std::size_t last = listed_last(problem);
    for (std::size_t i = 0; i < problem.candidates.size(); ++i) {
        if (i == last) continue;
        const std::int64_t capacity = problem.candidates[i].capacity;
        others.capacity += std::min(capacity, problem.rows - others.capacity);
        others.eligible += capacity > 0;
    }
    return others;
}

}  // namespace

DeviceInfo spill_device(Bytes bytes) {
    DeviceInfo host;
    host.spec = "cpu=" + exact_size(bytes);
    host.name = "host memory";
    host.kind = DeviceKind::cpu;
    host.total_bytes = host.free_bytes = bytes;
    return host;
}

std::vector<DeviceInfo> with_spill_device(const std::vector<DeviceInfo>& devices, const PlanOptions& options) {
    std::vector<DeviceInfo> extended = devices;
    if (options.spill_bytes == 0) return extended;
    DeviceInfo host = spill_device(options.spill_bytes);
    // Beside cards of another machine it is the memory of that machine.
    host.planning_only =
        std::any_of(devices.begin(), devices.end(), [](const DeviceInfo& device) { return device.planning_only; });
    extended.push_back(std::move(host));
    return extended;
}

std::optional<std::int64_t> rows_to_spill(const PlacementProblem& problem) {
    const Others others = others_of(problem);
    const std::int64_t unplaced = problem.rows - others.capacity;
    if (others.eligible >= problem.min_devices) return unplaced;
    if (others.eligible + 1 < problem.min_devices) return std::nullopt;
    return std::max<std::int64_t>(unplaced, 1);
}

std::optional<std::vector<Assignment>> solve_spilling(const PlacementProblem& problem) {
    const std::size_t last = listed_last(problem);
    const std::optional<std::int64_t> spilled = rows_to_spill(problem);
    if (!spilled || *spilled > problem.candidates[last].capacity) return std::nullopt;
    PlacementProblem rest = problem;
    rest.candidates.erase(rest.candidates.begin() + static_cast<std::ptrdiff_t>(last));
    rest.rows -= *spilled;
    rest.min_devices = std::max(1, problem.min_devices - (*spilled > 0 ? 1 : 0));
    std::optional<std::vector<Assignment>> assignments = solve(rest);
    if (!assignments) return std::nullopt;
    const Assignment to_last{.rows = *spilled, .group = *spilled > 0 ? 0 : -1};
    assignments->insert(assignments->begin() + static_cast<std::ptrdiff_t>(last), to_last);
    return assignments;
}

}  // namespace gpushard
