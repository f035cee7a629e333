#include "core/plan_rules.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include <gpushard/error.hpp>
#include <gpushard/index_limits.hpp>

#include "core/answer_memory.hpp"
#include "core/plan_request.hpp"
#include "core/planned_workload.hpp"

namespace gpushard {
namespace {

constexpr std::size_t most_devices = 65536;
constexpr std::int64_t any_count = std::numeric_limits<std::int64_t>::max();
/// Shares are derived from rows; a text may round them.
constexpr double share_tolerance = 1e-6;

std::string text(std::int64_t number) { return std::to_string(number); }
std::string bytes_text(Bytes bytes) { return std::to_string(bytes); }

/// The first fault that is reported to it.
class Faults {
public:
    explicit Faults(std::string at = "") : at_(std::move(at)) {}

    void unless(bool right, const std::string& field, const std::string& value, const std::string& expected) {
        if (!right && !first_) first_ = {at_ + field, value, expected};
    }
    void within(const std::string& field, std::int64_t value, std::int64_t least, std::int64_t most) {
        const std::string upper = most == any_count ? " or more" : " to " + text(most);
        unless(value >= least && value <= most, field, text(value), "a whole number of " + text(least) + upper);
    }
    void equal(const std::string& field, Bytes value, Bytes expected, const char* because) {
        unless(value == expected, field, bytes_text(value), bytes_text(expected) + ", " + because);
    }
    /// An enumeration that is cast from a number may hold anything.
    template <typename Value>
    void one_of(const std::string& field, Value value, std::initializer_list<Value> known) {
        unless(std::find(known.begin(), known.end(), value) != known.end(), field,
               "number " + text(static_cast<std::int64_t>(value)), "a value that has a name");
    }
    void take(std::optional<PlanFault> other) {
        if (!first_) first_ = std::move(other);
    }

    bool any() const { return first_.has_value(); }
    std::optional<PlanFault> first() const { return first_; }

private:
    const std::string at_;
    std::optional<PlanFault> first_;
};

int group_count(const PlanOptions& options) { return options.strategy == Strategy::replicate ? options.replicas : 1; }

std::optional<PlanFault> fault_of_index(const IndexProfile& index) {
    Faults faults("index.");
    faults.one_of("type", index.type, {IndexType::flat});
    faults.one_of("stored", index.stored, {Precision::f32, Precision::f16, Precision::bf16});
    faults.unless(metric_from_number(static_cast<std::int32_t>(index.metric)).has_value(), "metric",
                  to_string(index.metric), "the name of a metric");
    faults.unless(std::isfinite(index.metric_arg), "metric_arg", std::to_string(index.metric_arg), "a finite number");
    faults.within("dim", index.dim, 1, largest_dim);
    faults.within("count", index.count, 0, any_count);
    if (faults.any()) return faults.first();
    // What validate_index of a request allows: no sum over a plan wraps.
    constexpr Bytes most_bytes = Bytes{1} << 62;
    faults.unless(static_cast<Bytes>(index.count) <= most_bytes / (static_cast<Bytes>(index.dim) * 4), "count",
                  text(index.count), "below 2^62 bytes of vectors in float32");
    if (faults.any()) return faults.first();
    const Bytes payload = static_cast<Bytes>(index.count) * index.row_bytes();
    faults.equal("payload_bytes", index.payload_bytes, payload, "count x dim x bytes of an element");
    faults.unless(index.payload_offset <= index.bytes && payload <= index.bytes - index.payload_offset, "bytes",
                  bytes_text(index.bytes), "at least payload_offset + payload_bytes");
    return faults.first();
}

std::optional<PlanFault> fault_of_options(const PlanOptions& options) {
    constexpr std::int64_t most_neighbors = std::numeric_limits<std::int32_t>::max();
    Faults faults("options.");
    faults.one_of("strategy", options.strategy,
                  {Strategy::balanced, Strategy::proportional, Strategy::fewest, Strategy::replicate});
    faults.one_of("precision", options.precision,
                  {PrecisionChoice::stored, PrecisionChoice::f32, PrecisionChoice::f16, PrecisionChoice::bf16,
                   PrecisionChoice::automatic});
    faults.within("replicas", options.replicas, 1, most_devices);
    faults.within("min_devices", options.min_devices, 1, most_devices);
    faults.within("max_batch", options.max_batch, 1, any_count);
    faults.within("k", options.k, 1, most_neighbors);
    faults.within("threads", options.threads, 0, most_threads);
    faults.unless(options.strategy == Strategy::replicate || options.replicas == 1, "replicas", text(options.replicas),
                  "1 with this strategy");
    faults.unless(options.spill_bytes == 0 || options.replicas == 1, "replicas", text(options.replicas),
                  "1 where rows may be spilled");
    return faults.first();
}

/// The kind that a specification names by how it begins; nothing where it could be either.
std::optional<DeviceKind> kind_named_by(const std::string& spec) {
    std::string lower;
    for (const char c : spec.substr(0, 5)) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const std::string_view begin = lower;
    if (begin == "cpu" || begin.starts_with("cpu=")) return DeviceKind::cpu;
    for (const char* card : {"cuda:", "gpu-", "mig-"}) {
        if (begin.starts_with(card)) return DeviceKind::cuda;
    }
    const std::vector<KnownCard>& cards = known_cards();
    const bool known =
        std::any_of(cards.begin(), cards.end(), [&](const KnownCard& card) { return spec.starts_with(card.name); });
    return known ? std::optional(DeviceKind::cuda) : std::nullopt;
}

/// Of a part of the host such as cpu=2GiB.
std::optional<Bytes> host_budget_of(const std::string& spec) {
    constexpr std::string_view begin = "cpu=";
    if (!spec.starts_with(begin)) return std::nullopt;
    try {
        return parse_bytes(spec.substr(begin.size()));
    } catch (const InvalidArgument&) {
        return std::nullopt;
    }
}

std::optional<PlanFault> fault_of_device(const DeviceInfo& device, const std::string& at) {
    Faults faults(at);
    faults.unless(!device.spec.empty(), "spec", "\"\"", "a device such as cuda:0");
    faults.one_of("kind", device.kind, {DeviceKind::cpu, DeviceKind::cuda});
    const std::optional<DeviceKind> named = kind_named_by(device.spec);
    faults.unless(!named || *named == device.kind, "kind", std::string(to_string(device.kind)),
                  named ? std::string(to_string(*named)) + " of a device " + device.spec : "");
    const std::optional<Bytes> budget = host_budget_of(device.spec);
    faults.unless(!budget || device.total_bytes == *budget, "total_bytes", bytes_text(device.total_bytes),
                  bytes_text(budget.value_or(0)) + " of a device " + device.spec);
    faults.unless(device.free_bytes <= device.total_bytes, "free_bytes", bytes_text(device.free_bytes),
                  "at most total_bytes, " + bytes_text(device.total_bytes));
    faults.unless(std::isfinite(device.bytes_per_second) && device.bytes_per_second >= 0, "memory_bytes_per_second",
                  std::to_string(device.bytes_per_second), "a number of 0 or more");
    return faults.first();
}

/// Whether a device can search its rows at all.
std::optional<PlanFault> fault_of_abilities(const PlacementPlan& plan, const ShardPlacement& placement,
                                            const std::string& at) {
    Faults faults(at);
    const bool on_host = placement.device.kind == DeviceKind::cpu;
    faults.unless(on_host || card_searches(plan.index.metric), "kind", "cuda",
                  "cpu: cards do not search by " + to_string(plan.index.metric));
    return faults.first();
}

std::optional<PlanFault> fault_of_rows(const PlacementPlan& plan, const ShardPlacement& placement,
                                       const std::string& at) {
    const RowRange rows = placement.rows;
    Faults faults(at);
    faults.unless(rows.begin >= 0 && rows.begin <= rows.end && rows.end <= plan.index.count, "rows",
                  "[" + text(rows.begin) + ", " + text(rows.end) + ")",
                  "a part of the " + text(plan.index.count) + " rows of the index");
    if (faults.any()) return faults.first();
    const bool used = rows.count() > 0;
    faults.within("group", placement.group, used ? 0 : -1, used ? group_count(plan.options) - 1 : 0);
    const double share = used ? static_cast<double>(rows.count()) / static_cast<double>(plan.index.count) : 0;
    faults.unless(std::abs(placement.share - share) <= share_tolerance, "share", std::to_string(placement.share),
                  std::to_string(share) + ", the part of the index these rows are");
    faults.within("tile.rows", placement.tile.rows, used ? 1 : 0, used ? rows.count() : any_count);
    faults.within("tile.queries", placement.tile.queries, used ? 1 : 0, plan.options.max_batch);
    return faults.first();
}

/// Nothing where its size is beyond all bytes.
std::optional<ShardMemory> modelled_memory(const PlacementPlan& plan, const ShardPlacement& placement) {
    try {
        const ShardMemory memory =
            shard_memory(planned_workload(plan, placement.device.kind), placement.rows.count(), placement.tile);
        checked_add(checked_add(memory.resident, memory.fixed), memory.scratch);
        return memory;
    } catch (const std::overflow_error&) {
        return std::nullopt;
    }
}

std::optional<PlanFault> fault_of_memory(const PlacementPlan& plan, const ShardPlacement& placement,
                                         const std::string& at) {
    constexpr const char* because = "what the memory model gives for these rows and this tile";
    Faults faults(at);
    const std::optional<ShardMemory> memory = modelled_memory(plan, placement);
    faults.unless(memory.has_value(), "tile", text(placement.tile.rows) + " x " + text(placement.tile.queries),
                  "a tile whose memory is below 2^64 bytes");
    if (!memory) return faults.first();
    faults.equal("resident_bytes", placement.memory.resident, memory->resident, because);
    faults.equal("fixed_bytes", placement.memory.fixed, memory->fixed, because);
    faults.equal("scratch_bytes", placement.memory.scratch, memory->scratch, because);
    faults.unless(memory->peak() <= placement.usable_bytes(), "peak_bytes", bytes_text(memory->peak()),
                  "at most usable_bytes, " + bytes_text(placement.usable_bytes()));
    return faults.first();
}

std::optional<PlanFault> fault_of_placement(const PlacementPlan& plan, std::size_t i, DevicesOf devices) {
    const ShardPlacement& placement = plan.devices[i];
    const std::string at = "devices[" + std::to_string(i) + "].";
    Faults faults;
    faults.take(fault_of_device(placement.device, at));
    if (!faults.any()) faults.take(fault_of_rows(plan, placement, at));
    if (faults.any() || devices == DevicesOf::caller) return faults.first();
    if (placement.rows.count() > 0) faults.take(fault_of_abilities(plan, placement, at));
    if (!faults.any()) faults.take(fault_of_memory(plan, placement, at));
    return faults.first();
}

/// Every row must be in exactly one shard of each group.
std::optional<PlanFault> fault_of_coverage(const PlacementPlan& plan) {
    std::map<int, std::vector<RowRange>> groups;
    for (const ShardPlacement& placement : plan.devices) {
        if (placement.rows.count() > 0) groups[placement.group].push_back(placement.rows);
    }
    Faults faults;
    for (int group = 0; group < group_count(plan.options) && !faults.any(); ++group) {
        std::vector<RowRange>& ranges = groups[group];
        std::sort(ranges.begin(), ranges.end(), [](const RowRange& a, const RowRange& b) { return a.begin < b.begin; });
        std::int64_t next = 0;
        const auto expect_row = [&](std::int64_t row, bool right, const char* what) {
            faults.unless(right, "devices", "an array of " + text(static_cast<std::int64_t>(plan.devices.size())),
                          "every row once in group " + text(group) + ", but row " + text(row) + what);
        };
        for (const RowRange& rows : ranges) {
            expect_row(next, rows.begin <= next, " is missing");
            expect_row(rows.begin, rows.begin >= next, " is there twice");
            next = rows.end;
        }
        expect_row(next, next == plan.index.count, " is missing");
    }
    return faults.first();
}

std::optional<PlanFault> fault_of_sums(const PlacementPlan& plan, DevicesOf devices) {
    Faults faults;
    try {
        const ShardMemory totals = plan.totals();
        checked_add(checked_add(totals.resident, totals.fixed), totals.scratch);
        plan.host_peak_bytes();
    } catch (const std::overflow_error&) {
        faults.unless(false, "totals.peak_bytes", "beyond 2^64", "a sum below 2^64 bytes");
        return faults.first();
    }
    // What is left out is computed when the plan is loaded.
    if (plan.host_search_bytes != 0) {
        faults.equal("host_search_bytes", plan.host_search_bytes, planned_answer_bytes(plan),
                     "what the answers of the shards of one copy take");
    }
    if (devices == DevicesOf::caller) return faults.first();
    Bytes resident = 0;
    for (const ShardPlacement& placement : plan.devices) {
        if (placement.device.kind == DeviceKind::cpu) resident += placement.memory.resident;
    }
    faults.equal("host_resident_bytes", plan.host_resident_bytes, resident,
                 "the resident bytes of the shards on the host");
    return faults.first();
}

std::optional<PlanFault> fault_of_spill(const PlacementPlan& plan) {
    const ShardPlacement& last = plan.devices.back();
    Faults faults;
    faults.unless(!plan.spilled || (last.device.kind == DeviceKind::cpu && last.rows.count() > 0 &&
                                    last.device.total_bytes == plan.options.spill_bytes && plan.devices.size() > 1),
                  "spilled", "true", "false, or host memory of options.spill_bytes with rows as the last device");
    return faults.first();
}

std::optional<PlanFault> fault_of_precision(const PlacementPlan& plan) {
    Faults faults;
    faults.one_of("precision", plan.precision, {Precision::f32, Precision::f16, Precision::bf16});
    const std::vector<Precision> asked = precisions_to_try(plan.index, plan.options);
    faults.unless(std::find(asked.begin(), asked.end(), plan.precision) != asked.end(), "precision",
                  std::string(to_string(plan.precision)), "what options.precision asks for");
    return faults.first();
}

std::optional<PlanFault> fault_of_fingerprint(const std::string& fingerprint) {
    Faults faults;
    const bool hexadecimal = fingerprint.find_first_not_of("0123456789abcdef") == std::string::npos;
    faults.unless(fingerprint.empty() || (hexadecimal && fingerprint.size() == 32), "fingerprint",
                  "\"" + fingerprint.substr(0, 40) + "\"", "32 hexadecimal digits, or nothing");
    return faults.first();
}

}  // namespace

std::optional<PlanFault> find_plan_fault(const PlacementPlan& plan, DevicesOf devices) {
    // Each rule may rely on those before it.
    Faults faults;
    faults.take(fault_of_index(plan.index));
    faults.take(fault_of_options(plan.options));
    faults.take(fault_of_fingerprint(plan.fingerprint));
    if (!faults.any()) faults.take(fault_of_precision(plan));
    faults.unless(!plan.devices.empty() && plan.devices.size() <= most_devices, "devices",
                  "an array of " + std::to_string(plan.devices.size()),
                  "at least one device, and at most " + std::to_string(most_devices));
    for (std::size_t i = 0; i < plan.devices.size() && !faults.any(); ++i) {
        faults.take(fault_of_placement(plan, i, devices));
    }
    if (!faults.any()) faults.take(fault_of_coverage(plan));
    if (!faults.any()) faults.take(fault_of_spill(plan));
    if (!faults.any()) faults.take(fault_of_sums(plan, devices));
    return faults.first();
}

void check_plan(const PlacementPlan& plan, DevicesOf devices) {
    const std::optional<PlanFault> fault = find_plan_fault(plan, devices);
    if (!fault) return;
    throw InvalidArgument("plan: " + fault->field + " is " + fault->value + ", expected " + fault->expected, {},
                          {{"field", fault->field}, {"value", fault->value}, {"expected", fault->expected}});
}

}  // namespace gpushard
