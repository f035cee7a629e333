// Plans FlashRAG's wiki_100w_e5_index for cards typed by hand: no GPU, no index file, no allocation. Deciding is
// arithmetic, so it can be done on a laptop before a machine is rented.

#include <iostream>
#include <string>
#include <vector>

#include <gpushard/gpushard.hpp>

#include "checks.hpp"

namespace {

using namespace gpushard::byte_literals;

gpushard::IndexProfile wiki_100w_e5_index() {
    gpushard::IndexProfile profile;
    profile.files = {"wiki_100w_e5_index"};
    profile.fourcc = "IxFI";
    profile.dim = 768;
    profile.count = 21'015'324;
    profile.metric = gpushard::Metric::inner_product;
    profile.payload_offset = 45;
    profile.payload_bytes = static_cast<gpushard::Bytes>(profile.count) * profile.row_bytes();
    profile.bytes = profile.payload_offset + profile.payload_bytes;
    return profile;
}

gpushard::DeviceInfo card(int number, gpushard::Bytes total, gpushard::Bytes free, double bytes_per_second) {
    gpushard::DeviceInfo info;
    info.spec = "cuda:" + std::to_string(number);
    info.name = gpushard::format_bytes(total) + " card";
    info.kind = gpushard::DeviceKind::cuda;
    info.total_bytes = total;
    info.free_bytes = free;
    info.context_bytes = gpushard::assumed_context_bytes;
    info.bytes_per_second = bytes_per_second;
    info.planning_only = true;
    return info;
}

bool within_free_memory(const gpushard::PlacementPlan& plan) {
    for (const auto& shard : plan.devices) {
        if (shard.memory.peak() > shard.usable_bytes()) return false;
    }
    return true;
}

std::int64_t planned_rows(const gpushard::PlacementPlan& plan) {
    std::int64_t rows = 0;
    for (const auto& shard : plan.devices) rows += shard.rows.count();
    return rows;
}

}  // namespace

int main() {
    Checks checks;
    const gpushard::IndexProfile index = wiki_100w_e5_index();
    const std::vector<gpushard::DeviceInfo> one_card = {card(0, 40_GiB, 40_GiB, 1.555e12)};
    gpushard::PlanOptions options;

    std::cout << "\nfloat32 on one card of 40 GiB:\n";
    try {
        gpushard::plan_placement(index, one_card, options);
        checks.expect(false, "64.6 GB of float32 are refused");
    } catch (const gpushard::InsufficientMemory& error) {
        std::cout << to_text(error) << '\n';
        checks.expect(error.short_bytes() > 20_GiB, "64.6 GB of float32 are refused, with what is missing");
        checks.expect(!error.alternatives().empty(), "the refusal names an alternative that fits");
    }

    std::cout << "\nfloat16 on the same card:\n";
    options.precision = gpushard::PrecisionChoice::f16;
    const gpushard::PlacementPlan on_one_card = plan_placement(index, one_card, options);
    std::cout << to_text(on_one_card) << '\n';
    const double vector_bytes = static_cast<double>(index.payload_bytes) / 2;
    const gpushard::ShardMemory total = on_one_card.totals();
    checks.expect(planned_rows(on_one_card) == index.count, "every vector has a place");
    checks.expect(within_free_memory(on_one_card), "loading and searching fit the card");
    checks.expect(static_cast<double>(total.load_peak()) < 1.02 * vector_bytes,
                  "loading never takes 2 % more than the vectors themselves");

    std::cout << "\nfloat16 on four unequal cards, some of them busy:\n";
    const std::vector<gpushard::DeviceInfo> mixed_rig = {
        card(0, 80_GiB, 60_GiB, 2.039e12), card(1, 24_GiB, 20_GiB, 1.008e12), card(2, 24_GiB, 3_GiB, 1.008e12),
        card(3, 11_GiB, 10_GiB, 0.616e12)};
    const gpushard::PlacementPlan on_mixed_rig = plan_placement(index, mixed_rig, options);
    std::cout << to_text(on_mixed_rig) << '\n';
    checks.expect(planned_rows(on_mixed_rig) == index.count, "every vector has a place");
    checks.expect(within_free_memory(on_mixed_rig), "no card is asked for more than it has free");
    return checks.exit_code();
}
