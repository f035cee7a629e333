#include <algorithm>
#include <limits>
#include <string>

#include <gpushard/error.hpp>
#include <gpushard/placement_planner.hpp>

#include "core/placement_alternatives.hpp"
#include "core/placement_problem.hpp"
#include "core/spill.hpp"

namespace gpushard {
namespace {

/// Sizes above this are refused, so that no sum over a plan can wrap.
constexpr Bytes most_bytes = Bytes{1} << 62;
constexpr Bytes least_staging = 1_MiB;

InvalidArgument out_of_range(const std::string& what, std::int64_t value, const std::string& expected) {
    return InvalidArgument(what + " is " + std::to_string(value) + ", expected " + expected);
}

bool card_searches(Metric metric) {
    switch (metric) {
        case Metric::inner_product:
        case Metric::l2:
        case Metric::l1:
        case Metric::linf:
        case Metric::lp:
        case Metric::canberra:
        case Metric::bray_curtis:
        case Metric::jensen_shannon:
            return true;
        case Metric::jaccard:
        case Metric::nan_euclidean:
        case Metric::gower:
            return false;
    }
    return false;
}

void validate_index(const IndexProfile& index, const PlanOptions& options) {
    if (index.dim < 1) throw out_of_range("dimension of the index", index.dim, "at least 1");
    if (index.count < 0) throw out_of_range("vector count of the index", index.count, "at least 0");
    const Bytes row_bytes = static_cast<Bytes>(index.dim) * 4;
    const Bytes copies = static_cast<Bytes>(options.replicas);
    if (static_cast<Bytes>(index.count) > most_bytes / row_bytes / copies) {
        throw InvalidArgument("index of " + std::to_string(index.count) + " x " + std::to_string(index.dim) +
                              " is beyond 2^62 bytes in float32");
    }
}

void validate_options(const PlanOptions& options) {
    constexpr std::int64_t most_neighbors = std::numeric_limits<std::int32_t>::max();
    if (options.k < 1 || options.k > most_neighbors) {
        throw out_of_range("k", options.k, "1 to " + std::to_string(most_neighbors));
    }
    if (options.max_batch < 1) throw out_of_range("largest batch", options.max_batch, "at least 1");
    if (options.min_devices < 1) throw out_of_range("smallest number of devices", options.min_devices, "at least 1");
    if (options.replicas < 1) throw out_of_range("number of replicas", options.replicas, "at least 1");
    if (options.replicas > 1 && options.strategy != Strategy::replicate) {
        throw InvalidArgument(std::to_string(options.replicas) + " replicas with strategy " +
                              std::string(to_string(options.strategy)) + ", expected strategy replicate");
    }
    if (options.staging_bytes < least_staging) {
        throw InvalidArgument("staging of " + format_bytes(options.staging_bytes) + ", expected at least " +
                              format_bytes(least_staging));
    }
}

void validate_counts(const IndexProfile& index, const PlanOptions& options) {
    if (index.count == 0) return;
    // Each copy can be spread over as many devices as it has rows.
    if (options.min_devices > index.count * options.replicas) {
        throw InvalidArgument("an index of " + std::to_string(index.count) + " vectors cannot be spread over " +
                              std::to_string(options.min_devices) + " devices");
    }
}

std::vector<Precision> precisions_to_try(const IndexProfile& index, const PlanOptions& options) {
    switch (options.precision) {
        case PrecisionChoice::stored:
            return {index.stored};
        case PrecisionChoice::f32:
            return {Precision::f32};
        case PrecisionChoice::f16:
            return {Precision::f16};
        case PrecisionChoice::bf16:
            return {Precision::bf16};
        case PrecisionChoice::automatic:
            return {Precision::f32, Precision::f16};
    }
    return {index.stored};
}

void validate_devices(const IndexProfile& index, const std::vector<DeviceInfo>& devices, const PlanOptions& options) {
    if (devices.empty()) throw InvalidArgument("no devices, expected at least one");
    const auto asked = std::max(options.min_devices, options.replicas);
    if (devices.size() < static_cast<std::size_t>(asked)) {
        const std::string what = asked == options.min_devices ? " devices asked for" : " replicas asked for";
        throw InvalidArgument(std::to_string(asked) + what + ", but only " + std::to_string(devices.size()) +
                              " listed");
    }
    const bool in_bfloat16 = precisions_to_try(index, options).front() == Precision::bf16;
    for (const DeviceInfo& device : devices) {
        if (device.kind == DeviceKind::cpu && in_bfloat16) {
            throw InvalidArgument("device '" + device.spec + "' is host memory, which does not hold bfloat16",
                                  {"--precision f16 takes the same memory"});
        }
        if (device.kind == DeviceKind::cuda && !card_searches(index.metric)) {
            throw InvalidArgument("device '" + device.spec + "' cannot search by " + to_string(index.metric),
                                  {"--devices cpu searches by every metric of Faiss"});
        }
    }
}

void validate_spill(const IndexProfile& index, const std::vector<DeviceInfo>& devices, const PlanOptions& options) {
    if (options.spill_bytes == 0) return;
    const std::string spill = "a spill of " + format_bytes(options.spill_bytes);
    if (options.replicas > 1) {
        throw InvalidArgument(spill + " with " + std::to_string(options.replicas) + " replicas, expected one",
                              {"a copy in host memory would slow down every search that it answers"});
    }
    if (precisions_to_try(index, options).front() == Precision::bf16) {
        throw InvalidArgument(spill + " in bfloat16, which host memory does not hold",
                              {"--precision f16 takes the same memory"});
    }
    for (const DeviceInfo& device : devices) {
        if (device.kind != DeviceKind::cpu || device.spec != "cpu") continue;
        throw InvalidArgument(spill + " beside the device 'cpu', which is all of the host already",
                              {"leave the spill out, or give the device a budget as in cpu=2GiB"});
    }
}

/// Rows that are kept as they are stored, once, in host memory are read straight to their place; all others pass
/// through staging. A small index does not need all of it.
Bytes staging_for(const PlacementPlan& plan) {
    const bool all_on_host = std::all_of(plan.devices.begin(), plan.devices.end(), [](const ShardPlacement& shard) {
        return shard.rows.count() == 0 || shard.device.kind == DeviceKind::cpu;
    });
    const bool as_stored = plan.precision == Precision::f32 && plan.index.stored == Precision::f32;
    if (all_on_host && as_stored && plan.options.replicas == 1) return 0;
    constexpr Bytes page = 4_KiB;
    const Bytes payload_pages = checked_add(plan.index.payload_bytes, page - 1) / page * page;
    return std::min(plan.options.staging_bytes, std::max(least_staging, payload_pages));
}

/// Turns numbers of rows into ranges, one after the other in canonical order, with the best search tile for each.
PlacementPlan lay_out(const IndexProfile& index, const std::vector<DeviceInfo>& devices, const PlanOptions& options,
                      Precision precision, const PlacementProblem& problem,
                      const std::vector<Assignment>& assignments) {
    PlacementPlan plan;
    plan.index = index;
    plan.options = options;
    plan.precision = precision;
    plan.devices.resize(devices.size());
    std::vector<std::int64_t> next_row(static_cast<std::size_t>(options.replicas));
    for (std::size_t i = 0; i < problem.candidates.size(); ++i) {
        const Candidate& candidate = problem.candidates[i];
        ShardPlacement& shard = plan.devices[candidate.listed];
        shard.device = devices[candidate.listed];
        shard.reserve_bytes = reserve_of(shard.device, options);
        const auto [rows, group] = assignments[i];
        if (rows == 0) continue;
        std::int64_t& begin = next_row[static_cast<std::size_t>(group)];
        shard.rows = {.begin = begin, .end = begin + rows};
        begin += rows;
        shard.group = group;
        shard.share = static_cast<double>(rows) / static_cast<double>(index.count);
        shard.tile = largest_tile_within(candidate.workload, rows, candidate.usable);
        shard.memory = shard_memory(candidate.workload, rows, shard.tile);
        if (shard.device.kind == DeviceKind::cpu) plan.host_resident_bytes += shard.memory.resident;
    }
    plan.host_staging_bytes = staging_for(plan);
    return plan;
}

/// The first precision for which `solver` places the rows.
template <typename Solver>
std::optional<PlacementPlan> try_solver(Solver solver, const IndexProfile& index,
                                        const std::vector<DeviceInfo>& devices, const PlanOptions& options) {
    for (const Precision precision : precisions_to_try(index, options)) {
        const PlacementProblem problem = pose_problem(index, devices, options, precision);
        if (const auto assignments = solver(problem)) {
            return lay_out(index, devices, options, precision, problem, *assignments);
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<PlacementPlan> try_plan(const IndexProfile& index, const std::vector<DeviceInfo>& devices,
                                      const PlanOptions& options) {
    auto plan = try_solver(solve, index, devices, options);
    if (plan || options.spill_bytes == 0) return plan;
    plan = try_solver(solve_spilling, index, with_spill_device(devices, options), options);
    if (plan) plan->spilled = true;
    return plan;
}

Precision smallest_precision(const IndexProfile& index, const PlanOptions& options) {
    return precisions_to_try(index, options).back();
}

Bytes largest_peak(const PlacementPlan& plan) {
    Bytes largest = 0;
    for (const ShardPlacement& shard : plan.devices) largest = std::max(largest, shard.memory.peak());
    return largest;
}

PlacementPlan plan_placement(const IndexProfile& index, const std::vector<DeviceInfo>& devices,
                             const PlanOptions& options) {
    validate_options(options);
    validate_index(index, options);
    validate_devices(index, devices, options);
    validate_spill(index, devices, options);
    validate_counts(index, options);
    std::optional<PlacementPlan> plan = try_plan(index, devices, options);
    if (!plan) throw refusal(index, devices, options);
    plan->stock_faiss = simulate_stock_faiss(index, plan->precision, devices);
    return *std::move(plan);
}

std::vector<RigSuggestion> suggest_rigs(const IndexProfile& index, const PlanOptions& requested, int max_cards) {
    PlanOptions options = requested;
    options.spill_bytes = 0;  // a rig that holds the index needs none
    validate_options(options);
    validate_index(index, options);
    validate_counts(index, options);
    constexpr int most_cards = 1024;
    if (max_cards < 1 || max_cards > most_cards) {
        throw out_of_range("largest number of cards", max_cards, "1 to " + std::to_string(most_cards));
    }
    std::vector<RigSuggestion> suggestions;
    if (!card_searches(index.metric)) return suggestions;

    const auto rig = [](const KnownCard& card, int count) {
        return std::vector<DeviceInfo>(static_cast<std::size_t>(count), describe(card));
    };
    for (const KnownCard& card : known_cards()) {
        int too_few = std::max(options.min_devices, options.replicas) - 1;
        int enough = max_cards + 1;
        while (enough - too_few > 1) {
            const int middle = too_few + (enough - too_few) / 2;
            (try_plan(index, rig(card, middle), options) ? enough : too_few) = middle;
        }
        if (enough > max_cards) continue;
        const std::optional<PlacementPlan> plan = try_plan(index, rig(card, enough), options);
        suggestions.push_back({.card = card, .count = enough, .peak_bytes = largest_peak(*plan)});
    }
    std::stable_sort(suggestions.begin(), suggestions.end(), [](const RigSuggestion& a, const RigSuggestion& b) {
        const auto key = [](const RigSuggestion& rig_of) {
            return std::make_pair(static_cast<Bytes>(rig_of.count) * rig_of.card.total_bytes, rig_of.count);
        };
        return key(a) < key(b);
    });
    return suggestions;
}

}  // namespace gpushard
