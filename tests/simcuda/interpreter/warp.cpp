#include "interpreter/warp.hpp"

#include <algorithm>
#include <bit>

#include "interpreter/access.hpp"

namespace simcuda::interpreter {
namespace {

constexpr std::uint32_t none = ~std::uint32_t{0};
/// A warp that waits in a loop for another one's store must let it run.
constexpr std::uint64_t steps_in_a_turn = 1U << 20;

LaneMask bit(int lane) { return LaneMask{1} << lane; }

std::byte* aligned(std::vector<std::uint64_t>& storage) {
    const auto address = reinterpret_cast<std::uintptr_t>(storage.data());
    return reinterpret_cast<std::byte*>((address + 63) / 64 * 64);
}

/// The operand of a *.sync step that names its lanes.
Place members_of(const Step& step) {
    switch (step.kind) {
        case StepKind::shuffle:
            return step.operation.sources[3];
        case StepKind::vote:
        case StepKind::match:
        case StepKind::reduce:
            return step.operation.sources[1];
        default:
            return step.operation.sources[0];
    }
}

bool asks_predicate(const Step& step) { return step.kind == StepKind::vote; }

bool gives_predicate(const Step& step) {
    return step.kind == StepKind::vote && static_cast<VoteMode>(step.mode) != VoteMode::ballot;
}

bool also_gives_predicate(const Step& step) {
    return step.kind == StepKind::shuffle || step.kind == StepKind::elect ||
           (step.kind == StepKind::match && (step.mode & 1U) != 0);
}

/// How many operands a *.sync step reads, and what the first of them takes.
int sources_of(const Step& step) {
    switch (step.kind) {
        case StepKind::shuffle:
            return 4;
        case StepKind::vote:
        case StepKind::match:
        case StepKind::reduce:
            return 2;
        default:
            return 1;
    }
}
std::size_t asked_bytes(const Step& step) { return step.kind == StepKind::match && (step.mode & 2U) != 0 ? 8 : 4; }

}  // namespace

Warp::Warp(Launch& launch, std::uint32_t number, std::uint32_t threads)
    : launch_(launch),
      number_(number),
      threads_(threads),
      storage_(launch.code.register_bytes / sizeof(std::uint64_t) + 8),
      local_(std::size_t{launch.code.local_bytes} * warp_size / sizeof(std::uint64_t) + 8),
      local_written_(std::size_t{launch.code.local_bytes} * warp_size) {
    registers_.bases[0] = aligned(storage_);
    registers_.bases[1] = launch.constants.data();
    const SpecialPlaces& special = launch.code.special;
    const auto set = [&](Place place, auto value_of_lane) {
        if (place == no_place) return;
        auto* const to = registers_.at<std::uint32_t>(place);
        for (int lane = 0; lane < warp_size; ++lane) to[lane] = static_cast<std::uint32_t>(value_of_lane(lane));
    };
    const Extent& block = launch.shape.block;
    const auto thread = [&](int lane) {
        return number * static_cast<std::uint32_t>(warp_size) + static_cast<std::uint32_t>(lane);
    };
    set(special.thread[0], [&](int lane) { return thread(lane) % block.x; });
    set(special.thread[1], [&](int lane) { return thread(lane) / block.x % block.y; });
    set(special.thread[2], [&](int lane) { return thread(lane) / block.x / block.y; });
    set(special.lane, [](int lane) { return lane; });
    set(special.warp, [&](int) { return number; });
    set(special.lanes_equal, [](int lane) { return bit(lane); });
    set(special.lanes_below, [](int lane) { return bit(lane) - 1; });
    set(special.lanes_up_to, [](int lane) { return bit(lane) | (bit(lane) - 1); });
    set(special.lanes_above, [](int lane) { return ~(bit(lane) | (bit(lane) - 1)); });
    set(special.lanes_from, [](int lane) { return ~(bit(lane) - 1); });
}

void Warp::begin_block() {
    alive_ = threads_ == static_cast<std::uint32_t>(warp_size) ? all_lanes : (LaneMask{1} << threads_) - 1;
    at_barrier_ = at_sync_ = 0;
    barriers_.fill(0);
    counters_.fill(0);
    std::fill(local_written_.begin(), local_written_.end(), std::uint8_t{0});
}

void Warp::set_counters(LaneMask lanes, std::uint32_t counter) {
    for_lanes(lanes, [&](int lane) { counters_[lane] = counter; });
}

LaneMask Warp::lanes_at(LaneMask lanes, std::uint32_t counter) const {
    LaneMask found = 0;
    for_lanes(lanes, [&](int lane) { found |= LaneMask{counters_[lane] == counter} << lane; });
    return found;
}

LaneMask Warp::predicate(Place place, bool negated) const {
    const LaneMask value = registers_.predicate(place);
    return negated ? ~value : value;
}

void Warp::run() {
    steps_left_ = steps_in_a_turn;
    while (!launch_.stopped && steps_left_ > 0) {
        const LaneMask lanes = runnable();
        if (lanes == 0) {
            if (!wake_completed()) return;
            continue;
        }
        std::uint32_t first = none;
        for_lanes(lanes, [&](int lane) { first = std::min(first, counters_[lane]); });
        const LaneMask group = lanes_at(lanes, first);
        std::uint32_t others = none;
        for_lanes(lanes & ~group, [&](int lane) { others = std::min(others, counters_[lane]); });
        run_group(first, group, others);
    }
}

LaneMask Warp::mask_of(int lane) const {
    return registers_.at<LaneMask>(members_of(launch_.code.steps[counters_[lane]]))[lane];
}

LaneMask Warp::that_meet(LaneMask lanes, int one) const {
    const Step& step = launch_.code.steps[counters_[one]];
    const LaneMask mask = mask_of(one);
    LaneMask met = 0;
    for_lanes(lanes, [&](int lane) {
        const Step& other = launch_.code.steps[counters_[lane]];
        met |= LaneMask{other.kind == step.kind && other.mode == step.mode && mask_of(lane) == mask} << lane;
    });
    return met;
}

/// Lanes that left are no longer waited for.
bool Warp::wake_completed() {
    for (LaneMask left = at_sync_; left != 0;) {
        const int first = std::countr_zero(left);
        const LaneMask here = that_meet(at_sync_, first);
        left &= ~here;
        if ((mask_of(first) & alive_ & ~here) != 0) continue;
        at_sync_ &= ~here;
        synchronise_apart(here);
        return true;
    }
    return false;
}

void Warp::run_group(std::uint32_t counter, LaneMask group, std::uint32_t others) {
    const std::vector<Step>& steps = launch_.code.steps;
    const auto end = static_cast<std::uint32_t>(steps.size());
    while (counter < others) {
        if (counter >= end) {
            alive_ &= ~group;
            return;
        }
        if (--steps_left_ == 0) break;
        const Step& step = steps[counter];
        const LaneMask active = step.guarded ? group & predicate(step.guard, step.guard_negated) : group;
        if (active == 0) {
            ++counter;
            continue;
        }
        switch (step.kind) {
            case StepKind::arithmetic:
                step.operation.apply(step.operation, registers_, active);
                break;
            case StepKind::nothing:
                break;
            case StepKind::branch:
                if (active == group) {
                    counter = step.target;
                    continue;
                }
                set_counters(active, step.target);
                set_counters(group & ~active, counter + 1);
                return;
            case StepKind::branch_by_index: {
                const std::vector<std::uint32_t>& table = launch_.code.branch_tables[step.index];
                const auto* const index = registers_.at<std::uint32_t>(step.operation.sources[0]);
                set_counters(group & ~active, counter + 1);
                for_lanes(active, [&](int lane) {
                    if (index[lane] < table.size()) {
                        counters_[lane] = table[index[lane]];
                    } else {
                        launch_.report(
                            FindingKind::invalid_access, {number_, lane, counter},
                            "branches to entry " + std::to_string(index[lane]) + " of " + std::to_string(table.size()));
                    }
                });
                return;
            }
            case StepKind::leave:
                alive_ &= ~active;
                if (active == group) return;
                group &= ~active;
                break;
            case StepKind::access:
                perform_access(launch_, launch_.code.accesses[step.index],
                               {registers_, aligned(local_), local_written_.data(), number_, counter}, active);
                if (launch_.stopped) return;
                break;
            case StepKind::barrier:
                set_counters(group, counter + 1);
                arrive(step, counter, active);
                return;
            case StepKind::warp_barrier:
            case StepKind::shuffle:
            case StepKind::vote:
            case StepKind::match:
            case StepKind::reduce:
            case StepKind::elect: {
                const LaneMask members = gather(step, counter, active);
                if (launch_.stopped) return;
                if (members != 0) synchronise(step, counter, members);
                group = (group & ~active) | members;
                if (group == 0) return;
                break;
            }
            case StepKind::active_lanes: {
                auto* const to = registers_.at<LaneMask>(step.operation.to);
                for_lanes(active, [&](int lane) { to[lane] = active; });
                break;
            }
            case StepKind::trap:
                launch_.report(FindingKind::invalid_access, {number_, std::countr_zero(active), counter}, "traps");
                return;
            case StepKind::unknown:
                launch_.report(FindingKind::unknown_instruction, {number_, std::countr_zero(active), counter},
                               "the interpreter does not know this instruction");
                return;
        }
        ++counter;
    }
    set_counters(group, counter);
}

/// Lanes with different masks are sets of their own: one goes on at a time, and the others are looked at again later.
LaneMask Warp::gather(const Step& step, std::uint32_t counter, LaneMask active) {
    const int first = std::countr_zero(active);
    const auto* const masks = registers_.at<LaneMask>(members_of(step));
    const LaneMask asked = masks[first];
    if (at_sync_ == 0 && (asked & alive_) == active) {
        LaneMask differences = 0;
        for_lanes(active, [&](int lane) { differences |= masks[lane] ^ asked; });
        if (differences == 0) return active;
    }
    set_counters(active, counter);
    const LaneMask here = that_meet(active | at_sync_, first);
    if ((here & ~asked) != 0) {
        launch_.report(FindingKind::divergent_barrier, {number_, std::countr_zero(here & ~asked), counter},
                       "takes part in a *.sync whose mask does not name it");
        return 0;
    }
    at_sync_ |= active;
    if ((asked & alive_ & ~here) != 0) return 0;
    at_sync_ &= ~here;
    if (lanes_at(here, counter) == here) return here;
    synchronise_apart(here);
    return 0;
}

/// The operands of all are brought together in other registers, as those of one step.
void Warp::synchronise_apart(LaneMask members) {
    constexpr std::size_t operand_bytes = warp_size * sizeof(std::uint64_t);
    alignas(std::uint64_t) std::array<std::byte, 6 * operand_bytes> together{};
    const std::vector<Step>& steps = launch_.code.steps;
    const std::uint32_t counter = counters_[std::countr_zero(members)];
    Step one = steps[counter];
    for (std::size_t i = 0; i < 4; ++i) one.operation.sources[i] = static_cast<Place>(i * operand_bytes);
    one.operation.to = static_cast<Place>(4 * operand_bytes);
    one.operation.also_to = static_cast<Place>(5 * operand_bytes);
    one.operation.negated_sources = 0;

    const WarpRegisters own = registers_;
    WarpRegisters common = own;
    common.bases[0] = together.data();
    for_lanes(members, [&](int lane) {
        const Step& step = steps[counters_[lane]];
        for (int i = 0; i < sources_of(step); ++i) {
            const Place from = step.operation.sources[i];
            if (i == 0 && asks_predicate(step)) {
                common.predicate(one.operation.sources[0]) |=
                    predicate(from, step.operation.negated_sources != 0) & bit(lane);
            } else if (i == 0 && asked_bytes(step) == 8) {
                common.at<std::uint64_t>(one.operation.sources[0])[lane] = own.at<std::uint64_t>(from)[lane];
            } else {
                common.at<std::uint32_t>(one.operation.sources[i])[lane] = own.at<std::uint32_t>(from)[lane];
            }
        }
    });
    registers_ = common;
    synchronise(one, counter, members);
    registers_ = own;
    const auto give_predicate = [&](Place to, Place from, int lane) {
        LaneMask& given = own.predicate(to);
        given = (given & ~bit(lane)) | (common.predicate(from) & bit(lane));
    };
    for_lanes(members, [&](int lane) {
        const Step& step = steps[counters_[lane]];
        if (gives_predicate(step)) {
            give_predicate(step.operation.to, one.operation.to, lane);
        } else if (step.kind != StepKind::warp_barrier) {
            own.at<std::uint32_t>(step.operation.to)[lane] = common.at<std::uint32_t>(one.operation.to)[lane];
        }
        if (also_gives_predicate(step)) give_predicate(step.operation.also_to, one.operation.also_to, lane);
    });
    for_lanes(members, [&](int lane) { ++counters_[lane]; });
}

void Warp::synchronise(const Step& step, std::uint32_t counter, LaneMask members) {
    switch (step.kind) {
        case StepKind::shuffle:
            return shuffle(step, counter, members);
        case StepKind::vote:
            return vote(step, members);
        case StepKind::match:
            return match(step, members);
        case StepKind::reduce:
            return reduce(step, members);
        case StepKind::elect: {
            auto* const to = registers_.at<std::uint32_t>(step.operation.to);
            const int leader = std::countr_zero(members);
            for_lanes(members, [&](int lane) { to[lane] = static_cast<std::uint32_t>(leader); });
            LaneMask& is_leader = registers_.predicate(step.operation.also_to);
            is_leader = (is_leader & ~members) | bit(leader);
            return;
        }
        default:
            return;
    }
}

void Warp::shuffle(const Step& step, std::uint32_t counter, LaneMask members) {
    const Operation& operation = step.operation;
    const auto* const from = registers_.at<std::uint32_t>(operation.sources[0]);
    const auto* const distances = registers_.at<std::uint32_t>(operation.sources[1]);
    const auto* const limits = registers_.at<std::uint32_t>(operation.sources[2]);
    std::array<std::uint32_t, warp_size> values{};
    LaneMask in_range = 0;
    for_lanes(members, [&](int lane) {
        const int distance = static_cast<int>(distances[lane] & 31U);
        const int segment = static_cast<int>(limits[lane] >> 8 & 31U);
        const int limit = static_cast<int>(limits[lane] & 31U);
        const int last = (lane & segment) | (limit & ~segment);
        int source = lane;
        bool reaches = false;
        switch (static_cast<ShuffleMode>(step.mode)) {
            case ShuffleMode::up:
                source = lane - distance;
                reaches = source >= last;
                break;
            case ShuffleMode::down:
                source = lane + distance;
                reaches = source <= last;
                break;
            case ShuffleMode::butterfly:
                source = lane ^ distance;
                reaches = source <= last;
                break;
            case ShuffleMode::index:
                source = (lane & segment) | (distance & ~segment);
                reaches = source <= last;
                break;
        }
        if (!reaches) source = lane;
        if ((members & bit(source)) == 0) {
            launch_.report(FindingKind::bad_shuffle, {number_, lane, counter},
                           "reads lane " + std::to_string(source) + ", which takes no part");
        }
        values[lane] = from[source];
        in_range |= LaneMask{reaches} << lane;
    });
    auto* const to = registers_.at<std::uint32_t>(operation.to);
    for_lanes(members, [&](int lane) { to[lane] = values[lane]; });
    LaneMask& reached = registers_.predicate(operation.also_to);
    reached = (reached & ~members) | in_range;
}

void Warp::vote(const Step& step, LaneMask members) {
    const Operation& operation = step.operation;
    const LaneMask yes = predicate(operation.sources[0], operation.negated_sources != 0) & members;
    if (static_cast<VoteMode>(step.mode) == VoteMode::ballot) {
        auto* const to = registers_.at<LaneMask>(operation.to);
        for_lanes(members, [&](int lane) { to[lane] = yes; });
        return;
    }
    bool result = false;
    switch (static_cast<VoteMode>(step.mode)) {
        case VoteMode::all:
            result = yes == members;
            break;
        case VoteMode::any:
            result = yes != 0;
            break;
        default:
            result = yes == members || yes == 0;
            break;
    }
    LaneMask& to = registers_.predicate(operation.to);
    to = (to & ~members) | (result ? members : 0);
}

void Warp::match(const Step& step, LaneMask members) {
    const Operation& operation = step.operation;
    const bool all = (step.mode & 1U) != 0;
    const bool is_wide = (step.mode & 2U) != 0;
    const auto value = [&](int lane) -> std::uint64_t {
        return is_wide ? registers_.at<std::uint64_t>(operation.sources[0])[lane]
                       : registers_.at<std::uint32_t>(operation.sources[0])[lane];
    };
    std::array<LaneMask, warp_size> equal{};
    for_lanes(members, [&](int lane) {
        for_lanes(members, [&](int other) { equal[lane] |= LaneMask{value(lane) == value(other)} << other; });
    });
    const bool all_equal = equal[std::countr_zero(members)] == members;
    auto* const to = registers_.at<LaneMask>(operation.to);
    for_lanes(members, [&](int lane) { to[lane] = !all ? equal[lane] : all_equal ? members : 0; });
    if (!all) return;
    LaneMask& agrees = registers_.predicate(operation.also_to);
    agrees = (agrees & ~members) | (all_equal ? members : 0);
}

void Warp::reduce(const Step& step, LaneMask members) {
    const auto* const from = registers_.at<std::uint32_t>(step.operation.sources[0]);
    const bool is_signed = step.index != 0;
    std::uint32_t result = from[std::countr_zero(members)];
    for_lanes(members & (members - 1), [&](int lane) {
        const std::uint32_t value = from[lane];
        const bool less =
            is_signed ? static_cast<std::int32_t>(value) < static_cast<std::int32_t>(result) : value < result;
        switch (static_cast<AtomicKind>(step.mode)) {
            case AtomicKind::add:
                result += value;
                break;
            case AtomicKind::minimum:
                if (less) result = value;
                break;
            case AtomicKind::maximum:
                if (!less) result = value;
                break;
            case AtomicKind::bit_and:
                result &= value;
                break;
            case AtomicKind::bit_or:
                result |= value;
                break;
            default:
                result ^= value;
                break;
        }
    });
    auto* const to = registers_.at<std::uint32_t>(step.operation.to);
    for_lanes(members, [&](int lane) { to[lane] = result; });
}

void Warp::arrive(const Step& step, std::uint32_t counter, LaneMask lanes) {
    const int first = std::countr_zero(lanes);
    const std::uint32_t barrier = registers_.at<std::uint32_t>(step.operation.sources[0])[first];
    if (barrier >= barrier_count) {
        launch_.report(
            FindingKind::divergent_barrier, {number_, first, counter},
            "waits at barrier " + std::to_string(barrier) + ", expected one below " + std::to_string(barrier_count));
        return;
    }
    barriers_[barrier] |= lanes;
    expected_[barrier] = registers_.at<std::uint32_t>(step.operation.sources[1])[first];
    at_barrier_ |= lanes;
}

bool Warp::is_split_at(std::uint32_t barrier) const {
    const LaneMask lanes = barriers_[barrier];
    return lanes != 0 && lanes_at(lanes, counters_[std::countr_zero(lanes)]) != lanes;
}

void Warp::release(std::uint32_t barrier) {
    at_barrier_ &= ~barriers_[barrier];
    barriers_[barrier] = 0;
}

ThreadAt Warp::first_waiting() const {
    const int lane = std::countr_zero(alive_);
    const std::uint32_t counter = counters_[lane];
    // A thread at a barrier will go on behind it.
    return {number_, lane, (at_barrier_ & bit(lane)) != 0 ? counter - 1 : counter};
}

}  // namespace simcuda::interpreter
