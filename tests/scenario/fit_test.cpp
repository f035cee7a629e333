#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenario.hpp"

namespace gpushard::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;

/// `plan --fit` for FlashRAG's wiki_100w_e5_index: its true header and size, and zeros for vectors.
class Fit : public ScenarioFolder {
protected:
    Fit() {
        index_ = write("wiki.index", flat_index_header(21'015'324, 768, Metric::inner_product));
        std::filesystem::resize_file(index_, 64'559'075'373);
    }

    std::string index_;
};

TEST_F(Fit, ListsTheSmallestRigs) {
    const ChildResult text = run_gpushard({"plan", index_, "--fit"});
    EXPECT_EQ(text.exit_code, 0);
    EXPECT_THAT(text.out, AllOf(ContainsRegex("1xA100-40GB +f16, bf16"), ContainsRegex("2xA100-40GB +f32")));

    const Json fit = json_of({"plan", index_, "--fit", "--precision", "f16", "--max-cards", "1"});
    EXPECT_EQ(fit["fits"], true);
    EXPECT_EQ(fit["max_cards"], 1);
    for (const Json& rig : fit["rigs"]) {
        EXPECT_EQ(rig["count"], 1);
        EXPECT_EQ(rig["precision"], "f16");
        EXPECT_EQ(run_gpushard({"plan", index_, "--precision", "f16", "--devices", rig["spec"]}).exit_code, 0) << rig;
    }
}

TEST_F(Fit, CountsReplicasAndSpill) {
    const auto count = [&](Arguments options) {
        options.insert(options.begin(), {"plan", index_, "--fit", "--precision", "f32"});
        const Json fit = json_of(options);
        for (const Json& rig : fit["rigs"]) {
            if (rig["card"] == "A100-40GB") return rig["count"].get<int>();
        }
        return 0;
    };
    EXPECT_EQ(count({}), 2);
    EXPECT_EQ(count({"--replicas", "2"}), 4);
    EXPECT_EQ(count({"--spill", "24GiB"}), 1);
}

TEST_F(Fit, SaysWhatCannotBe) {
    expect_error({"plan", index_, "--fit", "--max-cards", "1", "--replicas", "2"}, 3, {"fits no rig of up to 1"});
    expect_error({"plan", index_, "--fit", "--devices", "cpu"}, 2, {"--fit"});
    expect_error({"plan", index_, "--max-cards", "4"}, 2, {"--fit"});
    expect_error({"plan", path("missing"), "--fit"}, 4, {"missing"});
}

}  // namespace
}  // namespace gpushard::test
