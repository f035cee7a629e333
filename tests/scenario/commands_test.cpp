#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/version.hpp>

#include "scenario.hpp"

namespace gpushard::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* commands[] = {"devices", "doctor", "inspect", "plan", "load", "search", "generate", "explain"};

/// FlashRAG's wiki_100w_e5_index: its true header and size, and zeros for vectors.
constexpr std::int64_t wiki_count = 21'015'324;
constexpr std::int32_t wiki_dim = 768;
constexpr std::uintmax_t wiki_bytes = 64'559'075'373;

class Commands : public ScenarioFolder {
protected:
    Commands() { index_ = write("some.index", flat_index(uniform_rows(4'000, 48, 1), Metric::inner_product)); }

    std::string wiki_index() const {
        const std::string index = write("wiki.index", flat_index_header(wiki_count, wiki_dim, Metric::inner_product));
        std::filesystem::resize_file(index, wiki_bytes);
        return index;
    }

    std::string index_;
};

TEST_F(Commands, HaveHelp) {
    const ChildResult all = run_gpushard({"--help"});
    EXPECT_EQ(all.exit_code, 0);
    for (const char* command : commands) {
        EXPECT_THAT(all.out, HasSubstr(command));
        const ChildResult help = run_gpushard({command, "--help"});
        EXPECT_EQ(help.exit_code, 0);
        EXPECT_EQ(help.err, "");
        for (const char* option : {"--json", "--quiet", "--log-level", "--help"})
            EXPECT_THAT(help.out, HasSubstr(option));
    }
}

TEST_F(Commands, VersionNamesTheLibraryAndFaiss) {
    const ChildResult result = run_gpushard({"--version"});
    EXPECT_EQ(result.exit_code, 0);
    const std::string risk = faiss_gpu_risk().empty() ? "" : "for tests on simulated cards: " + faiss_gpu_risk() + "\n";
    EXPECT_EQ(result.out, "gpushard " + version() + " (Faiss " + faiss_version() + ")\n" + risk);
}

TEST_F(Commands, InspectDescribesTheFile) {
    const Json json = json_of({"inspect", index_});
    EXPECT_EQ(json["file"], index_);
    EXPECT_EQ(json["bytes"], 45 + 4'000 * 48 * 4);
    EXPECT_EQ(json["type"], "flat");
    EXPECT_EQ(json["fourcc"], "IxFI");
    EXPECT_EQ(json["dim"], 48);
    EXPECT_EQ(json["count"], 4'000);
    EXPECT_EQ(json["metric"], "inner_product");
    EXPECT_EQ(json["payload_bytes"], 4'000 * 48 * 4);
    EXPECT_EQ(json["payload_offset"], 45);
    EXPECT_EQ(json["chain"], Json::array());
    EXPECT_THAT(run_gpushard({"inspect", index_}).out, AllOf(HasSubstr("4,000 x 48"), HasSubstr("flat (IxFI)")));
}

TEST_F(Commands, DevicesPrintsARigThatCanBePlannedWith) {
    const ChildResult text = run_gpushard({"devices"});
    EXPECT_EQ(text.exit_code, 0);
    EXPECT_THAT(text.out, AllOf(HasSubstr("cpu"), HasSubstr("host memory")));

    const Json json = json_of({"devices"});
    ASSERT_EQ(json["devices"].size(), 1u);
    for (const char* field :
         {"spec", "name", "uuid", "pci", "total_bytes", "free_bytes", "context_bytes", "bytes_per_second"}) {
        EXPECT_TRUE(json["devices"][0].contains(field)) << field;
        EXPECT_TRUE(json["host"].contains(field)) << field;
    }
    write("rig.json", json.dump());
    const Json plan = json_of({"plan", index_, "--devices", "@" + path("rig.json")});
    EXPECT_EQ(plan["devices"][0]["spec"], "cpu");
    EXPECT_EQ(plan["devices"][0]["planning_only"], true);

    EXPECT_EQ(json_of({"devices", "--devices", "2xA100-40GB,cpu=1GiB"})["devices"].size(), 3u);
}

TEST_F(Commands, PlanKeepsToTheBudgetsAndCoversEveryRow) {
    for (const char* strategy : {"balanced", "proportional", "fewest"}) {
        const Json plan = json_of({"plan", index_, "--devices", "cpu=400KiB,cpu=1MiB,cpu=700KiB", "--strategy",
                                   strategy, "--max-batch", "16"});
        EXPECT_EQ(plan["fits"], true);
        EXPECT_EQ(plan["strategy"], strategy);
        EXPECT_EQ(plan["precision"], "f32");
        std::vector<std::pair<std::int64_t, std::int64_t>> rows;
        for (const Json& device : plan["devices"]) {
            EXPECT_LE(device["peak_bytes"], device["free_bytes"]);
            if (device["group"] == 0) rows.emplace_back(device["rows"][0], device["rows"][1]);
        }
        std::sort(rows.begin(), rows.end());
        std::int64_t next = 0;
        for (const auto& [begin, end] : rows) {
            EXPECT_EQ(begin, next);
            next = end;
        }
        EXPECT_EQ(next, 4'000);
        for (const char* field : {"host_staging_bytes", "host_resident_bytes", "totals", "stock_faiss"}) {
            EXPECT_TRUE(plan.contains(field)) << field;
        }
        EXPECT_EQ(plan["stock_faiss"]["outcome"], "not_applicable");
    }
}

TEST_F(Commands, PlanSaysWhatStockFaissWouldDo) {
    const std::string wiki = wiki_index();
    const Json one = json_of({"plan", wiki, "--devices", "A100-80GB", "--precision", "f16"});
    EXPECT_EQ(one["stock_faiss"]["outcome"], "fails");
    EXPECT_THAT(one["stock_faiss"]["message"], HasSubstr("size 32279537664 bytes"));
    const Json four = json_of({"plan", wiki, "--devices", "4xA100-40GB", "--precision", "f16"});
    EXPECT_EQ(four["stock_faiss"]["outcome"], "loads");
    EXPECT_EQ(four["stock_faiss"]["peak_bytes"].size(), 4u);
    EXPECT_THAT(run_gpushard({"plan", wiki, "--devices", "A100-80GB", "--precision", "f16"}).out,
                AllOf(HasSubstr("stock Faiss"), HasSubstr("fails"), HasSubstr("32279537664"), HasSubstr("[#")));
}

TEST_F(Commands, PlanThatDoesNotFitListsAlternatives) {
    const ChildResult result = run_gpushard({"plan", wiki_index(), "--devices", "4xT4"});
    EXPECT_EQ(result.exit_code, 3);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, AllOf(HasSubstr("gpushard: error: "), HasSubstr("--precision f16"), HasSubstr("  try: ")));
    const Json json = Json::parse(run_gpushard({"plan", wiki_index(), "--devices", "4xT4", "--json"}).out);
    EXPECT_EQ(json["fits"], false);
    EXPECT_GT(json["short_bytes"], 0);
    ASSERT_FALSE(json["alternatives"].empty());
    // An alternative was planned, so asking for it works.
    EXPECT_EQ(json_of({"plan", wiki_index(), "--devices", "4xT4", "--precision", "f16"})["fits"], true);
}

TEST_F(Commands, WhatTheCardsCannotHoldMaySpillToTheHost) {
    const Arguments request = {"plan", wiki_index(), "--devices", "RTX4090", "--precision", "f16"};
    const auto with = [&](Arguments more) {
        more.insert(more.begin(), request.begin(), request.end());
        return more;
    };
    expect_error(request, 3);
    EXPECT_THAT(run_gpushard(request).err, HasSubstr("try: --spill 7GiB"));
    const Json plan = json_of(with({"--spill", "7GiB"}));
    EXPECT_EQ(plan["spilled"], true);
    EXPECT_EQ(plan["options"]["spill_bytes"], std::int64_t{7} << 30);
    ASSERT_EQ(plan["devices"].size(), 2u);
    EXPECT_EQ(plan["devices"][1]["spec"], "cpu=7GiB");
    EXPECT_EQ(plan["host_resident_bytes"], plan["devices"][1]["resident_bytes"]);
}

TEST_F(Commands, ALoadMaySpill) {
    const Json loaded = json_of({"load", index_, "--devices", "cpu=500KiB", "--spill", "1MiB", "--verify", "20"});
    EXPECT_EQ(loaded["spilled"], true);
    ASSERT_EQ(loaded["devices"].size(), 2u);
    EXPECT_GT(loaded["devices"][1]["measured_resident_bytes"], 0);
    EXPECT_EQ(loaded["verified"]["failures"], Json::array());
    EXPECT_EQ(json_of({"load", index_, "--devices", "cpu=1MiB", "--spill", "1MiB"})["spilled"], false);
}

TEST_F(Commands, InspectAndPlanReadAndHoldLittleWhateverTheSizeOfTheIndex) {
    const std::string wiki = wiki_index();
    for (const Arguments& command : {Arguments{"inspect", wiki}, Arguments{"plan", wiki, "--devices", "8xA100-40GB"},
                                     Arguments{"plan", wiki, "--devices", "4xT4,2xRTX4090", "--precision", "f16"}}) {
        std::vector<std::string> measured = {GPUSHARD_MEASURE_CHILD, path("measured"), GPUSHARD_PROGRAM};
        measured.insert(measured.end(), command.begin(), command.end());
        ASSERT_EQ(run_child(measured).exit_code, 0);
        long kibibytes = 0;
        std::int64_t bytes_read = 0;
        std::ifstream(path("measured")) >> kibibytes >> bytes_read;
        ASSERT_GT(kibibytes, 0);
        ASSERT_GT(bytes_read, 0);
        // Of 64.6 GB: its header and the samples of its fingerprint. The rest are the program's libraries.
        EXPECT_LT(bytes_read, 1 << 20);
#if !defined(GPUSHARD_SANITIZED) && !defined(GPUSHARD_WITH_CUDA)  // linking cuBLAS alone maps 200 MiB
        EXPECT_LT(kibibytes, 50 * 1024);
#endif
    }
}

TEST_F(Commands, LoadPutsMeasuredBesidePlanned) {
    const Json json = json_of({"load", index_, "--devices", "cpu=1MiB*2", "--verify", "20"});
    EXPECT_EQ(json["fits"], true);
    ASSERT_EQ(json["devices"].size(), 2u);
    for (const Json& device : json["devices"]) {
        EXPECT_GT(device["measured_resident_bytes"], 0);
        EXPECT_LE(device["measured_resident_bytes"], device["resident_bytes"]);
        EXPECT_GE(device["measured_peak_bytes"], device["measured_resident_bytes"]);
        EXPECT_LE(device["measured_peak_bytes"], device["load_peak_bytes"]);
        EXPECT_EQ(device["free_drop_bytes"], device["measured_resident_bytes"]) << "the ledger of a device on the host";
        EXPECT_GT(device["copied_bytes"], 0);
        EXPECT_TRUE(device["seconds"].is_number());
        EXPECT_TRUE(device["bytes_per_second"].is_number());
    }
    EXPECT_EQ(json["file_bytes_read"], 45 + 4'000 * 48 * 4 + 45 + 16 * 4096) << "all of it, and 16 samples again";
    EXPECT_GT(json["host_peak_bytes"], 0);
    EXPECT_GT(json["seconds"], 0);
    EXPECT_EQ(json["recovery"], Json::array());
    EXPECT_EQ(json["verified"]["rows"], 20);
    EXPECT_LE(json["verified"]["worst_error"], 1e-5);
}

TEST_F(Commands, LoadShowsProgressOnStderrUnlessQuiet) {
    const ChildResult loud = run_gpushard({"load", index_, "--devices", "cpu=1MiB*2"});
    EXPECT_EQ(loud.exit_code, 0);
    EXPECT_THAT(loud.err, AllOf(HasSubstr("loading"), HasSubstr("100 %")));
    EXPECT_THAT(loud.out, AllOf(HasSubstr("planned resident"), HasSubstr("measured"), HasSubstr("cpu=1MiB")));
    EXPECT_EQ(run_gpushard({"load", index_, "--devices", "cpu=1MiB*2", "--quiet"}).err, "");
}

TEST_F(Commands, SearchReportsItsTimes) {
    const std::string queries = write("q.npy", query_npy(uniform_rows(50, 48, 2)));
    const Json json = json_of({"search", index_, "--queries", queries, "--devices", "cpu=1MiB*2", "--max-batch", "20"});
    EXPECT_EQ(json["queries"], 50);
    EXPECT_EQ(json["k"], 10);
    EXPECT_GT(json["seconds"], 0);
    EXPECT_NEAR(json["qps"], 50 / json["seconds"].get<double>(), 1e-6 * json["qps"].get<double>());
    EXPECT_GT(json["latency_ms"]["p50"], 0);
    EXPECT_GE(json["latency_ms"]["p99"], json["latency_ms"]["p50"]);
    ASSERT_EQ(json["devices"].size(), 2u);
    for (const Json& device : json["devices"]) EXPECT_LE(device["measured_peak_bytes"], device["peak_bytes"]);
}

TEST_F(Commands, SearchPrintsTheFirstAnswersWhereTheyGoToNoFile) {
    const std::string queries = write("q.npy", query_npy(uniform_rows(12, 48, 2)));
    const ChildResult result = run_gpushard({"search", index_, "--queries", queries, "--k", "3", "--quiet"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, AllOf(HasSubstr("12 queries, k 3"), HasSubstr("and 2 more queries")));
    EXPECT_THAT(files(), ElementsAre("q.npy", "some.index"));
}

TEST_F(Commands, SayThatNprobeHasNoEffectOnAFlatIndex) {
    const ChildResult result = run_gpushard({"plan", index_, "--nprobe", "8"});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_THAT(result.err, HasSubstr("--nprobe has no effect"));
    EXPECT_EQ(run_gpushard({"plan", index_, "--nprobe", "8", "--quiet"}).err, "");
}

}  // namespace
}  // namespace gpushard::test
