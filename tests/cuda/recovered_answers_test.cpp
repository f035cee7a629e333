// Whatever went wrong while an index was loaded onto cards: what it answers afterwards is what Faiss answers.

#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "cuda/answers_on_cards.hpp"

namespace gpushard::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class RecoveredAnswers : public AnswersOnCards {
protected:
    /// Loads onto whole cards while faults strike, and checks the answers when they are over.
    ShardedIndex loaded_in_spite_of(const std::string& faults) const {
        type_cards();
        const PlacementPlan plan = planned();
        set_card_faults(faults);
        ShardedIndex index = loaded(plan);
        set_card_faults("");
        expect_whole(index);
        return index;
    }

    void expect_whole(const ShardedIndex& index) const {
        const std::vector<std::int64_t> counts = rows_of(index.plan());
        EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}),
                  rows_.count * index.plan().options.replicas);
        expect_answers_of_faiss(index);
    }
};

struct Case {
    Metric metric;
    Precision precision;
};

constexpr Case cases[] = {{Metric::l2, Precision::f32}, {Metric::inner_product, Precision::f16}};

TEST_F(RecoveredAnswers, OfALoadWithoutTrouble) {
    for (const auto& [metric, precision] : cases) {
        use(3000, metric, precision);
        EXPECT_THAT(loaded_in_spite_of("").load_report().recovery, IsEmpty());
    }
}

TEST_F(RecoveredAnswers, AfterACardRefusedMemoryOnce) {
    for (const auto& [metric, precision] : cases) {
        use(2000, metric, precision);
        int failures = 0;
        for (;; ++failures) {
            const std::string faults = "cudaMalloc@1:" + std::to_string(failures + 1);
            SCOPED_TRACE(faults);
            const ShardedIndex index = loaded_in_spite_of(faults);
            if (index.load_report().recovery.empty()) break;
            EXPECT_THAT(index.load_report().recovery,
                        ElementsAre(AllOf(HasSubstr("cuda:1"), HasSubstr("tried again"))));
            EXPECT_GT(rows_of(index.plan())[1], 0);
        }
        EXPECT_GE(failures, metric == Metric::l2 ? 3 : 2) << "stack, vectors and norms";
    }
}

TEST_F(RecoveredAnswers, AfterACardRefusedMemoryForGood) {
    for (const auto& [metric, precision] : cases) {
        use(2000, metric, precision);
        for (const std::size_t card : {0U, 1U, 3U}) {
            const std::string name = std::to_string(card);
            SCOPED_TRACE("card " + name);
            const ShardedIndex index = loaded_in_spite_of("cudaMalloc@" + name + ":2+");
            EXPECT_EQ(rows_of(index.plan())[card], 0);
            EXPECT_THAT(index.load_report().recovery,
                        ElementsAre(HasSubstr("tried again"), HasSubstr("planned again without cuda:" + name)));
        }
    }
}

TEST_F(RecoveredAnswers, OnACardThatIsFullerThanPlanned) {
    for (const auto& [metric, precision] : cases) {
        use(3000, metric, precision);
        type_cards();
        const PlacementPlan plan = planned();
        take_card_memory(1, card_size - plan.devices[1].memory.peak() + 1);
        const ShardedIndex index = loaded(plan);
        expect_whole(index);
        EXPECT_THAT(index.load_report().recovery, ElementsAre(AllOf(HasSubstr("cuda:1 had "), HasSubstr(" free where "),
                                                                    HasSubstr("planned again: "))));
    }
}

TEST_F(RecoveredAnswers, OnACardThatOthersFillMeanwhile) {
    use(3000, Metric::l2, Precision::f32);
    for (const std::string allocation : {"1", "2", "3"}) {
        SCOPED_TRACE(allocation);
        const ShardedIndex index = loaded_in_spite_of("take@1:cudaMalloc:" + allocation + "=8GiB");
        EXPECT_LT(rows_of(index.plan())[1], 750);
        EXPECT_THAT(index.load_report().recovery, ElementsAre(HasSubstr("cuda:1 had ")));
    }
}

TEST_F(RecoveredAnswers, WithoutACardThatWasLost) {
    for (const auto& [metric, precision] : cases) {
        use(3000, metric, precision);
        for (const std::string call : {"cudaHostAlloc:1", "cudaMemcpyAsync:1", "cudaEventSynchronize:1"}) {
            SCOPED_TRACE(call);
            const ShardedIndex index = loaded_in_spite_of("lose@1:" + call);
            EXPECT_EQ(rows_of(index.plan())[1], 0);
            EXPECT_EQ(index.plan().used_devices(), 3);
            EXPECT_THAT(index.load_report().recovery, ElementsAre(HasSubstr("planned again without cuda:1")));
        }
    }
}

TEST_F(RecoveredAnswers, WithoutTwoCardsThatFailedOneAfterTheOther) {
    use(3000, Metric::l2, Precision::f32);
    const ShardedIndex index = loaded_in_spite_of("lose@2:cudaMemcpyAsync:1,cudaMalloc@0:2+");
    EXPECT_EQ(rows_of(index.plan())[0], 0);
    EXPECT_EQ(rows_of(index.plan())[2], 0);
    EXPECT_THAT(index.load_report().recovery, SizeIs(3));
}

TEST_F(RecoveredAnswers, WithRowsThatTheHostTook) {
    for (const auto& [metric, precision] : cases) {
        use(6000, metric, precision);
        options_.plan.spill_bytes = 8_MiB;
        type_cards();
        const PlacementPlan plan = planned();
        ASSERT_FALSE(plan.spilled);
        for (int card = 0; card < 4; ++card) {
            const ShardMemory& memory = plan.devices[static_cast<std::size_t>(card)].memory;
            take_card_memory(card, card_size - memory.peak() + memory.resident / 2);
        }
        const ShardedIndex index = loaded(plan);
        expect_whole(index);
        EXPECT_TRUE(index.plan().spilled);
        for (const std::int64_t count : rows_of(index.plan())) EXPECT_GT(count, 0);
        EXPECT_THAT(index.load_report().recovery, ElementsAre(HasSubstr("of the rows moved to cpu=8MiB")));
    }
}

TEST_F(RecoveredAnswers, ThroughStagingThatTheHostHadLessOf) {
    use(40'000, Metric::l2, Precision::f32);
    options_.plan.staging_bytes = 8_MiB;
    const ShardedIndex index = loaded_in_spite_of("cudaHostAlloc:1");
    EXPECT_THAT(index.load_report().recovery, ElementsAre(HasSubstr("tried again with ")));
}

TEST_F(RecoveredAnswers, InTheSmallerTilesThatFit) {
    for (const auto& [metric, precision] : cases) {
        use(3000, metric, precision);
        options_.devices = "cuda:0";
        options_.plan.max_batch = 512;
        type_cards();
        const PlacementPlan plan = planned();
        const ShardMemory& memory = plan.devices.front().memory;
        take_card_memory(0, card_size - memory.peak() + memory.fixed / 2);
        const ShardedIndex index = loaded(plan);
        EXPECT_NE(index.plan().devices.front().tile, plan.devices.front().tile);
        EXPECT_THAT(index.load_report().recovery, ElementsAre(HasSubstr("the same rows, searched in other tiles")));
        expect_answers_of_faiss(index, 300);
    }
}

TEST_F(RecoveredAnswers, OfEveryReplica) {
    use(2000, Metric::l2, Precision::f32);
    options_.plan.strategy = Strategy::replicate;
    options_.plan.replicas = 2;
    const ShardedIndex index = loaded_in_spite_of("lose@1:cudaMemcpyAsync:1");
    EXPECT_EQ(rows_of(index.plan())[1], 0);
    // A call is shared among the replicas from 64 queries on.
    expect_answers_of_faiss(index, 128);
}

}  // namespace
}  // namespace gpushard::test
