// The tool on simulated cards that compute: its answers are those of Faiss on the processor.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "scenario.hpp"
#include "support/faiss_answers.hpp"
#include "support/known_findings.hpp"
#include "support/reference_search.hpp"
#include "support/same_answers.hpp"
#include "support/shared_data.hpp"

namespace gpushard::test {
namespace {

using testing::HasSubstr;

struct Rig {
    std::string name;
    std::string cards;
    std::string devices;
    std::size_t used;
    Arguments more = {};
};

void PrintTo(const Rig& rig, std::ostream* out) { *out << rig.name; }

// Half a gibibyte of each is kept for a context.
const Rig unequal{"FourUnequalCards",
                  "1GiB,600MiB:used=20MiB,800MiB:bandwidth=600GB,540MiB:bandwidth=300GB",
                  "cuda:all",
                  4,
                  {"--min-devices", "4"}};

const std::vector<Rig>& rigs() {
    static const std::vector<Rig> rigs = {
        {"OneCard", "1GiB", "cuda:0", 1},
        {"FourEqualCards", "4x1GiB", "cuda:all", 4, {"--min-devices", "4"}},
        unequal,
        {"EightLogicalDevicesOnOneCard", "8GiB", "cuda:0=600MiB*8", 8, {"--min-devices", "8"}},
        {"CardsAndHost", "2x1GiB", "cuda:all,cpu=8MiB", 3, {"--min-devices", "3"}},
        {"TwoReplicas", "4x1GiB", "cuda:all", 4, {"--strategy", "replicate", "--replicas", "2"}}};
    return rigs;
}

/// What a tool said on stderr, but for findings that any use of Faiss brings.
std::string without_known_findings(const std::string& err) {
    const std::string prefix = "simcuda: ";
    std::istringstream lines(err);
    std::string rest;
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind(prefix, 0) == 0 && is_known(line.substr(prefix.size()))) continue;
        rest += line + '\n';
    }
    return rest;
}

class ToolOnCards : public ScenarioFolder {
protected:
    void SetUp() override {
        const char* const kernels = ::getenv("SIMCUDA_KERNELS");
        if (kernels == nullptr || kernels != std::string("compute"))
            GTEST_SKIP() << "only for cards that each test types";
    }
    void TearDown() override { ::unsetenv("LD_PRELOAD"); }

    /// Searches on the cards of a rig, all of which take rows, into ids_ and distances_.
    void search(const Rig& rig, const std::string& index, const std::string& queries, std::int64_t k,
                const Arguments& more = {}) {
        ::setenv("SIMCUDA_CARDS", rig.cards.c_str(), 1);
        Arguments command = {"search",      index,
                             "--queries",   queries,
                             "--out",       path("ids.npy"),
                             "--distances", path("distances.npy"),
                             "--devices",   rig.devices,
                             "--reserve",   "0",
                             "--k",         std::to_string(k),
                             "--quiet",     "--json"};
        command.insert(command.end(), rig.more.begin(), rig.more.end());
        command.insert(command.end(), more.begin(), more.end());
        const ChildResult result = run_gpushard(command);
        ASSERT_EQ(result.exit_code, 0) << result.err;
        EXPECT_EQ(without_known_findings(result.err), "");
        const Json json = Json::parse(result.out);
        EXPECT_EQ(std::count_if(json["devices"].begin(), json["devices"].end(),
                                [](const Json& device) { return device["rows"][0] != device["rows"][1]; }),
                  static_cast<std::ptrdiff_t>(rig.used))
            << json["devices"];
        ids_ = read_ids(folder_ / "ids.npy");
        distances_ = read_distances(folder_ / "distances.npy");
    }

    void expect_answers_of_faiss(const FaissAnswers& exact, const Rows& queries, std::int64_t k) {
        ASSERT_EQ(ids_.rows, queries.count);
        ASSERT_EQ(ids_.columns, k);
        EXPECT_EQ(exact.difference_of(queries, k, distances_.values.data(), ids_.values.data()), "");
    }

    Array<std::int64_t> ids_;
    Array<float> distances_;
};

class ToolOnRig : public ToolOnCards, public testing::WithParamInterface<Rig> {};

TEST_P(ToolOnRig, AnswersAsFaissInBothMetricsAndPrecisions) {
    // Each row beside its opposite: their centre is zero, so shards in halves hold the halves of the rows.
    Rows rows = uniform_rows(1000, 48, 5);
    for (std::size_t i = 0; i < rows.values.size(); ++i) {
        if (i / 48 % 2 == 1) rows.values[i] = -rows.values[i - 48];
    }
    // In halves, which cards round queries to and the host does not.
    const Rows queries = held_in(Precision::f16, uniform_rows(70, 48, 6));
    const std::string file = write("q.npy", query_npy(queries));
    for (const Metric metric : {Metric::inner_product, Metric::l2}) {
        const std::string index = write("some.index", flat_index(rows, metric));
        for (const Precision precision : {Precision::f32, Precision::f16}) {
            SCOPED_TRACE(to_string(metric) + " " + std::string(to_string(precision)));
            search(GetParam(), index, file, 10,
                   {"--precision", std::string(to_string(precision)), "--max-batch", "64"});
            expect_answers_of_faiss(FaissAnswers(rows, metric, precision), queries, 10);
        }
    }
}

TEST_P(ToolOnRig, AnswersMinusOneWhereThereAreNoMoreRows) {
    const Rows rows = uniform_rows(21, 8, 5);
    const Rows queries = uniform_rows(3, 8, 6);
    const std::string index = write("small.index", flat_index(rows, Metric::l2));
    search(GetParam(), index, write("q.npy", query_npy(queries)), 30);
    expect_answers_of_faiss(FaissAnswers(rows, Metric::l2, Precision::f32), queries, 30);
    for (std::int64_t i = 0; i < queries.count; ++i) {
        EXPECT_EQ(std::count(ids_.row(i), ids_.row(i) + 30, -1), 9);
        EXPECT_EQ(ids_.row(i)[21], -1);
    }
}

INSTANTIATE_TEST_SUITE_P(Rigs, ToolOnRig, testing::ValuesIn(rigs()),
                         [](const testing::TestParamInfo<Rig>& rig) { return rig.param.name; });

/// The first 5,000 embeddings of package descriptions, and 600 questions.
class EmbeddingsOnCards : public ToolOnCards {
protected:
    void SetUp() override {
        ToolOnCards::SetUp();
        if (IsSkipped()) return;
        const std::filesystem::path data = shared_data();
        if (data.empty()) GTEST_SKIP() << "no recorded embeddings: set GPUSHARD_SHARED_DATA";
        rows_ = read_index_vectors(data / "debian_e5_flat.index");
        rows_.count = 5000;
        rows_.values.resize(static_cast<std::size_t>(rows_.count * rows_.dim));
        index_ = write("e5.index", flat_index(rows_, Metric::inner_product));
        query_file_ = (data / "queries.npy").string();
        queries_ = read_vectors(query_file_);
        ASSERT_EQ(queries_.count, 600);
    }

    Rows rows_;
    Rows queries_;
    std::string index_;
    std::string query_file_;
};

TEST_F(EmbeddingsOnCards, AreFoundAsByFaiss) {
    search(unequal, index_, query_file_, 10);
    const FaissAnswers exact(rows_, Metric::inner_product, Precision::f32);
    expect_answers_of_faiss(exact, queries_, 10);
    // Neighbouring scores are so near that a few may trade places.
    EXPECT_GE(recall(ids_.values.data(), exact.search(queries_, 10).ids.data(), 600, 10, 10), 0.9998);
}

TEST_F(EmbeddingsOnCards, AreFoundInHalvesOfRowsLessTheirMean) {
    search(unequal, index_, query_file_, 10, {"--precision", "f16"});
    double largest_error = 0;
    for (std::int64_t query = 0; query < 600; ++query) {
        for (std::int64_t i = 0; i < 10; ++i) {
            const double exact =
                exact_distance(Metric::inner_product, queries_.row(query), rows_.row(ids_.row(query)[i]), rows_.dim);
            largest_error = std::max(largest_error, std::abs(exact - distances_.row(query)[i]));
        }
    }
    EXPECT_LE(largest_error, 3.5e-5);
    RecordProperty("largest_error_e6", std::to_string(1e6 * largest_error));
    const FaissAnswers exact(rows_, Metric::inner_product, Precision::f32);
    EXPECT_GE(recall(ids_.values.data(), exact.search(queries_, 10).ids.data(), 600, 10, 10), 0.998);
}

class VerifyOnCards : public ToolOnCards {
protected:
    Arguments load(const std::string& index, const std::string& precision) const {
        return {"load", index,      "--devices", "cuda:all",    "--min-devices", "4",      "--reserve",
                "0",    "--verify", "20",        "--precision", precision,       "--quiet"};
    }
};

TEST_F(VerifyOnCards, SaysThatRightAnswersAreRight) {
    ::setenv("SIMCUDA_CARDS", unequal.cards.c_str(), 1);
    for (const Metric metric : {Metric::inner_product, Metric::l2}) {
        const std::string index = write("a.index", flat_index(uniform_rows(1000, 32, 1), metric));
        for (const std::string precision : {"f32", "f16"}) {
            SCOPED_TRACE(to_string(metric) + " " + precision);
            Arguments command = load(index, precision);
            command.push_back("--json");
            const ChildResult result = run_gpushard(command);
            ASSERT_EQ(result.exit_code, 0) << result.err;
            EXPECT_EQ(without_known_findings(result.err), "");
            const Json verified = Json::parse(result.out)["verified"];
            EXPECT_EQ(verified["rows"], 20);
            EXPECT_TRUE(verified["failures"].empty()) << verified;
            EXPECT_GT(verified["worst_error"], 0);
            EXPECT_LE(verified["worst_error"], verified["error_bound"]);
        }
    }
}

TEST_F(VerifyOnCards, EndsInAnErrorWhereTheCardsAnswerWrongly) {
    ::setenv("SIMCUDA_CARDS", unequal.cards.c_str(), 1);
    for (const Metric metric : {Metric::inner_product, Metric::l2}) {
        const std::string index = write("a.index", flat_index(uniform_rows(4000, 32, 1), metric));
        ::setenv("LD_PRELOAD", GPUSHARD_FAULTY_MEMORY, 1);
        const ChildResult result = run_gpushard(load(index, "f32"));
        ::unsetenv("LD_PRELOAD");
        EXPECT_EQ(result.exit_code, 1) << result.err;
        EXPECT_THAT(result.err, HasSubstr("gpushard: error: verification failed: row "));
        EXPECT_THAT(result.out, HasSubstr(" failed"));
    }
}

}  // namespace
}  // namespace gpushard::test
