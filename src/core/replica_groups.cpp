#include "core/replica_groups.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <queue>
#include <tuple>

namespace gpushard {
namespace {

struct Group {
    std::vector<std::size_t> members;  ///< by rising capacity
    std::int64_t capacity = 0;
};

/// A member of one group for a member of another; no `given` is a move.
struct Exchange {
    std::size_t from = 0;
    std::size_t taken = 0;
    std::optional<std::size_t> given;
    std::int64_t gain = 0;
};

class Grouping {
public:
    Grouping(const std::vector<std::int64_t>& capacities, int groups, std::int64_t rows)
        : capacities_(capacities), rows_(rows), groups_(static_cast<std::size_t>(groups)) {
        // No device counts for more than a whole copy, so sums stay small and large devices are not wasted.
        for (std::int64_t& capacity : capacities_) capacity = std::min(capacity, rows);
    }

    void deal_largest_first() {
        std::vector<std::size_t> order(capacities_.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return capacities_[a] > capacities_[b]; });
        using Turn = std::tuple<std::int64_t, std::size_t, std::size_t>;  // capacity, members, group
        std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns;
        for (std::size_t group = 0; group < groups_.size(); ++group) turns.emplace(0, 0, group);
        for (const std::size_t device : order) {
            const auto [capacity, members, group] = turns.top();
            turns.pop();
            add(group, device);
            turns.emplace(groups_[group].capacity, members + 1, group);
        }
    }

    /// Every exchange shrinks what the groups lack together and starves no group, so this ends.
    void repair() {
        for (std::size_t steps = 0; steps < capacities_.size(); ++steps) {
            const auto neediest = std::min_element(
                groups_.begin(), groups_.end(), [](const Group& a, const Group& b) { return a.capacity < b.capacity; });
            if (neediest->capacity >= rows_) return;
            const auto to = static_cast<std::size_t>(neediest - groups_.begin());
            const std::optional<Exchange> best = best_exchange(to);
            if (!best) return;
            remove(best->from, best->taken);
            add(to, best->taken);
            if (best->given) {
                remove(to, *best->given);
                add(best->from, *best->given);
            }
        }
    }

    std::vector<int> group_of_each() const {
        std::vector<int> result(capacities_.size(), -1);
        for (std::size_t group = 0; group < groups_.size(); ++group) {
            for (const std::size_t device : groups_[group].members) result[device] = static_cast<int>(group);
        }
        return result;
    }

private:
    auto position(const Group& group, std::int64_t capacity) const {
        return std::lower_bound(group.members.begin(), group.members.end(), capacity,
                                [&](std::size_t device, std::int64_t value) { return capacities_[device] < value; });
    }

    void add(std::size_t group, std::size_t device) {
        Group& target = groups_[group];
        target.members.insert(position(target, capacities_[device]), device);
        target.capacity += capacities_[device];
    }

    void remove(std::size_t group, std::size_t device) {
        Group& source = groups_[group];
        source.members.erase(std::find(source.members.begin(), source.members.end(), device));
        source.capacity -= capacities_[device];
    }

    /// The exchange that gives group `to` most without taking from another more than it can spare.
    std::optional<Exchange> best_exchange(std::size_t to) const {
        std::optional<Exchange> best;
        const auto consider = [&](const Exchange& exchange) {
            if (exchange.gain > 0 && (!best || exchange.gain > best->gain)) best = exchange;
        };
        for (std::size_t from = 0; from < groups_.size(); ++from) {
            const std::int64_t spare = groups_[from].capacity - rows_;
            if (from == to || spare <= 0) continue;
            for (const std::size_t device : groups_[from].members) {
                const std::int64_t capacity = capacities_[device];
                if (capacity <= spare) {
                    consider({from, device, std::nullopt, capacity});
                    continue;
                }
                const auto given = position(groups_[to], capacity - spare);
                if (given == groups_[to].members.end()) continue;
                consider({from, device, *given, capacity - capacities_[*given]});
            }
        }
        return best;
    }

    std::vector<std::int64_t> capacities_;
    std::int64_t rows_;
    std::vector<Group> groups_;
};

}  // namespace

std::vector<int> form_groups(const std::vector<std::int64_t>& capacities, int groups, std::int64_t rows) {
    Grouping grouping(capacities, groups, rows);
    grouping.deal_largest_first();
    grouping.repair();
    return grouping.group_of_each();
}

}  // namespace gpushard
