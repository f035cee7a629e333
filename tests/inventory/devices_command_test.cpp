#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/child_process.hpp"
#include "support/index_writer.hpp"
#include "support/temp_dir.hpp"

namespace gpushard::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

constexpr const char* three_cards =
    "80GiB:used=70GiB:context=480MiB:sm=8.0,24GiB:name=NVIDIA GeForce RTX 3090:bandwidth=0:context=300MiB,"
    "40GiB:uuid=MIG-01234567-89ab-cdef-0123-456789abcdef:name=NVIDIA A100 MIG 3g.40gb:context=200MiB";

constexpr int device_error = 5;

/// The tool on a typed rig, under an environment of the test's own.
class DevicesCommand : public testing::Test {
protected:
    ChildResult run(const Words& arguments, const std::string& cards = three_cards) const {
        Words command = {"/usr/bin/env",           "-u",
                         "CUDA_VISIBLE_DEVICES",   "LD_LIBRARY_PATH=" + libraries_,
                         "SIMCUDA_CARDS=" + cards, "SIMCUDA_KERNELS=count"};
        command.insert(command.end(), environment_.begin(), environment_.end());
        command.push_back(GPUSHARD_PROGRAM);
        command.insert(command.end(), arguments.begin(), arguments.end());
        return run_child(command);
    }

    /// Of `devices`, the array of the rig file.
    Json listed(Words options = {}, const std::string& cards = three_cards) const {
        options.insert(options.begin(), {"devices", "--json", "--devices", "cuda:all"});
        const ChildResult result = run(options, cards);
        EXPECT_EQ(result.exit_code, 0) << result.err;
        return result.exit_code == 0 ? Json::parse(result.out)["devices"] : Json::array();
    }

    Words listed_names() const {
        Words names;
        for (const Json& device : listed()) names.push_back(device["name"]);
        return names;
    }

    /// FlashRAG's wiki_100w_e5_index, all zero, without blocks on the disk.
    std::string write_wiki_index() const {
        const fs::path index = folder_ / "wiki.index";
        write_file(index, flat_index_header(21'015'324, 768, Metric::inner_product));
        fs::resize_file(index, 64'559'075'373);
        return index;
    }

    void set_visible(const std::string& value) { environment_ = {"CUDA_VISIBLE_DEVICES=" + value}; }

    /// Makes the management library absent.
    void hide_nvml() {
        for (const auto& file : fs::directory_iterator(libraries_)) {
            const std::string name = file.path().filename();
            if (name.rfind("libnvidia-ml", 0) != 0) fs::create_symlink(file.path(), folder_ / name);
        }
        libraries_ = folder_.path();
    }

    std::string libraries_ = GPUSHARD_SIMULATED_LIBRARIES;
    Words environment_;
    TempDir folder_;
};

TEST_F(DevicesCommand, ListsTheCards) {
    const Json cards = listed();
    ASSERT_EQ(cards.size(), 3u);
    EXPECT_EQ(cards[0]["free_bytes"], 10ull << 30);
    EXPECT_EQ(cards[0]["compute_capability"], "8.0");
    EXPECT_EQ(cards[0]["context_measured"], false);
    EXPECT_EQ(cards[0]["holders"][0]["bytes"], 70ull << 30);
    EXPECT_EQ(cards[1]["bytes_per_second"], 936e9) << "of the catalogue, since the card does not tell";
    EXPECT_EQ(cards[2]["uuid"], "MIG-01234567-89ab-cdef-0123-456789abcdef");

    const ChildResult text = run({"devices"});
    EXPECT_EQ(text.exit_code, 0);
    EXPECT_THAT(text.out, AllOf(HasSubstr("cuda:0 is used by"), HasSubstr("70.00 GiB  "), HasSubstr("GeForce RTX 3090"),
                                HasSubstr("~512.0 MiB"), HasSubstr("0000:01:00.0"), HasSubstr("host memory")));
    EXPECT_EQ(text.err, "");
}

TEST_F(DevicesCommand, ObeysVisibleDevicesInEveryForm) {
    const Words all = listed_names();
    const auto expect = [&](const std::string& value, const std::vector<std::size_t>& places) {
        set_visible(value);
        Words wanted;
        for (const std::size_t place : places) wanted.push_back(all[place]);
        EXPECT_EQ(listed_names(), wanted) << value;
    };
    expect("1", {1});
    expect("2,0", {2, 0});
    expect("GPU-a0000000-51c0-4da0-8000-000000000000", {0});
    expect("GPU-b", {1});
    expect("GPU-b,0", {1, 0});
    expect("MIG-01234567-89ab-cdef-0123-456789abcdef", {2});
    set_visible("2,0");
    const Json cards = listed();
    EXPECT_EQ(cards[1]["spec"], "cuda:1");
    EXPECT_EQ(cards[1]["pci"], "0000:01:00.0") << "ordinals are CUDA's, PCI ids the machine's";
    EXPECT_EQ(cards[1]["free_bytes"], 10ull << 30) << "of the right card";
}

TEST_F(DevicesCommand, SaysWhatVisibleDevicesHide) {
    const auto expect = [&](const std::string& value, const std::string& why) {
        set_visible(value);
        const ChildResult result = run({"devices", "--devices", "cuda:all"});
        EXPECT_EQ(result.exit_code, device_error) << value;
        EXPECT_THAT(result.err, HasSubstr("no card to use: CUDA_VISIBLE_DEVICES" + why)) << value;
    };
    expect("", " is empty, so it hides every card");
    expect("7", "=7 names no card of this machine (it has 3)");
    expect("GPU-ffff", "=GPU-ffff names no card of this machine (it has 3)");
    expect("0,0", "=0,0 names 0 more than once");
    expect("-1", "=-1 ends the list");
    expect("none", "=none is neither a number nor a UUID");

    set_visible("1,9,0");
    const ChildResult some = run({"devices", "--devices", "cuda:all"});
    EXPECT_EQ(some.exit_code, 0);
    EXPECT_THAT(some.err, HasSubstr("CUDA_VISIBLE_DEVICES=1,9,0 has '9' as element 2"));
    EXPECT_THAT(some.out, AllOf(HasSubstr("cuda:0"), Not(HasSubstr("cuda:1"))));
}

TEST_F(DevicesCommand, SaysThatThereIsNoDriver) {
    const ChildResult result = run({"devices", "--devices", "cuda:all", "--json"}, "nodriver");
    EXPECT_EQ(result.exit_code, device_error);
    const Json error = Json::parse(result.out)["error"];
    EXPECT_EQ(error["kind"], "device");
    EXPECT_EQ(error["driver_version"], 0);
    EXPECT_THAT(error["cuda_error"].get<std::string>(), HasSubstr("cudaErrorInsufficientDriver"));

    const ChildResult any = run({"devices"}, "nodriver");
    EXPECT_EQ(any.exit_code, 0);
    EXPECT_THAT(any.err, HasSubstr("no card to use: "));
    EXPECT_EQ(run({"devices", "--quiet"}, "nodriver").err, "");
}

TEST_F(DevicesCommand, FindsCardsByPciIdAndUuid) {
    for (const char* name : {"0000:02:00.0", "02:00.0", "GPU-b", "cuda:1"}) {
        const ChildResult result = run({"devices", "--json", "--devices", name});
        ASSERT_EQ(result.exit_code, 0) << result.err;
        EXPECT_EQ(Json::parse(result.out)["devices"][0]["spec"], "cuda:1") << name;
    }
    const ChildResult mig = run({"devices", "--json", "--devices", "MIG-0123"});
    ASSERT_EQ(mig.exit_code, 0) << mig.err;
    EXPECT_EQ(Json::parse(mig.out)["devices"][0]["spec"], "cuda:2");
}

TEST_F(DevicesCommand, WithoutTheManagementLibraryAsksTheCards) {
    hide_nvml();
    const Json cards = listed();
    ASSERT_EQ(cards.size(), 3u);
    EXPECT_EQ(cards[0]["free_bytes"], (10ull << 30) - (480ull << 20));
    EXPECT_EQ(cards[0]["context_bytes"], 0);
    EXPECT_THAT(cards[0]["holders"], IsEmpty());

    const ChildResult measured = run({"devices", "--measure", "--json"});
    EXPECT_EQ(measured.exit_code, 0);
    EXPECT_THAT(measured.err, HasSubstr("cuda:0: its context is not measured"));
    EXPECT_EQ(Json::parse(measured.out)["devices"][0]["context_measured"], false);

    EXPECT_THAT(run({"devices"}).out, HasSubstr("70.47 GiB  processes that cannot be seen from here"));
}

TEST_F(DevicesCommand, MeasuresContextsIntoARigThatPlansUse) {
    const Json cards = listed({"--measure"});
    ASSERT_EQ(cards.size(), 3u);
    EXPECT_EQ(cards[0]["context_bytes"], 480ull << 20);
    EXPECT_EQ(cards[1]["context_bytes"], 300ull << 20);
    EXPECT_EQ(cards[2]["context_bytes"], 200ull << 20);
    for (const Json& card : cards) EXPECT_EQ(card["context_measured"], true);
    EXPECT_EQ(cards[0]["free_bytes"], 10ull << 30) << "before the measurement";

    const std::string rig = (folder_ / "rig.json").string();
    std::ofstream(rig) << Json{{"devices", cards}}.dump();
    const std::string index = write_wiki_index();
    const ChildResult plan =
        run({"plan", index, "--precision", "f16", "--json", "--devices", "@" + rig, "--min-devices", "3"});
    ASSERT_EQ(plan.exit_code, 0) << plan.err;
    EXPECT_EQ(Json::parse(plan.out)["devices"][2]["context_bytes"], 200ull << 20);

    EXPECT_THAT(run({"devices", "--measure"}).out, AllOf(HasSubstr("480.0 MiB"), Not(HasSubstr("~"))));
}

TEST_F(DevicesCommand, MeasuresThePartsOfACardOnce) {
    const ChildResult result = run({"devices", "--measure", "--json", "--devices", "cuda:1=4GiB*2"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const Json parts = Json::parse(result.out)["devices"];
    ASSERT_EQ(parts.size(), 2u);
    EXPECT_EQ(parts[0]["context_bytes"], 300ull << 20);
    EXPECT_EQ(parts[1]["context_bytes"], 0);
    EXPECT_EQ(result.err, "");
}

TEST_F(DevicesCommand, RefusesACardFaissHasNoCodeForBeforeFaissIsCalled) {
    const ChildResult result = run({"devices", "--measure"}, "24GiB:sm=3.5");
    EXPECT_EQ(result.exit_code, device_error) << "and no signal ended it";
    EXPECT_THAT(result.err, AllOf(HasSubstr("compute capability 3.5"), HasSubstr("no code for sm_35")));
    EXPECT_EQ(run({"devices"}, "24GiB:sm=3.5").exit_code, 0) << "listing it is no use of it";
}

TEST_F(DevicesCommand, PlansThatDoNotFitNameWhoHoldsTheCards) {
    const std::string index = write_wiki_index();
    const ChildResult plan = run({"plan", index, "--devices", "cuda:0"});
    EXPECT_EQ(plan.exit_code, 3);
    EXPECT_THAT(plan.err, HasSubstr("free memory of cuda:0, where other processes hold 70.00 GiB of 80.00 GiB"));
}

}  // namespace
}  // namespace gpushard::test
