#include "core/placement_problem.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "core/ascii.hpp"
#include "core/planned_workload.hpp"
#include "core/replica_groups.hpp"
#include "core/water_filling.hpp"

namespace gpushard {
namespace {

constexpr Bytes default_card_reserve = 256_MiB;

std::string_view take_number(std::string_view& text) {
    std::size_t end = 0;
    while (end < text.size() && is_digit(text[end])) ++end;
    std::string_view number = text.substr(0, end);
    text.remove_prefix(end);
    number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
    return number;
}

/// Negative, zero or positive, as strings sort with runs of digits compared as numbers. Zero for equal texts only.
int compare_naturally(std::string_view a, std::string_view b) {
    const int plain = a.compare(b);
    while (!a.empty() && !b.empty()) {
        if (is_digit(a.front()) && is_digit(b.front())) {
            const std::string_view left = take_number(a);
            const std::string_view right = take_number(b);
            if (left.size() != right.size()) return left.size() < right.size() ? -1 : 1;
            if (const int order = left.compare(right); order != 0) return order;
        } else {
            if (a.front() != b.front()) return a.front() < b.front() ? -1 : 1;
            a.remove_prefix(1);
            b.remove_prefix(1);
        }
    }
    if (a.empty() != b.empty()) return a.empty() ? -1 : 1;
    return plain;
}

bool canonically_before(const DeviceInfo& a, const DeviceInfo& b) {
    if (a.kind != b.kind) return a.kind < b.kind;
    if (const int order = compare_naturally(a.spec, b.spec); order != 0) return order < 0;
    const auto rest = [](const DeviceInfo& device) {
        return std::tie(device.uuid, device.pci, device.name, device.total_bytes, device.free_bytes,
                        device.context_bytes, device.bytes_per_second, device.planning_only);
    };
    return rest(a) < rest(b);
}

bool is_speed(double bytes_per_second) { return std::isfinite(bytes_per_second) && bytes_per_second > 0; }

/// Speeds relative to the fastest. A device of unknown speed counts as the slowest known; a ratio of more than 10^9
/// is noise.
std::vector<double> relative_speeds(const std::vector<DeviceInfo>& devices) {
    double slowest = 0;
    double fastest = 0;
    for (const DeviceInfo& device : devices) {
        if (!is_speed(device.bytes_per_second)) continue;
        slowest = slowest > 0 ? std::min(slowest, device.bytes_per_second) : device.bytes_per_second;
        fastest = std::max(fastest, device.bytes_per_second);
    }
    std::vector<double> speeds;
    for (const DeviceInfo& device : devices) {
        const double speed = is_speed(device.bytes_per_second) ? device.bytes_per_second : slowest;
        speeds.push_back(fastest > 0 ? std::max(speed / fastest, 1e-9) : 1);
    }
    return speeds;
}

/// Rows that a device can hold.
struct Capacity {
    std::int64_t largest = 0;      ///< with the smallest search tile
    std::int64_t comfortable = 0;  ///< beside a comfortable one
};

/// Capacities of devices that are often alike.
class Capacities {
public:
    Capacity of(const ShardWorkload& workload, Bytes usable) {
        const auto [entry, is_new] = known_.try_emplace({workload.kind, usable});
        if (is_new) {
            constexpr std::int64_t any = std::numeric_limits<std::int64_t>::max();
            entry->second.largest = rows_within(workload, usable, any);
            entry->second.comfortable = rows_within(workload, usable, any, comfortable_tile(workload, usable));
        }
        return entry->second;
    }

private:
    std::map<std::pair<DeviceKind, Bytes>, Capacity> known_;
};

/// Sum of capacities, as far as it matters: at most `enough`.
std::int64_t capacity_up_to(std::int64_t enough, const PlacementProblem& problem,
                            const std::vector<std::size_t>& members, CapacityOf capacity) {
    std::int64_t sum = 0;
    for (const std::size_t member : members) sum += std::min(problem.candidates[member].*capacity, enough - sum);
    return sum;
}

/// The fewest members that hold everything, those with most capacity first; all where all do not suffice.
std::vector<std::size_t> fewest_of(const PlacementProblem& problem, std::vector<std::size_t> members,
                                   CapacityOf capacity) {
    std::stable_sort(members.begin(), members.end(), [&](std::size_t a, std::size_t b) {
        return problem.candidates[a].*capacity > problem.candidates[b].*capacity;
    });
    std::int64_t missing = problem.rows;
    std::size_t needed = 0;
    while (needed < members.size() && (missing > 0 || needed < static_cast<std::size_t>(problem.min_devices))) {
        missing -= std::min(missing, problem.candidates[members[needed++]].*capacity);
    }
    members.resize(needed);
    std::sort(members.begin(), members.end());
    return members;
}

std::vector<Recipient> recipients_of(const PlacementProblem& problem, const std::vector<std::size_t>& members,
                                     CapacityOf capacity) {
    std::vector<Recipient> recipients;
    for (const std::size_t member : members) {
        const Candidate& candidate = problem.candidates[member];
        recipients.push_back({.capacity = std::min(candidate.*capacity, problem.rows),
                              .weight = problem.strategy == Strategy::proportional
                                            ? static_cast<double>(candidate.*capacity)
                                            : candidate.speed});
    }
    return recipients;
}

std::optional<std::vector<Assignment>> solve_with(const PlacementProblem& problem, CapacityOf capacity) {
    std::vector<Assignment> assignments(problem.candidates.size());
    std::vector<std::vector<std::size_t>> groups = groups_of(problem, capacity);
    std::vector<std::vector<Recipient>> recipients;
    std::vector<std::vector<std::int64_t>> shares;
    int used = 0;
    for (std::vector<std::size_t>& members : groups) {
        if (capacity_up_to(problem.rows, problem, members, capacity) < problem.rows) return std::nullopt;
        std::erase_if(members, [&](std::size_t member) { return problem.candidates[member].*capacity == 0; });
        if (problem.strategy == Strategy::fewest) members = fewest_of(problem, std::move(members), capacity);
        recipients.push_back(recipients_of(problem, members, capacity));
        shares.push_back(water_fill(problem.rows, recipients.back()));
        used += static_cast<int>(members.size() - std::count(shares.back().begin(), shares.back().end(), 0));
    }
    for (std::size_t group = 0; group < groups.size() && used < problem.min_devices; ++group) {
        used += spread_further(problem.min_devices - used, recipients[group], shares[group]);
    }
    if (used < problem.min_devices) return std::nullopt;

    for (std::size_t group = 0; group < groups.size(); ++group) {
        for (std::size_t i = 0; i < groups[group].size(); ++i) {
            if (shares[group][i] == 0) continue;
            assignments[groups[group][i]] = {.rows = shares[group][i], .group = static_cast<int>(group)};
        }
    }
    return assignments;
}

std::int64_t used_devices(const std::vector<Assignment>& assignments) {
    return std::count_if(assignments.begin(), assignments.end(), [](const Assignment& one) { return one.rows > 0; });
}

}  // namespace

Bytes reserve_of(const DeviceInfo& device, const PlanOptions& options) {
    return options.reserve_bytes.value_or(device.kind == DeviceKind::cuda ? default_card_reserve : 0);
}

Bytes usable_of(const DeviceInfo& device, Bytes reserve) {
    const Bytes unreserved = device.free_bytes - std::min(device.free_bytes, reserve);
    return unreserved - std::min(unreserved, device.context_bytes);
}

PlacementProblem pose_problem(const IndexProfile& index, const std::vector<DeviceInfo>& devices,
                              const PlanOptions& options, Precision precision) {
    PlacementProblem problem{.rows = index.count,
                             .strategy = options.strategy,
                             .replicas = options.replicas,
                             .min_devices = options.min_devices,
                             .candidates = {}};
    std::vector<std::size_t> order(devices.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return canonically_before(devices[a], devices[b]); });
    const std::vector<double> speeds = relative_speeds(devices);
    Capacities capacities;
    for (const std::size_t listed : order) {
        const DeviceInfo& device = devices[listed];
        Candidate candidate;
        candidate.listed = listed;
        candidate.workload = planned_workload(index, precision, options, device.kind);
        candidate.usable = usable_of(device, reserve_of(device, options));
        const Capacity capacity = capacities.of(candidate.workload, candidate.usable);
        candidate.capacity = capacity.largest;
        candidate.comfortable_capacity = capacity.comfortable;
        candidate.speed = speeds[listed];
        problem.candidates.push_back(candidate);
    }
    return problem;
}

std::vector<std::vector<std::size_t>> groups_of(const PlacementProblem& problem, CapacityOf capacity) {
    std::vector<std::vector<std::size_t>> groups(static_cast<std::size_t>(problem.replicas));
    if (problem.replicas == 1) {
        groups.front().resize(problem.candidates.size());
        std::iota(groups.front().begin(), groups.front().end(), std::size_t{0});
        return groups;
    }
    std::vector<std::int64_t> capacities;
    for (const Candidate& candidate : problem.candidates) capacities.push_back(candidate.*capacity);
    const std::vector<int> group_of_each = form_groups(capacities, problem.replicas, problem.rows);
    for (std::size_t i = 0; i < group_of_each.size(); ++i) {
        groups[static_cast<std::size_t>(group_of_each[i])].push_back(i);
    }
    return groups;
}

std::optional<std::vector<Assignment>> solve(const PlacementProblem& problem) {
    if (problem.rows == 0) return std::vector<Assignment>(problem.candidates.size());
    auto comfortable = solve_with(problem, &Candidate::comfortable_capacity);
    if (comfortable && problem.strategy != Strategy::fewest) return comfortable;
    auto largest = solve_with(problem, &Candidate::capacity);
    return comfortable && used_devices(*comfortable) == used_devices(*largest) ? comfortable : largest;
}

}  // namespace gpushard
