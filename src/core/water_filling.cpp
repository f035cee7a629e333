#include "core/water_filling.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gpushard {
namespace {

std::vector<std::size_t> indices(std::size_t count) {
    std::vector<std::size_t> all(count);
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
}

}  // namespace

std::vector<std::int64_t> water_fill(std::int64_t total, const std::vector<Recipient>& recipients) {
    std::vector<std::int64_t> shares(recipients.size());
    std::vector<double> rounding_loss(recipients.size());

    // Recipients run full in the order of capacity / weight.
    std::vector<std::size_t> order = indices(recipients.size());
    const auto full_at = [&](std::size_t i) {
        return static_cast<double>(recipients[i].capacity) / recipients[i].weight;
    };
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return full_at(a) < full_at(b); });
    std::vector<double> weight_from(order.size() + 1);
    for (std::size_t at = order.size(); at-- > 0;) {
        weight_from[at] = weight_from[at + 1] + recipients[order[at]].weight;
    }

    std::int64_t left = total;
    std::size_t at = 0;
    for (; at < order.size() && full_at(order[at]) * weight_from[at] <= static_cast<double>(left); ++at) {
        shares[order[at]] = std::min(recipients[order[at]].capacity, left);
        left -= shares[order[at]];
    }
    const double level = at < order.size() ? static_cast<double>(left) / weight_from[at] : 0;
    for (; at < order.size(); ++at) {
        const std::size_t i = order[at];
        const double ideal = level * recipients[i].weight;
        shares[i] = std::min({recipients[i].capacity, left, static_cast<std::int64_t>(std::floor(ideal))});
        rounding_loss[i] = ideal - std::floor(ideal);
        left -= shares[i];
    }

    std::vector<std::size_t> by_loss = indices(recipients.size());
    std::stable_sort(by_loss.begin(), by_loss.end(),
                     [&](std::size_t a, std::size_t b) { return rounding_loss[a] > rounding_loss[b]; });
    while (left > 0) {
        for (const std::size_t i : by_loss) {
            if (left > 0 && shares[i] < recipients[i].capacity) {
                ++shares[i];
                --left;
            }
        }
    }
    return shares;
}

int spread_further(int more, const std::vector<Recipient>& recipients, std::vector<std::int64_t>& shares) {
    std::vector<std::size_t> takers;
    std::vector<std::size_t> givers;
    for (const std::size_t i : indices(recipients.size())) {
        if (shares[i] == 0 && recipients[i].capacity > 0) takers.push_back(i);
        if (shares[i] > 1) givers.push_back(i);
    }
    std::stable_sort(takers.begin(), takers.end(),
                     [&](std::size_t a, std::size_t b) { return recipients[a].weight > recipients[b].weight; });
    // A heap with the fullest share on top, the earlier one among equals.
    const auto emptier = [&](std::size_t a, std::size_t b) {
        return shares[a] != shares[b] ? shares[a] < shares[b] : a > b;
    };
    std::make_heap(givers.begin(), givers.end(), emptier);
    int given = 0;
    for (auto taker = takers.begin(); taker != takers.end() && !givers.empty() && given < more; ++taker, ++given) {
        std::pop_heap(givers.begin(), givers.end(), emptier);
        const std::size_t giver = givers.back();
        --shares[giver];
        shares[*taker] = 1;
        if (shares[giver] > 1) {
            std::push_heap(givers.begin(), givers.end(), emptier);
        } else {
            givers.pop_back();
        }
    }
    return given;
}

}  // namespace gpushard
