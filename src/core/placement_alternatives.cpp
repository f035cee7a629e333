#include "core/placement_alternatives.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include <gpushard/placement_planner.hpp>

#include "core/placement_problem.hpp"
#include "core/spill.hpp"
#include "core/try_plan.hpp"

namespace gpushard {
namespace {

Bytes lacking(Bytes needed, Bytes usable) { return needed > usable ? needed - usable : 0; }

std::int64_t capacity_of(const PlacementProblem& problem, const std::vector<std::size_t>& members) {
    std::int64_t sum = 0;
    for (const std::size_t member : members) {
        sum += std::min(problem.candidates[member].capacity, problem.rows - sum);
    }
    return sum;
}

/// Finds the memory that a rig would have to grow by: grows devices of a copy of the problem until it can be solved.
class SmallestIncrease {
public:
    explicit SmallestIncrease(PlacementProblem problem) : problem_(std::move(problem)) {}

    Bytes run() {
        // A device that has to take unplaced rows may be one of those that min_devices calls for: leave one to it.
        enable_devices(problem_.min_devices - eligible() - 1);
        for (const std::vector<std::size_t>& members : groups_of(problem_)) place_all(members);
        enable_devices(problem_.min_devices - eligible());
        return added_;
    }

private:
    Bytes cost(const Candidate& candidate, std::int64_t rows) const {
        return lacking(candidate.needed(rows), candidate.usable);
    }

    void grow(Candidate& candidate, std::int64_t rows) {
        added_ = checked_add(added_, cost(candidate, rows));
        candidate.usable = std::max(candidate.usable, candidate.needed(rows));
        candidate.capacity = rows_within(candidate.workload, candidate.usable, problem_.rows);
    }

    /// Devices that can hold a row.
    int eligible() const {
        return static_cast<int>(std::count_if(problem_.candidates.begin(), problem_.candidates.end(),
                                              [](const Candidate& candidate) { return candidate.capacity > 0; }));
    }

    /// Lets `more` devices hold a row, those that lack least.
    void enable_devices(int more) {
        std::vector<Candidate*> unable;
        for (Candidate& candidate : problem_.candidates) {
            if (candidate.capacity == 0) unable.push_back(&candidate);
        }
        std::stable_sort(unable.begin(), unable.end(),
                         [&](const Candidate* a, const Candidate* b) { return cost(*a, 1) < cost(*b, 1); });
        for (int i = 0; i < more; ++i) grow(*unable[static_cast<std::size_t>(i)], 1);
    }

    /// Grows the one member of a group that needs least for the rows that have no place in the group.
    void place_all(const std::vector<std::size_t>& members) {
        const std::int64_t unplaced = problem_.rows - capacity_of(problem_, members);
        if (unplaced == 0) return;
        std::vector<Candidate*> growing;
        const bool must_enable = eligible() < problem_.min_devices;
        for (const std::size_t member : members) {
            Candidate& candidate = problem_.candidates[member];
            if (!must_enable || candidate.capacity == 0) growing.push_back(&candidate);
        }
        if (growing.empty()) {
            for (const std::size_t member : members) growing.push_back(&problem_.candidates[member]);
        }
        const auto cheapest =
            std::min_element(growing.begin(), growing.end(), [&](const Candidate* a, const Candidate* b) {
                return cost(*a, a->capacity + unplaced) < cost(*b, b->capacity + unplaced);
            });
        grow(**cheapest, (*cheapest)->capacity + unplaced);
    }

    PlacementProblem problem_;
    Bytes added_ = 0;
};

std::vector<DeviceShortfall> shortfalls(const PlacementProblem& problem, const std::vector<DeviceInfo>& devices) {
    std::vector<DeviceShortfall> result(devices.size());
    for (const std::vector<std::size_t>& members : groups_of(problem)) {
        double speed = 0;
        for (const std::size_t member : members) speed += problem.candidates[member].speed;
        for (const std::size_t member : members) {
            const Candidate& candidate = problem.candidates[member];
            const double share = candidate.speed / speed * static_cast<double>(problem.rows);
            const Bytes needed = candidate.needed(std::min(problem.rows, static_cast<std::int64_t>(share) + 1));
            result[candidate.listed] = {.device = devices[candidate.listed].spec,
                                        .needed_bytes = needed,
                                        .usable_bytes = candidate.usable,
                                        .short_bytes = lacking(needed, candidate.usable)};
        }
    }
    return result;
}

/// Looks for changes to one request that make it fit.
class AlternativeSearch {
public:
    AlternativeSearch(const IndexProfile& index, const std::vector<DeviceInfo>& devices, const PlanOptions& options)
        : index_(index), devices_(devices), options_(options) {}

    std::vector<Alternative> run() {
        half_precision();
        no_reserve();
        smaller_batch();
        fewer_replicas();
        spill();
        one_more_device();
        known_rigs();
        return std::move(found_);
    }

private:
    /// Adds the change if it can be planned.
    bool offer(const std::string& change, const std::string& flags, const std::vector<DeviceInfo>& devices,
               const PlanOptions& options) {
        const std::optional<PlacementPlan> plan = try_plan(index_, devices, options);
        if (!plan) return false;
        found_.push_back({.change = change,
                          .flags = flags,
                          .peak_bytes = largest_peak(*plan),
                          .total_bytes = plan->totals().peak()});
        return true;
    }

    bool offer(const std::string& change, const std::string& flags, const PlanOptions& options) {
        return offer(change, flags, devices_, options);
    }

    void half_precision() {
        if (smallest_precision(index_, options_) != Precision::f32) return;
        PlanOptions options = options_;
        options.precision = PrecisionChoice::f16;
        offer("float16 instead of float32", "--precision f16", options);
    }

    void no_reserve() {
        Bytes largest = 0;
        for (const DeviceInfo& device : devices_) largest = std::max(largest, reserve_of(device, options_));
        if (largest == 0) return;
        PlanOptions options = options_;
        options.reserve_bytes = 0;
        offer("no reserve instead of " + format_bytes(largest) + " on a device", "--reserve 0", options);
    }

    /// A search tile never needs to hold more queries than a small number, so only batches below it save memory.
    void smaller_batch() {
        constexpr std::int64_t largest_that_saves = 16;
        PlanOptions options = options_;
        for (options.max_batch = std::min(largest_that_saves, options_.max_batch / 2); options.max_batch > 0;
             options.max_batch /= 2) {
            const std::string batch = std::to_string(options.max_batch);
            if (offer("batches of " + batch + " queries instead of " + std::to_string(options_.max_batch),
                      "--max-batch " + batch, options)) {
                return;
            }
        }
    }

    void fewer_replicas() {
        PlanOptions options = options_;
        while (--options.replicas > 0) {
            const std::string replicas = std::to_string(options.replicas);
            if (offer(replicas + " instead of " + std::to_string(options_.replicas) + " replicas",
                      "--replicas " + replicas, options)) {
                return;
            }
        }
    }

    /// Host memory for the rows that cards have no room for; how much of it there is, the planner does not know.
    void spill() {
        const auto is_host = [](const DeviceInfo& device) { return device.kind == DeviceKind::cpu; };
        const Precision precision = smallest_precision(index_, options_);
        if (options_.spill_bytes > 0 || options_.replicas > 1 ||
            std::any_of(devices_.begin(), devices_.end(), is_host)) {
            return;
        }
        PlanOptions options = options_;
        options.spill_bytes = 1;
        const PlacementProblem problem = pose_problem(index_, with_spill_device(devices_, options), options, precision);
        const std::optional<std::int64_t> rows = rows_to_spill(problem);
        if (!rows) return;
        const auto host = std::find_if(problem.candidates.begin(), problem.candidates.end(),
                                       [&](const Candidate& candidate) { return candidate.listed == devices_.size(); });
        const Bytes needed = checked_add(host->needed(*rows), reserve_of(spill_device(1), options));
        const Bytes unit = needed >= 1_GiB ? 1_GiB : 1_MiB;
        options.spill_bytes = checked_add(needed, unit - 1) / unit * unit;
        const std::string size = std::to_string(options.spill_bytes / unit) + (unit == 1_GiB ? "GiB" : "MiB");
        offer("the rest in " + format_bytes(options.spill_bytes) + " of host memory", "--spill " + size, options);
    }

    /// A further device like the largest one; no flag names a card of arbitrary size.
    void one_more_device() {
        const DeviceInfo& largest =
            *std::max_element(devices_.begin(), devices_.end(),
                              [](const DeviceInfo& a, const DeviceInfo& b) { return a.total_bytes < b.total_bytes; });
        DeviceInfo further;
        further.spec = "one more";
        further.kind = largest.kind;
        further.context_bytes = largest.kind == DeviceKind::cuda ? assumed_context_bytes : 0;
        further.bytes_per_second = largest.bytes_per_second;
        std::vector<DeviceInfo> devices = devices_;
        devices.push_back(further);
        PlacementProblem problem =
            pose_problem(index_, with_spill_device(devices, options_), options_, smallest_precision(index_, options_));
        Candidate& added = *std::find_if(problem.candidates.begin(), problem.candidates.end(),
                                         [&](const Candidate& c) { return c.listed == devices_.size(); });

        const Bytes kept = checked_add(reserve_of(further, options_), further.context_bytes);
        const auto fits_with = [&](Bytes gib) {
            added.usable = checked_multiply(gib, 1_GiB) - std::min(checked_multiply(gib, 1_GiB), kept);
            added.capacity = rows_within(added.workload, added.usable, problem.rows);
            return solve(problem).has_value();
        };
        Bytes too_small = 0;
        Bytes enough = checked_add(added.needed(problem.rows), kept) / 1_GiB + 1;
        if (!fits_with(enough)) return;
        while (enough - too_small > 1) {
            const Bytes middle = too_small + (enough - too_small) / 2;
            (fits_with(middle) ? enough : too_small) = middle;
        }
        devices.back().total_bytes = devices.back().free_bytes = enough * 1_GiB;
        offer("one more device of " + std::to_string(enough) + " GiB", "", devices, options_);
    }

    /// The rig with the least memory, and the one of the fewest cards.
    void known_rigs() {
        const std::vector<RigSuggestion> rigs = suggest_rigs(index_, options_);
        if (rigs.empty()) return;
        const auto offer_rig = [&](const RigSuggestion& rig) {
            const std::string name = std::to_string(rig.count) + "x" + rig.card.name;
            offer("a rig of " + name, "--devices " + name,
                  std::vector<DeviceInfo>(static_cast<std::size_t>(rig.count), describe(rig.card)), options_);
        };
        const auto fewest = std::min_element(
            rigs.begin(), rigs.end(), [](const RigSuggestion& a, const RigSuggestion& b) { return a.count < b.count; });
        offer_rig(rigs.front());
        if (fewest != rigs.begin()) offer_rig(*fewest);
    }

    const IndexProfile& index_;
    const std::vector<DeviceInfo>& devices_;
    const PlanOptions& options_;
    std::vector<Alternative> found_;
};

const char* long_name(Precision precision) {
    switch (precision) {
        case Precision::f32:
            return "float32";
        case Precision::f16:
            return "float16";
        case Precision::bf16:
            return "bfloat16";
    }
    return "float32";
}

}  // namespace

InsufficientMemory refusal(const IndexProfile& index, const std::vector<DeviceInfo>& listed,
                           const PlanOptions& options) {
    const std::vector<DeviceInfo> devices = with_spill_device(listed, options);
    const Precision precision = smallest_precision(index, options);
    const PlacementProblem problem = pose_problem(index, devices, options, precision);
    const Bytes row_bytes = checked_multiply(static_cast<Bytes>(index.dim), element_bytes(precision));
    const Bytes vector_bytes = static_cast<Bytes>(index.count) * row_bytes * static_cast<Bytes>(options.replicas);
    Bytes room = 0;
    for (const std::vector<std::size_t>& members : groups_of(problem)) {
        room += static_cast<Bytes>(capacity_of(problem, members)) * row_bytes;
    }
    const auto eligible = std::count_if(problem.candidates.begin(), problem.candidates.end(),
                                        [](const Candidate& candidate) { return candidate.capacity > 0; });
    const Bytes missing = SmallestIncrease(problem).run();

    std::string what = index.display_name() + ": " + std::to_string(index.count) + " x " + std::to_string(index.dim) +
                       " in " + long_name(precision) + " does not fit: ";
    if (eligible < options.min_devices) {
        what += std::to_string(options.min_devices) + " devices are asked for and " + std::to_string(eligible) +
                " of " + std::to_string(devices.size()) + " can hold a vector; ";
    }
    what += (options.replicas > 1 ? std::to_string(options.replicas) + " copies of the vectors take "
                                  : std::string("the vectors take ")) +
            format_bytes(vector_bytes) + ", the devices have room for " + format_bytes(room) +
            " beside their search memory, " + format_bytes(missing) + " short";
    std::vector<ErrorField> fields = {{"file", index.display_name()},
                                      {"count", index.count},
                                      {"dim", std::int64_t{index.dim}},
                                      {"precision", std::string(to_string(precision))},
                                      {"vector_bytes", static_cast<std::int64_t>(vector_bytes)},
                                      {"room_bytes", static_cast<std::int64_t>(room)}};
    InsufficientMemory refused(what, missing, shortfalls(problem, devices),
                               AlternativeSearch(index, listed, options).run(), std::move(fields));
    for (std::string& hint : holder_hints(devices)) refused.add_hint(std::move(hint));
    return refused;
}

}  // namespace gpushard
