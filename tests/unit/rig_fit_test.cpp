#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <gpushard/error.hpp>
#include <gpushard/placement_planner.hpp>
#include <gpushard/report.hpp>

#include "support/wiki_index.hpp"

namespace gpushard {
namespace {

using test::flat_index;
using test::wiki_index;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// The rig of `fit` with this card and precision; null where there is none.
const FittingRig* find_rig(const RigFit& fit, const std::string& card, Precision precision) {
    for (const FittingRig& rig : fit.rigs) {
        if (rig.card.name == card && rig.precision == precision) return &rig;
    }
    return nullptr;
}

PlanOptions planning(const RigFit& fit, const FittingRig& rig) {
    PlanOptions options = fit.options;
    options.precision = parse_precision(to_string(rig.precision));
    return options;
}

std::vector<DeviceInfo> cards(const FittingRig& rig, int count) {
    return std::vector<DeviceInfo>(static_cast<std::size_t>(count), describe(rig.card));
}

/// Every rig is what the planner says of it, and one card fewer does not fit.
void expect_minimal(const IndexProfile& index, const RigFit& fit) {
    const int least = std::max(fit.options.min_devices, fit.options.replicas);
    for (const FittingRig& rig : fit.rigs) {
        const PlanOptions options = planning(fit, rig);
        const PlacementPlan plan = plan_placement(index, cards(rig, rig.count), options);
        Bytes peak = 0;
        Bytes on_cards = 0;
        Bytes on_host = 0;
        for (const ShardPlacement& shard : plan.devices) {
            const bool is_card = shard.device.kind == DeviceKind::cuda;
            (is_card ? on_cards : on_host) += shard.memory.peak();
            if (is_card) peak = std::max(peak, shard.memory.peak());
        }
        EXPECT_EQ(rig.peak_bytes, peak) << rig.spec();
        EXPECT_EQ(rig.total_bytes, on_cards) << rig.spec();
        EXPECT_EQ(rig.host_bytes, on_host) << rig.spec();
        EXPECT_EQ(rig.memory_bytes, rig.card.total_bytes * static_cast<Bytes>(rig.count)) << rig.spec();
        EXPECT_EQ(rig.headroom_bytes, rig.card.total_bytes - 768_MiB - peak) << rig.spec();
        if (rig.count > least) {
            EXPECT_THROW(plan_placement(index, cards(rig, rig.count - 1), options), InsufficientMemory) << rig.spec();
        }
    }
}

// Of a card, 256 MiB of reserve and 512 MiB of context are left out: an A100 of 40 GiB has 39.25 GiB, an RTX 4090
// 23.99 - 0.75 = 23.24 GiB. The vectors take 60.13 GiB in float32, which two A100 (78.5) and three RTX 4090 (69.7; two:
// 46.5) hold, and 30.06 GiB in float16: one A100, two RTX 4090.
TEST(RigFit, CountsTheCardsOfTheWikiIndexByHand) {
    const RigFit fit = fit_rigs(wiki_index(), {});
    const auto count = [&](const char* card, Precision precision) {
        const FittingRig* rig = find_rig(fit, card, precision);
        return rig == nullptr ? 0 : rig->count;
    };
    EXPECT_EQ(count("A100-40GB", Precision::f32), 2);
    EXPECT_EQ(count("A100-40GB", Precision::f16), 1);
    EXPECT_EQ(count("A100-40GB", Precision::bf16), 1);
    EXPECT_EQ(count("RTX-4090-24GB", Precision::f32), 3);
    EXPECT_EQ(count("RTX-4090-24GB", Precision::f16), 2);
    EXPECT_EQ(count("H100-80GB", Precision::f32), 1);
    // 15.00 - 0.75 = 14.25 GiB: five are 71.25, four 57; in float16 three are 42.75, two 28.5.
    EXPECT_EQ(count("T4-16GB", Precision::f32), 5);
    EXPECT_EQ(count("T4-16GB", Precision::f16), 3);
    EXPECT_EQ(count("T4-16GB", Precision::bf16), 0) << "Turing has no bfloat16";

    const FittingRig& two = *find_rig(fit, "A100-40GB", Precision::f32);
    EXPECT_EQ(two.spec(), "2xA100-40GB");
    EXPECT_EQ(two.memory_bytes, 80_GiB);
    // Half of the vectors, and search memory below 1 GiB.
    EXPECT_GE(two.peak_bytes, 32'279'537'664u);
    EXPECT_LE(two.peak_bytes, 32'279'537'664u + 1_GiB);
    EXPECT_EQ(two.headroom_bytes, 39_GiB + 256_MiB - two.peak_bytes);
}

TEST(RigFit, IsMinimalForEveryCardAndPrecision) {
    expect_minimal(wiki_index(), fit_rigs(wiki_index(), {}));
    expect_minimal(flat_index(100'000'000, 384, Metric::l2), fit_rigs(flat_index(100'000'000, 384, Metric::l2), {}));
}

TEST(RigFit, IsMinimalForReplicas) {
    PlanOptions options;
    options.replicas = 2;
    const RigFit fit = fit_rigs(wiki_index(), options);
    EXPECT_EQ(fit.options.strategy, Strategy::replicate);
    expect_minimal(wiki_index(), fit);
    EXPECT_EQ(find_rig(fit, "A100-40GB", Precision::f32)->count, 4);
    EXPECT_EQ(find_rig(fit, "A100-40GB", Precision::f16)->count, 2);
    EXPECT_EQ(find_rig(fit, "RTX-4090-24GB", Precision::f32)->count, 6);
}

TEST(RigFit, LetsTheHostTakeWhatSpills) {
    PlanOptions options;
    options.spill_bytes = 24_GiB;
    const RigFit fit = fit_rigs(wiki_index(), options);
    expect_minimal(wiki_index(), fit);
    // 60.13 - 24 = 36.13 GiB for the cards.
    const FittingRig& one = *find_rig(fit, "A100-40GB", Precision::f32);
    EXPECT_EQ(one.count, 1);
    EXPECT_GE(one.host_bytes, 20_GiB);
    EXPECT_LE(one.host_bytes, 24_GiB);
    EXPECT_EQ(find_rig(fit, "A100-40GB", Precision::bf16)->count, 1);
    EXPECT_EQ(find_rig(fit, "H100-80GB", Precision::f32)->host_bytes, 0u) << "nothing spills that need not";
    options.replicas = 2;
    EXPECT_THROW(fit_rigs(wiki_index(), options), InvalidArgument);
}

TEST(RigFit, IsSortedByCardsThenMemory) {
    const RigFit fit = fit_rigs(wiki_index(), {});
    ASSERT_GT(fit.rigs.size(), 20u);
    for (std::size_t i = 1; i < fit.rigs.size(); ++i) {
        EXPECT_LE(std::make_pair(fit.rigs[i - 1].count, fit.rigs[i - 1].memory_bytes),
                  std::make_pair(fit.rigs[i].count, fit.rigs[i].memory_bytes));
    }
}

TEST(RigFit, KeepsToThePrecisionAndTheNumberAskedFor) {
    PlanOptions options;
    options.precision = PrecisionChoice::f16;
    const RigFit fit = fit_rigs(wiki_index(), options, 2);
    EXPECT_FALSE(fit.rigs.empty());
    for (const FittingRig& rig : fit.rigs) {
        EXPECT_EQ(rig.precision, Precision::f16);
        EXPECT_LE(rig.count, 2);
    }
    EXPECT_THAT(fit_rigs(flat_index(4'000'000'000, 768), {}).rigs, IsEmpty());
}

TEST(RigFit, RefusesWhatNoCardDoes) {
    EXPECT_THROW(fit_rigs(flat_index(5, 64, Metric::jaccard), {}), InvalidArgument);
    EXPECT_THROW(fit_rigs(wiki_index(), {}, 0), InvalidArgument);
    EXPECT_THROW(fit_rigs(wiki_index(), {}, 1025), InvalidArgument);
}

TEST(RigFit, IsReportedAsATableAndAsJson) {
    const RigFit fit = fit_rigs(wiki_index(), {});
    const std::string text = to_text(fit);
    EXPECT_THAT(text, AllOf(HasSubstr("21,015,324 x 768"), ContainsRegex("  2xA100-40GB +f32 "),
                            ContainsRegex("  1xA100-40GB +f16, bf16 "), ContainsRegex("  3xT4-16GB +f16 "),
                            Not(HasSubstr("host"))));
    const nlohmann::json json = nlohmann::json::parse(to_json(fit));
    ASSERT_EQ(json["rigs"].size(), fit.rigs.size());
    const FittingRig& first = fit.rigs.front();
    EXPECT_EQ(json["fits"], true);
    EXPECT_EQ(json["rigs"][0]["spec"], first.spec());
    EXPECT_EQ(json["rigs"][0]["peak_bytes"], first.peak_bytes);
    EXPECT_EQ(json["rigs"][0]["headroom_bytes"], first.headroom_bytes);
    EXPECT_EQ(json["index"]["count"], 21'015'324);
}

}  // namespace
}  // namespace gpushard
