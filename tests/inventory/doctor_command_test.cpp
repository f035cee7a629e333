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
using Json = nlohmann::json;
using Words = std::vector<std::string>;

constexpr int device_error = 5;
constexpr int does_not_fit = 3;

/// The tool's doctor on a rig that each test types.
class DoctorCommand : public testing::Test {
protected:
    ChildResult run(const std::string& cards, const Words& options = {}) const {
        Words command = {"/usr/bin/env",           "-u",
                         "CUDA_VISIBLE_DEVICES",   "-u",
                         "CUDA_DEVICE_ORDER",      "LD_LIBRARY_PATH=" + std::string(GPUSHARD_SIMULATED_LIBRARIES),
                         "SIMCUDA_CARDS=" + cards, "SIMCUDA_KERNELS=count"};
        command.insert(command.end(), environment_.begin(), environment_.end());
        command.insert(command.end(), {GPUSHARD_PROGRAM, "doctor", "--root", root_.path()});
        command.insert(command.end(), options.begin(), options.end());
        return run_child(command);
    }

    /// The report; fails the test unless the command ends with `exit_code`.
    Json report(const std::string& cards, int exit_code, Words options = {}) const {
        options.push_back("--json");
        const ChildResult result = run(cards, options);
        EXPECT_EQ(result.exit_code, exit_code) << result.out << result.err;
        EXPECT_EQ(result.err, "");
        return Json::parse(result.out);
    }

    /// A machine with memory and nothing else, so that the one under the test does not matter.
    void SetUp() override { write("proc/meminfo", "MemTotal: 268435456 kB\nMemAvailable: 209715200 kB\n"); }

    void write(const std::string& name, const std::string& text) const {
        fs::create_directories((root_ / name).parent_path());
        std::ofstream(root_ / name) << text;
    }

    /// FlashRAG's wiki_100w_e5_index, all zero, without blocks on the disk.
    std::string write_wiki_index() const {
        const fs::path index = folder_ / "wiki.index";
        write_file(index, flat_index_header(21'015'324, 768, Metric::inner_product));
        fs::resize_file(index, 64'559'075'373);
        return index;
    }

    Words environment_;
    TempDir root_;
    TempDir folder_;
};

Json check(const Json& report, const std::string& id) {
    for (const Json& one : report["checks"]) {
        if (one["id"] == id) return one;
    }
    return {{"result", "no check"}, {"found", ""}, {"why", ""}, {"remedy", ""}, {"devices", Json::array()}};
}

void expect(const Json& report, const std::string& id, const std::string& result, const std::string& part = "") {
    const Json one = check(report, id);
    EXPECT_EQ(one["result"], result) << id << ": " << one;
    EXPECT_THAT(one["found"].get<std::string>() + " " + one["why"].get<std::string>(), HasSubstr(part)) << id;
    EXPECT_EQ(one["remedy"] == "", result == "ok") << one;
}

TEST_F(DoctorCommand, FindsTwoHealthyCards) {
    const Json all = report("2x80GiB", 0);
    EXPECT_EQ(all["ok"], true);
    EXPECT_EQ(all["failures"], 0);
    for (const char* id :
         {"gpu_support", "driver", "runtime", "visible_cards", "lost_cards", "device_code", "card_order", "instances",
          "memory_errors", "pending_repairs", "persistence", "holders", "balance"}) {
        if (std::string(id) == "device_code") continue;  // The Faiss of these tests may be there as PTX only.
        expect(all, id, "ok");
    }
    EXPECT_NE(check(all, "device_code")["result"], "failure");
    EXPECT_THAT(run("2x80GiB").out, AllOf(HasSubstr("visible cards"), HasSubstr("2 of 2 cards visible")));
}

TEST_F(DoctorCommand, NamesAHiddenCard) {
    environment_ = {"CUDA_VISIBLE_DEVICES=0"};
    const Json hidden = report("80GiB,80GiB:name=The Hidden One", 0);
    expect(hidden, "visible_cards", "warning", "1 of 2 cards visible; hidden: GPU 1 at 0000:02:00.0 (The Hidden One)");
    EXPECT_THAT(check(hidden, "visible_cards")["why"], HasSubstr("CUDA_VISIBLE_DEVICES=0 does not name"));

    environment_ = {"CUDA_VISIBLE_DEVICES=0,5,1"};
    expect(report("2x80GiB", device_error), "visible_cards", "failure", "has '5' as element 2");
    environment_ = {"CUDA_VISIBLE_DEVICES="};
    expect(report("2x80GiB", device_error), "visible_cards", "failure", "none of 2 cards is visible");
    EXPECT_EQ(run("2x80GiB", {"--devices", "cpu"}).exit_code, 0) << "where no card is asked for, none is missed";
}

TEST_F(DoctorCommand, NamesAFullCardAndWhoHoldsIt) {
    const Json full = report("80GiB,80GiB:used=81GB", 0);
    expect(full, "holders", "warning", "cuda:1 (Simulated 80GiB) has 4.5");
    const Json fuller = report("80GiB,80GiB:used=79.5GiB", device_error);
    expect(fuller, "holders", "failure", "cuda:1 (Simulated 80GiB) has 512.0 MiB of 80.00 GiB free");
    EXPECT_THAT(check(fuller, "holders")["found"], HasSubstr("pid 4000002"));
    EXPECT_THAT(check(fuller, "holders")["found"], HasSubstr("holds 79.50 GiB"));
    expect(fuller, "balance", "warning", "unequal free memory");
}

TEST_F(DoctorCommand, NamesALostCardAndExaminesTheRest) {
    environment_ = {"SIMCUDA_FAULTS=lose@1:nvmlDeviceGetUUID@0:1"};
    const Json lost = report("24GiB,24GiB,24GiB:used=12GiB", device_error);
    expect(lost, "lost_cards", "failure", "cuda:1 (Simulated 24GiB) does not answer, the other 2 do");
    EXPECT_EQ(check(lost, "lost_cards")["devices"], Json::array({"cuda:1"}));
    EXPECT_THAT(check(lost, "lost_cards")["remedy"],
                AllOf(HasSubstr("CUDA_VISIBLE_DEVICES=GPU-a"), HasSubstr("GPU-c")));
    expect(lost, "visible_cards", "ok", "3 of 3 cards visible");
    expect(lost, "holders", "warning", "cuda:2");
    EXPECT_EQ(check(lost, "fit")["result"], "no check") << "the other cards can be planned for";

    environment_ = {"SIMCUDA_FAULTS=lose@1:cudaGetDeviceProperties@0:1"};
    const Json nameless = report("24GiB,24GiB,24GiB", device_error);
    expect(nameless, "lost_cards", "failure", "cuda:1 (Simulated 24GiB) does not answer, the other 2 do");
    expect(nameless, "visible_cards", "ok", "3 of 3 cards visible");
}

TEST_F(DoctorCommand, NamesUnequalCards) {
    const Json unequal = report("80GiB,24GiB", 0);
    expect(unequal, "balance", "warning", "unequal cards: cuda:1 has 24.00 GiB free, cuda:0 80.00 GiB");
    EXPECT_EQ(check(unequal, "balance")["numbers"]["equal_shares_bytes"], 48ull << 30);
    EXPECT_EQ(check(unequal, "balance")["numbers"]["free_bytes"], 104ull << 30);
}

TEST_F(DoctorCommand, NamesACardThatFaissHasNoCodeFor) {
    const Json wrong = report("24GiB,24GiB:sm=3.5", device_error);
    expect(wrong, "device_code", "failure", "cuda:1 (Simulated 24GiB) has compute capability 3.5");
}

TEST_F(DoctorCommand, SaysThatThereIsNoDriver) {
    const Json none = report("nodriver", device_error);
    expect(none, "driver", "failure", "no NVIDIA driver");
    EXPECT_EQ(check(none, "visible_cards")["result"], "no check");
    const Json host = report("nodriver", 0, {"--devices", "cpu"});
    EXPECT_EQ(host["ok"], true);
    expect(host, "gpu_support", "ok");
}

TEST_F(DoctorCommand, ComparesTheDriverWithTheRuntime) {
    environment_ = {"SIMCUDA_DRIVER=418.39:cuda=10.1"};
    const Json old = report("24GiB", device_error);
    expect(old, "driver", "ok", "418.39, for CUDA up to 10.1");
    expect(old, "runtime", "failure", "the driver goes up to 10.1");
    expect(old, "visible_cards", "failure", "none of 1 card is visible");
    environment_ = {"SIMCUDA_DRIVER=999.1:cuda=99.9"};
    expect(report("24GiB", 0), "runtime", "ok", "99.9");
}

TEST_F(DoctorCommand, TellsOfTheHealthOfTheCards) {
    const Json sick =
        report("24GiB:ecc=3,24GiB:remap=pending:persistence=no,24GiB:retire=pending,24GiB:mig=pending", device_error);
    expect(sick, "memory_errors", "failure", "cuda:0 (Simulated 24GiB) has 3 uncorrected errors");
    expect(sick, "pending_repairs", "warning", "cuda:1");
    EXPECT_EQ(check(sick, "pending_repairs")["devices"], Json::array({"cuda:1", "cuda:2"}));
    expect(sick, "persistence", "warning", "off for cuda:1");
    expect(sick, "instances", "warning", "cuda:3");
    expect(report("24GiB:remap=failed", device_error), "pending_repairs", "failure", "could not be replaced");
    expect(report("24GiB:mig=yes", 0), "instances", "warning", "cut into instances");
    expect(report("24GiB:ecc=none", 0), "memory_errors", "ok", "no ECC");
}

TEST_F(DoctorCommand, ComparesOrdinalsWithPciOrder) {
    const std::string cards = "24GiB:pci=0000:09:00.0,24GiB:pci=0000:08:00.0";
    expect(report(cards, 0), "card_order", "warning", "cuda:0 is at 0000:09:00.0, cuda:1 at 0000:08:00.0");
    environment_ = {"CUDA_DEVICE_ORDER=PCI_BUS_ID"};
    expect(report(cards, 0), "card_order", "ok");
}

TEST_F(DoctorCommand, ComparesTheControlGroupWithTheIndex) {
    write("proc/self/cgroup", "0::/job\n");
    write("sys/fs/cgroup/job/memory.max", "17179869184\n");
    write("sys/fs/cgroup/job/memory.current", "4294967296\n");
    const Json small = report("80GiB", 0, {"--index", write_wiki_index()});
    expect(small, "control_group", "warning", "limited to 16.00 GiB, 12.00 GiB left, less than the index of 60.13 GiB");
    expect(small, "host_memory", "warning", "12.00 GiB");
    expect(small, "fit", "ok", "fits as stored on 1 of 1 device");
    expect(small, "holes", "warning", "of 60.13 GiB are stored");
}

TEST_F(DoctorCommand, SaysThatTheIndexDoesNotFit) {
    const std::string index = write_wiki_index();
    expect(report("24GiB", does_not_fit, {"--index", index}), "fit", "failure", "does not fit");
    environment_ = {"SIMCUDA_FAULTS=lose@0:nvmlDeviceGetUUID@1:1"};
    const Json rest = report("80GiB,80GiB", device_error, {"--index", index});
    expect(rest, "fit", "ok", "1 of 1 device");
    environment_.clear();
    expect(report("80GiB,80GiB:sm=3.5", device_error, {"--index", index}), "fit", "ok", "1 of 1 device");
}

}  // namespace
}  // namespace gpushard::test
