#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenario.hpp"
#include "support/reference_search.hpp"

namespace gpushard::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Generate : public ScenarioFolder {
protected:
    /// The bytes of an index of 3,000 x 200, so of more than one block.
    std::string generated(const Arguments& more = {}) {
        Arguments command = {"generate", "--out", path("made.index"), "--count", "3000", "--dim", "200", "--force"};
        command.insert(command.end(), more.begin(), more.end());
        const ChildResult result = run_gpushard(command);
        EXPECT_EQ(result.exit_code, 0) << result.err;
        return read_file(folder_ / "made.index");
    }
};

/// Of two vectors of unit length and 200 dimensions.
double cosine(const float* a, const float* b) { return exact_distance(Metric::inner_product, a, b, 200); }

TEST_F(Generate, WritesWhatFaissReads) {
    generated();
    const Rows rows = read_index_vectors(folder_ / "made.index");
    ASSERT_EQ(rows.count, 3000);
    ASSERT_EQ(rows.dim, 200);
    for (std::int64_t i = 0; i < rows.count; ++i) ASSERT_NEAR(cosine(rows.row(i), rows.row(i)), 1, 1e-6) << i;
    const Json profile = json_of({"inspect", path("made.index")});
    EXPECT_EQ(profile["fourcc"], "IxFI");
    EXPECT_EQ(profile["count"], 3000);
    EXPECT_EQ(profile["dim"], 200);
    EXPECT_EQ(profile["bytes"], 45 + 3000 * 200 * 4);
}

TEST_F(Generate, IsTheSameForTheSameSeedWhateverTheThreads) {
    const std::string one = generated({"--seed", "7", "--threads", "1"});
    EXPECT_EQ(generated({"--seed", "7", "--threads", "5"}), one);
    EXPECT_NE(generated({"--seed", "8"}), one);
    // A shorter file is the beginning of a longer one.
    run_gpushard({"generate", "--out", path("short.index"), "--count", "70", "--dim", "200", "--seed", "7"});
    EXPECT_EQ(read_file(folder_ / "short.index").substr(45), one.substr(45, 70 * 200 * 4));
}

TEST_F(Generate, IsTheSameOnEveryMachine) {
    ASSERT_EQ(run_gpushard({"generate", "--out", path("l2.index"), "--count", "2", "--dim", "3", "--metric", "l2",
                            "--seed", "42"})
                  .exit_code,
              0);
    const Rows rows = read_index_vectors(folder_ / "l2.index");
    // Computed with the integers of another language.
    EXPECT_THAT(rows.values, ElementsAre(-0.831024169921875f, -0.782989501953125f, 0.5043487548828125f,
                                         0.0086517333984375f, -1.5265960693359375f, -1.5901641845703125f));
}

TEST_F(Generate, VectorsOfAClusterAreNearEachOther) {
    generated({"--clusters", "2"});
    const Rows rows = read_index_vectors(folder_ / "made.index");
    int near = 0;
    for (std::int64_t i = 1; i <= 100; ++i) {
        const double likeness = cosine(rows.row(0), rows.row(i));
        EXPECT_TRUE(likeness > 0.6 || std::abs(likeness) < 0.4) << likeness;
        near += likeness > 0.6;
    }
    EXPECT_GT(near, 20);
    EXPECT_LT(near, 80);
}

TEST_F(Generate, QueriesComeFromTheSameClusters) {
    generated({"--clusters", "3", "--queries", path("q.npy"), "--query-count", "40"});
    const Rows queries = read_vectors(folder_ / "q.npy");
    const Rows rows = read_index_vectors(folder_ / "made.index");
    ASSERT_EQ(queries.count, 40);
    ASSERT_EQ(queries.dim, 200);
    for (std::int64_t i = 0; i < queries.count; ++i) {
        double best = -1;
        for (std::int64_t j = 0; j < 100; ++j) best = std::max(best, cosine(queries.row(i), rows.row(j)));
        EXPECT_GT(best, 0.6) << i;
        EXPECT_LT(best, 0.999) << i;
    }
}

TEST_F(Generate, MakesAnEmptyIndex) {
    ASSERT_EQ(run_gpushard({"generate", "--out", path("none.index"), "--count", "0", "--dim", "5"}).exit_code, 0);
    EXPECT_EQ(json_of({"inspect", path("none.index")})["count"], 0);
}

TEST_F(Generate, SaysWhatItWrote) {
    const Json json = json_of({"generate", "--out", path("made.index"), "--count", "10", "--dim", "4", "--metric", "l2",
                               "--queries", path("q.npy"), "--query-count", "3"});
    EXPECT_EQ(json["file"], path("made.index"));
    EXPECT_EQ(json["bytes"], 45 + 160);
    EXPECT_THAT(files(), ElementsAre("made.index", "q.npy"));
    EXPECT_EQ(
        run_gpushard({"generate", "--out", path("made.index"), "--count", "10", "--dim", "4", "--quiet", "--force"})
            .err,
        "");
}

TEST_F(Generate, AFullDiskLeavesNothingBehindAndTheOldFileAsItWas) {
    write("made.index", "old");
    ChildSetup setup;
    setup.largest_file_bytes = 1 << 20;
    const ChildResult result = run_gpushard({"generate", "--out", path("made.index"), "--count", "100000", "--dim",
                                             "100", "--queries", path("q.npy"), "--force"},
                                            setup);
    EXPECT_EQ(result.exit_code, 4) << result.err;
    EXPECT_THAT(result.err, HasSubstr("gpushard: error: " + path("made.index") + ": cannot be written at offset"));
    EXPECT_THAT(files(), ElementsAre("made.index"));
    EXPECT_EQ(read_file(folder_ / "made.index"), "old");
}

TEST_F(Generate, FollowsALink) {
    write("target.index", "old");
    std::filesystem::create_symlink(path("target.index"), path("link.index"));
    ASSERT_EQ(
        run_gpushard({"generate", "--out", path("link.index"), "--count", "1", "--dim", "1", "--force"}).exit_code, 0);
    EXPECT_TRUE(std::filesystem::is_symlink(path("link.index")));
    EXPECT_EQ(std::filesystem::file_size(path("target.index")), 49u);
}

}  // namespace
}  // namespace gpushard::test
