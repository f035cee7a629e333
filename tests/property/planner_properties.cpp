#include <algorithm>
#include <map>
#include <optional>
#include <random>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <gpushard/error.hpp>
#include <gpushard/placement_planner.hpp>

#include "support/wiki_index.hpp"

namespace gpushard {

namespace {

using test::flat_index;

std::optional<PlacementPlan> plan_if_it_fits(const IndexProfile& index, const std::vector<DeviceInfo>& rig,
                                             const PlanOptions& options) {
    try {
        return plan_placement(index, rig, options);
    } catch (const InsufficientMemory&) {
        return std::nullopt;
    }
}

ShardWorkload workload_of(const IndexProfile& index, const PlanOptions& options, const DeviceInfo& device) {
    return {.kind = device.kind,
            .precision = options.precision == PrecisionChoice::f16 ? Precision::f16 : Precision::f32,
            .metric = index.metric,
            .dim = index.dim,
            .k = options.k,
            .max_batch = options.max_batch};
}

Bytes usable_of(const DeviceInfo& device, const PlanOptions& options) {
    const Bytes reserve = options.reserve_bytes.value_or(device.kind == DeviceKind::cuda ? 256_MiB : 0);
    const Bytes kept = reserve + device.context_bytes;
    return device.free_bytes > kept ? device.free_bytes - kept : 0;
}

Strategy any_strategy() {
    return *rc::gen::element(Strategy::balanced, Strategy::proportional, Strategy::fewest, Strategy::replicate);
}

Strategy any_exact_strategy() {
    return *rc::gen::element(Strategy::balanced, Strategy::proportional, Strategy::fewest);
}

DeviceInfo any_device(int number, Bytes most_free) {
    DeviceInfo device;
    device.kind = *rc::gen::element(DeviceKind::cpu, DeviceKind::cuda);
    device.spec = (device.kind == DeviceKind::cpu ? "cpu:" : "cuda:") + std::to_string(number);
    device.free_bytes = *rc::gen::inRange<Bytes>(0, most_free);
    device.total_bytes = device.free_bytes + *rc::gen::inRange<Bytes>(0, 1_GiB);
    device.context_bytes = device.kind == DeviceKind::cpu ? 0 : *rc::gen::element<Bytes>(0, 100_MiB);
    device.bytes_per_second = *rc::gen::element(0.0, 1e9, 3e11, 1.555e12, 8e12);
    return device;
}

std::vector<DeviceInfo> any_rig(int most_devices, Bytes most_free) {
    std::vector<DeviceInfo> rig;
    const int count = *rc::gen::inRange(1, most_devices + 1);
    for (int i = 0; i < count; ++i) rig.push_back(any_device(i, most_free));
    return rig;
}

PlanOptions any_options(Strategy strategy, std::size_t devices) {
    PlanOptions options;
    options.strategy = strategy;
    const int most = static_cast<int>(devices);
    if (strategy == Strategy::replicate) options.replicas = *rc::gen::inRange(1, most + 1);
    options.min_devices = *rc::gen::inRange(1, most + 1);
    options.precision = *rc::gen::element(PrecisionChoice::f32, PrecisionChoice::f16);
    options.max_batch = *rc::gen::inRange(1, 600);
    options.k = *rc::gen::inRange(1, 300);
    if (*rc::gen::arbitrary<bool>()) options.reserve_bytes = *rc::gen::inRange<Bytes>(0, 64_MiB);
    if (options.replicas == 1 && *rc::gen::arbitrary<bool>()) {
        options.spill_bytes = *rc::gen::inRange<Bytes>(1, 8_GiB);
    }
    return options;
}

IndexProfile any_index() {
    const auto metric = *rc::gen::element(Metric::inner_product, Metric::l2, Metric::l1);
    return flat_index(*rc::gen::inRange<std::int64_t>(8, 5'000'000), *rc::gen::inRange(1, 1500), metric);
}

/// Each group's ranges, put together, are [0, count).
void check_every_row_once(const PlacementPlan& plan) {
    std::map<int, std::vector<RowRange>> groups;
    for (const ShardPlacement& shard : plan.devices) {
        if (shard.rows.count() == 0) {
            RC_ASSERT(shard.group == -1);
            RC_ASSERT(shard.memory == ShardMemory{});
        } else {
            groups[shard.group].push_back(shard.rows);
        }
    }
    RC_ASSERT(static_cast<int>(groups.size()) == plan.options.replicas);
    for (auto& [group, ranges] : groups) {
        RC_ASSERT(group >= 0 && group < plan.options.replicas);
        std::sort(ranges.begin(), ranges.end(), [](const RowRange& a, const RowRange& b) { return a.begin < b.begin; });
        std::int64_t next = 0;
        for (const RowRange& range : ranges) {
            RC_ASSERT(range.begin == next);
            next = range.end;
        }
        RC_ASSERT(next == plan.index.count);
    }
}

void check_within_budget(const PlacementPlan& plan) {
    for (const ShardPlacement& shard : plan.devices) {
        RC_ASSERT(shard.memory.peak() <= usable_of(shard.device, plan.options));
        const ShardWorkload workload = workload_of(plan.index, plan.options, shard.device);
        RC_ASSERT(shard.memory == shard_memory(workload, shard.rows.count(), shard.tile));
        if (shard.rows.count() == 0) continue;
        RC_ASSERT(shard.tile.rows >= smallest_tile(workload, shard.rows.count()).rows);
        RC_ASSERT(shard.tile.queries >= smallest_tile(workload, shard.rows.count()).queries);
    }
}

RC_GTEST_PROP(Planner, GivesEveryRowToOneShardPerGroupWithinItsBudget, ()) {
    const std::vector<DeviceInfo> rig = any_rig(20, 4_GiB);
    const PlanOptions options = any_options(any_strategy(), rig.size());
    const auto plan = plan_if_it_fits(any_index(), rig, options);
    RC_TAG(plan.has_value());
    if (!plan) return;
    check_every_row_once(*plan);
    check_within_budget(*plan);
    RC_ASSERT(plan->used_devices() >= options.min_devices);
}

bool same_shard(const ShardPlacement& a, const ShardPlacement& b) {
    return a.device.spec == b.device.spec && a.rows == b.rows && a.group == b.group && a.tile == b.tile &&
           a.memory == b.memory && a.share == b.share;
}

RC_GTEST_PROP(Planner, IsDeterministicAndIndependentOfTheOrderOfDevices, ()) {
    const std::vector<DeviceInfo> rig = any_rig(12, 6_GiB);
    const PlanOptions options = any_options(any_strategy(), rig.size());
    const IndexProfile index = any_index();
    std::vector<DeviceInfo> shuffled = rig;
    std::mt19937 random(*rc::gen::arbitrary<unsigned>());
    std::shuffle(shuffled.begin(), shuffled.end(), random);

    const auto plan = plan_if_it_fits(index, rig, options);
    const auto again = plan_if_it_fits(index, rig, options);
    const auto other = plan_if_it_fits(index, shuffled, options);
    RC_ASSERT(plan.has_value() == other.has_value());
    RC_ASSERT(plan.has_value() == again.has_value());
    if (!plan) return;
    RC_ASSERT(plan->devices.size() == other->devices.size());
    RC_ASSERT(!plan->spilled || same_shard(plan->devices.back(), other->devices.back()));
    for (std::size_t i = 0; i < rig.size(); ++i) {
        RC_ASSERT(same_shard(plan->devices[i], again->devices[i]));
        const auto shard = std::find_if(other->devices.begin(), other->devices.end(),
                                        [&](const ShardPlacement& s) { return s.device.spec == rig[i].spec; });
        RC_ASSERT(same_shard(plan->devices[i], *shard));
    }
}

/// Whether any tile the memory model allows makes `rows` rows fit.
bool fits_with_some_tile(const ShardWorkload& workload, std::int64_t rows, Bytes usable) {
    if (rows == 0) return true;
    const SearchTile smallest = smallest_tile(workload, rows);
    const SearchTile preferred = preferred_tile(workload, rows);
    for (SearchTile tile = smallest; tile.rows <= preferred.rows; ++tile.rows) {
        for (tile.queries = smallest.queries; tile.queries <= preferred.queries; ++tile.queries) {
            if (shard_memory(workload, rows, tile).peak() <= usable) return true;
        }
    }
    return false;
}

/// All ways to share out rows, by trying each.
class BruteForce {
public:
    BruteForce(const IndexProfile& index, const std::vector<DeviceInfo>& rig, const PlanOptions& options)
        : rows_(index.count), min_devices_(options.min_devices) {
        for (const DeviceInfo& device : rig) {
            fits_.emplace_back();
            for (std::int64_t rows = 0; rows <= rows_; ++rows) {
                fits_.back().push_back(
                    fits_with_some_tile(workload_of(index, options, device), rows, usable_of(device, options)));
            }
        }
        try_from(0, rows_, 0);
    }

    bool fits() const { return fewest_devices_.has_value(); }
    int fewest_devices() const { return *fewest_devices_; }

private:
    void try_from(std::size_t device, std::int64_t left, int used) {
        if (device == fits_.size()) {
            if (left == 0 && used >= min_devices_) fewest_devices_ = std::min(fewest_devices_.value_or(used), used);
            return;
        }
        for (std::int64_t rows = 0; rows <= left; ++rows) {
            if (fits_[device][static_cast<std::size_t>(rows)]) try_from(device + 1, left - rows, used + (rows > 0));
        }
    }

    std::int64_t rows_;
    int min_devices_;
    std::vector<std::vector<bool>> fits_;
    std::optional<int> fewest_devices_;
};

RC_GTEST_PROP(Planner, FitsWheneverTheBruteForceOptimumFits, ()) {
    // Rows of 0.4 to 4 MB, so that a handful of them matters beside the scratch.
    const IndexProfile index = flat_index(*rc::gen::inRange<std::int64_t>(1, 7), *rc::gen::inRange(100'000, 1'000'000),
                                          *rc::gen::element(Metric::inner_product, Metric::l2));
    const int devices = *rc::gen::inRange(1, 7);
    PlanOptions options;
    options.strategy = any_exact_strategy();
    options.min_devices = *rc::gen::inRange(1, static_cast<int>(std::min<std::int64_t>(devices, index.count)) + 1);
    options.precision = *rc::gen::element(PrecisionChoice::f32, PrecisionChoice::f16);
    options.max_batch = *rc::gen::inRange(1, 30);
    options.reserve_bytes = *rc::gen::element<Bytes>(0, 1_MiB);
    std::vector<DeviceInfo> rig;
    for (int i = 0; i < devices; ++i) {
        DeviceInfo device = any_device(i, 1);
        // Free memory just above or below what some number of rows needs.
        const auto rows = *rc::gen::inRange<std::int64_t>(0, 4);
        const ShardWorkload workload = workload_of(index, options, device);
        const Bytes needed = shard_memory(workload, rows, smallest_tile(workload, rows)).peak();
        device.free_bytes = needed + *options.reserve_bytes + device.context_bytes + *rc::gen::inRange<Bytes>(0, 3);
        device.free_bytes -= std::min<Bytes>(device.free_bytes, 1);
        device.total_bytes = device.free_bytes;
        rig.push_back(device);
    }

    const BruteForce brute_force(index, rig, options);
    const auto plan = plan_if_it_fits(index, rig, options);
    RC_TAG(plan.has_value());
    RC_ASSERT(plan.has_value() == brute_force.fits());
    if (!plan) return;
    check_every_row_once(*plan);
    check_within_budget(*plan);
    if (options.strategy == Strategy::fewest) RC_ASSERT(plan->used_devices() == brute_force.fewest_devices());
}

RC_GTEST_PROP(Planner, SpillsOnlyWhatTheDevicesCannotHold, ()) {
    const std::vector<DeviceInfo> rig = any_rig(8, 2_GiB);
    PlanOptions options = any_options(any_exact_strategy(), rig.size());
    const Bytes spill = *rc::gen::inRange<Bytes>(1, 8_GiB);
    const IndexProfile index = any_index();
    options.spill_bytes = 0;
    const auto without = plan_if_it_fits(index, rig, options);
    DeviceInfo host;
    host.spec = "cpu=" + std::to_string(spill);
    host.total_bytes = host.free_bytes = spill;
    std::vector<DeviceInfo> with_host = rig;
    with_host.push_back(host);
    const auto as_a_device = plan_if_it_fits(index, with_host, options);
    options.spill_bytes = spill;
    const auto plan = plan_if_it_fits(index, rig, options);
    RC_TAG(plan.has_value() ? (plan->spilled ? "spills" : "fits") : "does not fit");

    RC_ASSERT(plan.has_value() == (without.has_value() || as_a_device.has_value()));
    if (!plan) return;
    RC_ASSERT(plan->spilled == !without.has_value());
    RC_ASSERT(plan->devices.size() == rig.size() + (plan->spilled ? 1 : 0));
    if (!plan->spilled) {
        for (std::size_t i = 0; i < rig.size(); ++i) RC_ASSERT(same_shard(plan->devices[i], without->devices[i]));
        return;
    }
    check_every_row_once(*plan);
    check_within_budget(*plan);
    RC_ASSERT(plan->used_devices() >= options.min_devices);
    std::int64_t room = 0;
    int eligible = 0;
    for (const DeviceInfo& device : rig) {
        const std::int64_t rows =
            rows_within(workload_of(index, options, device), usable_of(device, options), index.count);
        room += rows;
        eligible += rows > 0;
    }
    const std::int64_t unplaced = std::max<std::int64_t>(index.count - room, 0);
    RC_ASSERT(plan->devices.back().rows.count() ==
              std::max<std::int64_t>(unplaced, eligible < options.min_devices ? 1 : 0));
}

/// The level at which min(capacity, level x weight) adds up to `total`: by bisection.
double water_level(double total, const std::vector<double>& capacities, const std::vector<double>& weights) {
    double low = 0;
    double high = 1e30;
    for (int i = 0; i < 400; ++i) {
        const double level = (low + high) / 2;
        double sum = 0;
        for (std::size_t j = 0; j < weights.size(); ++j) sum += std::min(capacities[j], level * weights[j]);
        (sum < total ? low : high) = level;
    }
    return high;
}

RC_GTEST_PROP(Planner, BalancedGivesEachDeviceTheSameTime, ()) {
    std::vector<DeviceInfo> rig = any_rig(12, 3_GiB);
    for (DeviceInfo& device : rig) device.bytes_per_second += 1e8;
    PlanOptions options;
    options.reserve_bytes = 0;
    const IndexProfile index = any_index();
    const auto plan = plan_if_it_fits(index, rig, options);
    if (!plan) return;
    // Beside comfortable tiles where all rows fit so, else up to their capacity.
    std::vector<double> comfortable;
    std::vector<double> full;
    std::vector<double> weights;
    for (const DeviceInfo& device : rig) {
        const ShardWorkload workload = workload_of(index, options, device);
        const Bytes usable = usable_of(device, options);
        comfortable.push_back(
            static_cast<double>(rows_within(workload, usable, index.count, comfortable_tile(workload, usable))));
        full.push_back(static_cast<double>(rows_within(workload, usable, index.count)));
        weights.push_back(device.bytes_per_second);
    }
    const bool has_room =
        std::accumulate(comfortable.begin(), comfortable.end(), 0.0) >= static_cast<double>(index.count);
    const std::vector<double>& capacities = has_room ? comfortable : full;
    const double level = water_level(static_cast<double>(index.count), capacities, weights);
    for (std::size_t i = 0; i < rig.size(); ++i) {
        const double ideal = std::min(capacities[i], level * weights[i]);
        RC_ASSERT(std::abs(static_cast<double>(plan->devices[i].rows.count()) - ideal) <= 1.001);
    }
}

RC_GTEST_PROP(Planner, SaysExactlyHowMuchOneDeviceHasToGrow, ()) {
    const std::vector<DeviceInfo> rig = any_rig(6, 1_GiB);
    PlanOptions options = any_options(any_exact_strategy(), rig.size());
    options.spill_bytes = 0;
    const IndexProfile index = any_index();
    const auto eligible = std::count_if(rig.begin(), rig.end(), [&](const DeviceInfo& device) {
        return rows_within(workload_of(index, options, device), usable_of(device, options), index.count) > 0;
    });
    if (options.min_devices > eligible + 1) return;  // more than one device has to grow
    std::optional<Bytes> missing;
    try {
        plan_placement(index, rig, options);
    } catch (const InsufficientMemory& error) {
        missing = error.short_bytes();
        RC_ASSERT(error.devices().size() == rig.size());
    }
    if (!missing) return;
    RC_ASSERT(*missing > 0u);
    // A device that is below its reserve and context has to make up for that as well.
    const auto fits_when_one_grows = [&](Bytes by) {
        return std::any_of(rig.begin(), rig.end(), [&](const DeviceInfo& device) {
            std::vector<DeviceInfo> grown = rig;
            DeviceInfo& larger = grown[static_cast<std::size_t>(&device - rig.data())];
            larger.free_bytes = usable_of(larger, options) + by + larger.context_bytes +
                                options.reserve_bytes.value_or(larger.kind == DeviceKind::cuda ? 256_MiB : 0);
            return plan_if_it_fits(index, grown, options).has_value();
        });
    };
    RC_ASSERT(fits_when_one_grows(*missing));
    RC_ASSERT(!fits_when_one_grows(*missing - 1));
}

RC_GTEST_PROP(Planner, OffersOnlyWhatFits, ()) {
    const std::vector<DeviceInfo> rig = any_rig(8, 1_GiB);
    const PlanOptions options = any_options(any_strategy(), rig.size());
    const IndexProfile index = any_index();
    try {
        plan_placement(index, rig, options);
    } catch (const InsufficientMemory& error) {
        for (const Alternative& alternative : error.alternatives()) {
            PlanOptions changed = options;
            std::vector<DeviceInfo> devices = rig;
            const std::string& flags = alternative.flags;
            const auto value = [&] { return flags.substr(flags.rfind(' ') + 1); };
            if (flags == "--precision f16") {
                changed.precision = PrecisionChoice::f16;
            } else if (flags == "--reserve 0") {
                changed.reserve_bytes = 0;
            } else if (flags.starts_with("--spill")) {
                changed.spill_bytes = parse_bytes(value());
            } else if (flags.starts_with("--max-batch")) {
                changed.max_batch = std::stoll(value());
            } else if (flags.starts_with("--replicas")) {
                changed.replicas = std::stoi(value());
            } else {
                continue;  // other rigs
            }
            const PlacementPlan plan = plan_placement(index, devices, changed);
            Bytes peak = 0;
            for (const ShardPlacement& shard : plan.devices) peak = std::max(peak, shard.memory.peak());
            RC_ASSERT(peak == alternative.peak_bytes);
            RC_ASSERT(plan.totals().peak() == alternative.total_bytes);
        }
    }
}

TEST(Planner, FitsTenThousandRandomRigsWheneverTheirCapacitiesAddUp) {
    std::mt19937_64 random(20'240'517);
    const auto between = [&](std::int64_t low, std::int64_t high) {
        return std::uniform_int_distribution<std::int64_t>(low, high)(random);
    };
    int fitting = 0;
    for (int rig_number = 0; rig_number < 10'000; ++rig_number) {
        SCOPED_TRACE(rig_number);
        const IndexProfile index = flat_index(between(1, 50'000'000), static_cast<std::int32_t>(between(1, 1024)),
                                              between(0, 1) == 0 ? Metric::inner_product : Metric::l2);
        PlanOptions options;
        options.strategy = static_cast<Strategy>(between(0, 2));
        options.precision = between(0, 1) == 0 ? PrecisionChoice::f32 : PrecisionChoice::f16;
        options.max_batch = between(1, 5000);
        options.k = between(1, 2048);
        std::vector<DeviceInfo> rig;
        std::int64_t capacity = 0;
        const auto devices = between(1, 16);
        for (int i = 0; i < devices; ++i) {
            DeviceInfo device;
            device.kind = between(0, 3) == 0 ? DeviceKind::cpu : DeviceKind::cuda;
            device.spec = "device:" + std::to_string(i);
            device.total_bytes = static_cast<Bytes>(between(1, 24)) * 1_GiB;
            device.free_bytes = static_cast<Bytes>(between(0, static_cast<std::int64_t>(device.total_bytes)));
            device.context_bytes = device.kind == DeviceKind::cuda ? 512_MiB : 0;
            device.bytes_per_second = static_cast<double>(between(0, 3'000)) * 1e9;
            rig.push_back(device);
            capacity += rows_within(workload_of(index, options, device), usable_of(device, options), index.count);
        }
        const auto plan = plan_if_it_fits(index, rig, options);
        ASSERT_EQ(plan.has_value(), capacity >= index.count);
        if (!plan) continue;
        ++fitting;
        std::int64_t placed = 0;
        for (const ShardPlacement& shard : plan->devices) {
            placed += shard.rows.count();
            ASSERT_LE(shard.memory.peak(), usable_of(shard.device, options));
        }
        ASSERT_EQ(placed, index.count);
    }
    // Both outcomes are exercised.
    EXPECT_GT(fitting, 1000);
    EXPECT_LT(fitting, 9000);
}

}  // namespace
}  // namespace gpushard
