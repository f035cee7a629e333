#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gpushard/log.hpp>

#include "cuda/card_rig.hpp"
#include "support/faiss_answers.hpp"
#include "support/known_findings.hpp"

namespace gpushard::test {

/// An index on simulated cards that compute, whose answers are held against those of Faiss on the processor.
class AnswersOnCards : public SimulatedRig {
protected:
    void SetUp() override {
        SimulatedRig::SetUp();
        if (!IsSkipped() && !cards_compute()) GTEST_SKIP() << "these cards count and do not compute";
        set_log_callback([](LogLevel, std::string_view) {});
    }
    void TearDown() override {
        set_log_callback({});
        // Which throws where something is left on a card that is not lost.
        if (!IsSkipped()) type_cards();
        SimulatedRig::TearDown();
    }

    static constexpr Bytes card_size = 8_GiB;

    /// Four whole and empty cards, once the ones before have found nothing wrong.
    static void type_cards() {
        // finish_card_work();
        for (const std::string& finding : card_findings()) {
            if (!is_known(finding)) ADD_FAILURE() << finding;
        }
        set_simulated_cards("4x8GiB");
    }

    /// Writes an index and says how it is to be loaded.
    void use(std::int64_t count, Metric metric, Precision precision) {
        rows_ = uniform_rows(count, 32, 1);
        write_file(path("rows.index"), flat_index(rows_, metric));
        exact_.emplace(rows_, metric, precision);
        options_ = {};
        options_.devices = "cuda:all";
        options_.plan.precision = precision == Precision::f32 ? PrecisionChoice::f32 : PrecisionChoice::f16;
        options_.plan.reserve_bytes = 0;
        options_.plan.max_batch = 32;
        options_.may_replan = true;
    }

    PlacementPlan planned() const { return plan(path("rows.index"), options_); }
    ShardedIndex loaded(const PlacementPlan& plan) const { return load(plan, options_); }
    ShardedIndex loaded() const { return load(path("rows.index"), options_); }

    void expect_answers_of_faiss(const ShardedIndex& index, std::int64_t query_count = 40, std::int64_t k = 10) const {
        // The host does not round queries, which cards do.
        const Rows queries = held_in(index.plan().precision, uniform_rows(query_count, rows_.dim, 99));
        const SearchResult found = index.search(query_count, queries.values.data(), k);
        const std::vector<float>& centre = index.load_report().centre;
        std::optional<FaissAnswers> of_held;
        if (index.plan().precision != Precision::f32 && !centre.empty()) {
            of_held.emplace(held_less(centre, index.plan().precision), index.metric(), Precision::f32);
        }
        const FaissAnswers& expected = of_held ? *of_held : *exact_;
        EXPECT_EQ(expected.difference_of(queries, k, found.distances.data(), found.ids.data()), "");
    }

    /// The rows as shards hold them that hold rows less a centre.
    Rows held_less(const std::vector<float>& centre, Precision precision) const {
        const auto shifted = [&](Rows rows, float sign) {
            for (std::size_t i = 0; i < rows.values.size(); ++i) rows.values[i] += sign * centre[i % centre.size()];
            return rows;
        };
        return shifted(held_in(precision, shifted(rows_, -1)), 1);
    }

    static std::vector<std::int64_t> rows_of(const PlacementPlan& plan) {
        std::vector<std::int64_t> counts;
        for (const ShardPlacement& shard : plan.devices) counts.push_back(shard.rows.count());
        return counts;
    }

    Rows rows_;
    std::optional<FaissAnswers> exact_;
    LoadOptions options_;
};

}  // namespace gpushard::test
