#include "core/memory_holders.hpp"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/error.hpp>
#include <gpushard/placement_planner.hpp>

namespace gpushard {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

DeviceInfo card(const std::string& spec, const std::string& uuid, std::vector<MemoryHolder> holders) {
    DeviceInfo card;
    card.spec = spec;
    card.name = "A100";
    card.uuid = uuid;
    card.kind = DeviceKind::cuda;
    card.total_bytes = 40_GiB;
    card.free_bytes = 2_GiB;
    card.bytes_per_second = 1e12;
    card.holders = std::move(holders);
    return card;
}

TEST(HolderHints, NameTheLargestHoldersOfEachCard) {
    const std::vector<DeviceInfo> rig = {
        card("cuda:0", "GPU-1", {{1, "a", 20_GiB}, {2, "", 10_GiB}, {3, "c", 1_GiB}, {4, "d", 1_GiB}, {5, "e", 0}}),
        card("cuda:1", "GPU-2", {{7, "b", 4_GiB}})};
    EXPECT_THAT(holder_hints(rig),
                ElementsAre("free memory of cuda:0, where other processes hold 32.00 GiB of 40.00 GiB: a (pid 1) "
                            "20.00 GiB, pid 2 10.00 GiB, c (pid 3) 1.000 GiB",
                            "free memory of cuda:1, where other processes hold 4.000 GiB of 40.00 GiB: b (pid 7) "
                            "4.000 GiB"));
}

TEST(HolderHints, AreOnlyAboutHoldersThatMatter) {
    EXPECT_THAT(holder_hints({card("cuda:0", "", {})}), IsEmpty());
    EXPECT_THAT(holder_hints({card("cuda:0", "", {{1, "a", 3_GiB}})}), IsEmpty());
    EXPECT_THAT(holder_hints({card("cuda:0", "", {{1, "a", 0}})}), IsEmpty());
}

TEST(HolderHints, NameACardOnceThatSeveralDevicesShare) {
    EXPECT_THAT(holder_hints({card("cuda:0=1GiB", "GPU-1", {{1, "a", 20_GiB}}),
                              card("cuda:0=2GiB", "GPU-1", {{1, "a", 20_GiB}})}),
                ElementsAre(HasSubstr("free memory of cuda:0, where")));
}

TEST(HeldBytes, AreNeverMoreThanTheCard) {
    const Bytes most = std::numeric_limits<Bytes>::max();
    EXPECT_EQ(held_bytes(card("cuda:0", "", {{1, "a", most}, {2, "b", most}, {3, "c", 7}})), 40_GiB);
}

TEST(HolderHints, ComeWithTheRefusalOfAPlan) {
    IndexProfile index;
    index.files = {"big.index"};
    index.dim = 768;
    index.count = 10'000'000;
    index.payload_bytes = 10'000'000ull * 768 * 4;
    index.bytes = index.payload_bytes + 45;
    try {
        plan_placement(index, {card("cuda:0", "GPU-1", {{4711, "vllm", 37_GiB}})}, {});
        FAIL() << "30 GB fit into 2 GiB";
    } catch (const InsufficientMemory& refused) {
        EXPECT_THAT(refused.hints(),
                    ElementsAre(AllOf(HasSubstr("free memory of cuda:0"), HasSubstr("vllm (pid 4711)"))));
    }
}

}  // namespace
}  // namespace gpushard
