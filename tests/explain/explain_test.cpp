#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/explain.hpp>
#include <gpushard/report.hpp>

#include "support/temp_dir.hpp"
#include "support/wiki_index.hpp"

namespace gpushard {
namespace {

using test::wiki_index;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

/// FlashRAG's issue 155, the line alone.
const char* const flashrag =
    "RuntimeError: Error in virtual void* faiss::gpu::StandardGpuResourcesImpl::allocMemory(const "
    "faiss::gpu::AllocRequest&) at faiss/gpu/StandardGpuResources.cpp:530: Error: 'err == cudaSuccess' failed: "
    "StandardGpuResources: alloc fail type TemporaryMemoryOverflow dev 0 space Device stream 0xbcdba10 size "
    "32279537664 "
    "bytes (cudaMalloc error out of memory [2])";

std::string alloc_fail(const std::string& type, Bytes bytes, int card = 0) {
    return "StandardGpuResources: alloc fail type " + type + " dev " + std::to_string(card) +
           " space Device stream 0x1 size " + std::to_string(bytes) + " bytes (cudaMalloc error out of memory [2])";
}

TEST(Explain, FlashRagsLineAloneSaysItAll) {
    const Explanation explanation = explain(std::string_view(flashrag));
    ASSERT_THAT(explanation.findings, SizeIs(1));
    const Finding& finding = explanation.findings.front();
    EXPECT_EQ(explanation.cards, std::vector<std::int64_t>{0});
    EXPECT_EQ(finding.path, "copyFrom");
    EXPECT_THAT(finding.allocation, HasSubstr("second of three allocations"));
    EXPECT_EQ(finding.requested_bytes, 32'279'537'664u);
    ASSERT_THAT(finding.readings, SizeIs(1));
    EXPECT_EQ(finding.readings.front().text, "21,015,324 x 768 x 2 bytes (float16)");
    EXPECT_EQ(explanation.stock_peak_bytes, 130'728'763'392u);
    ASSERT_THAT(explanation.ways_out, SizeIs(2));
    EXPECT_THAT(explanation.ways_out[0].what, AllOf(StartsWith("several cards"), HasSubstr("9.72 GB on each of 4")));
    EXPECT_THAT(explanation.ways_out[1].what, AllOf(StartsWith("gpushard on one 40 GB card"), HasSubstr("32.55 GB")));
    EXPECT_EQ(explanation.ways_out[1].command, "gpushard load INDEX --devices cuda:0 --precision f16");
    EXPECT_THAT(explanation.index_reason, AllOf(HasSubstr("exactly"), HasSubstr("https://")));
    EXPECT_THAT(to_text(explanation), HasSubstr("130.73 GB"));
}

TEST(Explain, TheThreeAllocationsOfCopyFromAreToldApart) {
    const auto first_id = [](const std::string& text) { return explain(text).findings.at(0).report.id; };
    EXPECT_EQ(first_id(alloc_fail("TemporaryMemoryOverflow", 64'559'075'328)), "faiss-copyfrom-float32-staging");
    EXPECT_EQ(first_id(alloc_fail("TemporaryMemoryOverflow", 32'279'537'664)), "faiss-copyfrom-float16-copy");
    EXPECT_EQ(first_id(alloc_fail("FlatData", 32'279'537'664)), "faiss-flat-storage-float16");
    EXPECT_EQ(first_id(alloc_fail("FlatData", 64'559'075'328)), "faiss-flat-storage-float32");
    EXPECT_EQ(first_id(alloc_fail("FlatData", 84'061'440)), "faiss-flat-storage");
    EXPECT_EQ(first_id(alloc_fail("FlatData", 8'069'884'416, 2)), "faiss-flat-share-float16");
}

TEST(Explain, AnIndexThatIsGivenDecides) {
    ExplainOptions options;
    options.index = test::flat_index(1'000'000, 1000);
    const Explanation staging = explain(alloc_fail("TemporaryMemoryOverflow", 4'000'000'000), options);
    EXPECT_EQ(staging.findings.at(0).report.id, "faiss-copyfrom-float32-staging");
    EXPECT_EQ(staging.precision, Precision::f16);
    EXPECT_THAT(staging.ways_out, SizeIs(2));
    // A number that is nothing of this index is not explained by it.
    const Explanation other = explain(alloc_fail("TemporaryMemoryOverflow", 32'279'537'664), options);
    EXPECT_EQ(other.findings.at(0).report.id, "faiss-temporary-overflow");
    EXPECT_THAT(other.findings.at(0).readings, IsEmpty());
    EXPECT_THAT(other.ways_out, IsEmpty());
}

TEST(Explain, PlansForTheDevicesThatAreGiven) {
    ExplainOptions options;
    options.index = wiki_index();
    options.devices = resolve_devices("4xA100-40GB");
    options.devices_spec = "4xA100-40GB";
    const Explanation explanation = explain(std::string_view(flashrag), options);
    ASSERT_TRUE(explanation.plan);
    EXPECT_EQ(explanation.plan->precision, Precision::f16);
    EXPECT_EQ(explanation.plan_command, "gpushard plan wiki_100w_e5.index --devices 4xA100-40GB --precision f16");
    EXPECT_EQ(explanation.ways_out.front().command, explanation.plan_command);

    options.devices = resolve_devices("cpu=80GiB");
    options.devices_spec.clear();
    options.precision = PrecisionChoice::f32;
    const Explanation on_host = explain(std::string_view(flashrag), options);
    EXPECT_EQ(on_host.plan_command, "gpushard load wiki_100w_e5.index --devices cpu=80GiB");

    options.devices = resolve_devices("T4-16GB");
    const Explanation too_small = explain(std::string_view(flashrag), options);
    EXPECT_FALSE(too_small.plan);
    EXPECT_THAT(too_small.plan_refusal, HasSubstr("does not fit"));
}

TEST(Explain, CommandsSurviveAShell) {
    ExplainOptions options;
    options.index = wiki_index();
    options.index->files = {"my index's.bin"};
    options.devices = resolve_devices("A100-80GB");
    const Explanation explanation = explain(std::string_view(flashrag), options);
    EXPECT_THAT(explanation.plan_command, HasSubstr("'my index'\\''s.bin'"));
}

TEST(Explain, WhatWasGoingOnTellsASearchFromALoad) {
    const std::string line = alloc_fail("TemporaryMemoryOverflow", 20'040'000'000);
    const auto first_id = [](const std::string& text) { return explain(text).findings.at(0).report.id; };
    EXPECT_EQ(first_id("  D, I = index.search(xq, 10)\n" + line), "faiss-search-temporary");
    EXPECT_EQ(first_id("  index = faiss.index_cpu_to_all_gpus(index, co=co)\n" + line), "faiss-copyfrom-temporary");
    EXPECT_EQ(first_id("  self.index.add(x)\n" + line), "faiss-add-temporary");
    EXPECT_EQ(first_id(line), "faiss-temporary-overflow");
    // The nearest line decides.
    EXPECT_EQ(first_id("index_cpu_to_gpu(res, 0, index)\nindex.search(xq, 10)\n" + line), "faiss-search-temporary");
}

TEST(Explain, TheFirstCauseIsInFrontAndSymptomsAtTheEnd) {
    const Explanation explanation =
        explain("INFO starting\nterminate called after throwing an instance of 'faiss::FaissException'\n  what():  " +
                alloc_fail("IVFLists", 16384, 3) + "\nKilled\n" + alloc_fail("IVFLists", 32768, 5) + "\n");
    ASSERT_THAT(explanation.findings, SizeIs(3));
    EXPECT_EQ(explanation.findings[0].report.id, "faiss-ivf-lists");
    EXPECT_EQ(explanation.findings[0].repeats, 2u);
    EXPECT_EQ(explanation.findings[0].lines.front().number, 3u);
    EXPECT_EQ(explanation.findings[1].report.id, "host-killed");
    EXPECT_EQ(explanation.findings[2].claim, Claim::symptom);
    EXPECT_EQ(explanation.cards, (std::vector<std::int64_t>{3, 5}));
}

TEST(Explain, WrappedTextsAreReadAsOne) {
    const Explanation explanation = explain(
        "RuntimeError: Error in virtual void* allocMemory: StandardGpuResources: alloc fail type FlatData dev 2\n"
        "   space Device stream 0 size\n  2764800000 bytes (cudaMalloc error out of memory [2])\n");
    ASSERT_FALSE(explanation.findings.empty());
    EXPECT_EQ(explanation.findings[0].report.id, "faiss-flat-storage");
    EXPECT_EQ(explanation.findings[0].requested_bytes, 2'764'800'000u);
    EXPECT_EQ(explanation.findings[0].lines.front().number, 1u);
}

TEST(Explain, NothingKnownIsSaidClearly) {
    const Explanation explanation = explain("all is well\n");
    EXPECT_FALSE(explanation.recognised());
    EXPECT_THAT(to_text(explanation), StartsWith("nothing in 1 lines is known to the catalogue"));
    EXPECT_THAT(to_json(explanation), HasSubstr("\"recognised\": false"));
}

/// An own catalogue of entries that all match "boom", in the order of the claims given.
ExplainOptions with_claims(const test::TempDir& folder, const std::vector<std::string>& claims) {
    std::string entries;
    for (std::size_t i = 0; i < claims.size(); ++i) {
        entries += (i > 0 ? "," : "") + std::string(R"({"id": "own-)") + std::to_string(i) +
                   R"(", "kind": "device", "claim": ")" + claims[i] +
                   R"(", "patterns": ["boom"], "title": "t", "meaning": "m", "remedies": ["r"],
                   "sources": ["https://example.org/1"]})";
    }
    std::ofstream(folder / "own.json") << R"({"entries": [)" << entries << "]}";
    ExplainOptions options;
    options.catalogues = {folder / "own.json"};
    options.trace = true;
    return options;
}

TEST(Explain, TheStrongestClaimWinsThenTheOrderOfTheCatalogue) {
    const test::TempDir folder;
    const auto winner = [&](const std::vector<std::string>& claims) {
        return explain("boom", with_claims(folder, claims)).findings.at(0).report.id;
    };
    EXPECT_EQ(winner({"notice", "symptom", "guess", "cause"}), "own-3");
    EXPECT_EQ(winner({"notice", "symptom", "guess"}), "own-2");
    EXPECT_EQ(winner({"notice", "symptom"}), "own-1");
    EXPECT_EQ(winner({"cause", "cause"}), "own-0");
    EXPECT_EQ(winner({"guess", "cause", "cause"}), "own-1");
}

TEST(Explain, TheTraceSaysWhyAnEntryWon) {
    const test::TempDir folder;
    const Explanation explanation = explain("all well\nboom\nboom\n", with_claims(folder, {"guess", "cause", "cause"}));
    ASSERT_THAT(explanation.trace, SizeIs(1));
    const TraceStep& step = explanation.trace.front();
    EXPECT_EQ(step.line, (QuotedLine{2, "boom"}));
    EXPECT_EQ(step.chosen, "own-1");
    ASSERT_THAT(step.candidates, SizeIs(3));
    EXPECT_TRUE(step.candidates[0].won);
    EXPECT_EQ(step.candidates[0].id, "own-1");
    EXPECT_EQ(step.candidates[0].pattern, "boom");
    EXPECT_EQ(step.candidates[1].why, "a guess, and own-1 is a cause");
    EXPECT_EQ(step.candidates[2].why, "a cause too, but later in the catalogue than own-1");
    EXPECT_THAT(to_text(explanation), AllOf(HasSubstr("\ntrace\n"), HasSubstr("passed over  own-0")));
    EXPECT_THAT(to_json(explanation), HasSubstr("\"why\": \"a guess, and own-1 is a cause\""));
    EXPECT_THAT(explain("boom").trace, IsEmpty());
}

TEST(Explain, TheTraceNamesTheCaseThatHolds) {
    ExplainOptions options;
    options.trace = true;
    const Explanation explanation = explain(std::string_view(flashrag), options);
    ASSERT_THAT(explanation.trace, Not(IsEmpty()));
    EXPECT_EQ(explanation.trace.front().chosen, "faiss-copyfrom-float16-copy");
    EXPECT_EQ(explanation.trace.front().why_chosen, "its case 'amount:whole_f16' holds");
    EXPECT_EQ(explain(alloc_fail("FlatData", 256), options).trace.front().why_chosen, "none of its 5 cases holds");
}

/// What a line said counts for the lines after it, and not for ever.
TEST(Explain, MarksHoldForTheLinesAfterThem) {
    const std::string warning =
        "WARN: increase temp memory to avoid cudaMalloc, or decrease query/add size (alloc 9 B)\n";
    const std::string release =
        "Faiss assertion err == cudaSuccess failed in void faiss::gpu::StackDeviceMemory::Stack::returnAlloc(char*)\n";
    const auto first = [](const std::string& text) { return explain(text).findings.at(0); };
    EXPECT_EQ(first(warning + release).report.id, "faiss-temp-memory-exhausted");
    EXPECT_EQ(first(release + warning).report.id, "faiss-temp-release-failed");
    EXPECT_EQ(first(release).claim, Claim::symptom);
    EXPECT_EQ(first(warning + release).claim, Claim::guess);
    std::string between;
    for (int i = 0; i < 1000; ++i) between += "step " + std::to_string(i) + "\n";
    EXPECT_EQ(first(warning + between + release).report.id, "faiss-temp-release-failed");
}

/// Words of every Python program count where Faiss was called.
TEST(Explain, WordsThatNeedAMarkSayNothingWithoutIt) {
    const std::string words = "ValueError: not enough values to unpack (expected 2, got 1)\n";
    EXPECT_FALSE(explain(words).recognised());
    EXPECT_EQ(explain("    n, d = x.shape\n" + words).findings.at(0).report.id, "faiss-one-dimensional");
    EXPECT_FALSE(explain(words + "    n, d = x.shape\n").recognised());
}

TEST(Explain, FindingsComeInTheOrderOfTheirClaims) {
    const Explanation explanation = explain(
        "INFO Loading faiss with AVX2 support.\nKilled\nSegmentation fault (core dumped)\n"
        "slurmstepd: error: Detected 1 oom_kill event in StepId=7.0.\n");
    std::vector<Claim> claims;
    for (const Finding& finding : explanation.findings) claims.push_back(finding.claim);
    EXPECT_EQ(claims, (std::vector<Claim>{Claim::cause, Claim::guess, Claim::symptom, Claim::notice}));
}

TEST(Explain, ACatalogueOfOnesOwnComesFirst) {
    const test::TempDir folder;
    const std::filesystem::path own = folder / "own.json";
    std::ofstream(own) << R"({"entries": [{"id": "ours", "kind": "device", "patterns": ["alloc fail type FlatData"],
        "title": "our card", "meaning": "m", "remedies": ["call us"], "sources": ["https://example.org/1"]}]})";
    ExplainOptions options;
    options.catalogues = {own};
    EXPECT_EQ(explain(alloc_fail("FlatData", 256), options).findings.at(0).report.id, "ours");
    EXPECT_EQ(explain(alloc_fail("IVFLists", 256), options).findings.at(0).report.id, "faiss-ivf-lists");
    options.catalogues = {folder / "none.json"};
    EXPECT_THROW(explain("", options), BadFile);
    options = {};
    options.dim = 0;
    EXPECT_THROW(explain("", options), InvalidArgument);
}

TEST(Explain, ErrorsOfTheLibraryHaveTheSameShape) {
    const DeviceError error("cuda:0", "cuda:0: CUDA error 214 uncorrectable ECC error encountered", {"look at it"});
    const ErrorReport report = explained_report(error);
    EXPECT_EQ(report.id, "cuda-ecc");
    EXPECT_EQ(report.message, error.what());
    EXPECT_EQ(report.remedies.front(), "look at it");
    EXPECT_GT(report.remedies.size(), 1u);
    EXPECT_THAT(report.sources, Not(IsEmpty()));
    EXPECT_THAT(to_text(report), AllOf(HasSubstr("  try: look at it\n"), HasSubstr("  see: https://")));
    EXPECT_THAT(to_json(error, report), AllOf(HasSubstr("\"kind\": \"device\""), HasSubstr("\"id\": \"cuda-ecc\"")));

    const InvalidArgument own("k is 0, expected at least 1", {"a larger k"});
    EXPECT_EQ(explained_report(own).id, "");
    EXPECT_EQ(to_text(explained_report(own)), to_text(own));
}

}  // namespace
}  // namespace gpushard
