#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <gpushard/report.hpp>

#include "doctor/checks.hpp"
#include "support/wiki_index.hpp"

namespace gpushard::doctor {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

CardFacts card(int ordinal, Bytes total, Bytes free) {
    CardFacts card;
    card.visible = true;
    card.driver_index = ordinal;
    card.info.kind = DeviceKind::cuda;
    card.info.spec = "cuda:" + std::to_string(ordinal);
    card.info.name = "Card " + std::to_string(ordinal);
    card.info.uuid = "GPU-" + std::to_string(ordinal);
    card.info.pci = "0000:0" + std::to_string(ordinal + 1) + ":00.0";
    card.info.compute_capability = "8.0";
    card.info.total_bytes = total;
    card.info.free_bytes = free;
    card.info.context_bytes = assumed_context_bytes;
    card.info.bytes_per_second = 1e12;
    card.health = {.mig = false,
                   .mig_pending = false,
                   .persistence = true,
                   .ecc = true,
                   .uncorrected_errors = 0,
                   .remapped_rows = 0,
                   .remap_pending = false,
                   .remap_failed = false,
                   .retired_pages = 0,
                   .retirement_pending = false};
    return card;
}

DeviceCode machine_code(int major, int minor) {
    DeviceCode code;
    code.architecture = {major, minor};
    return code;
}

/// Two idle cards on a machine where all is well.
MachineFacts healthy() {
    MachineFacts facts;
    facts.faiss_version = "1.14.3";
    facts.faiss_options = "OPTIMIZE AVX2 GPU";
    facts.gpu.compiled_in = true;
    facts.gpu.management_library = true;
    facts.gpu.driver_name = "550.54.15";
    facts.gpu.machine.driver_library_loads = true;
    facts.gpu.machine.driver_version = 12040;
    facts.gpu.machine.runtime_version = 12040;
    facts.gpu.machine.cards = {"GPU-0", "GPU-1"};
    facts.gpu.machine.cards_on_pci_bus = 2;
    facts.gpu.machine.open_device_files = 4;
    facts.gpu.faiss_code = {machine_code(8, 0)};
    facts.gpu.cards = {card(0, 80_GiB, 80_GiB), card(1, 80_GiB, 80_GiB)};
    facts.host.memory.total = 256_GiB;
    facts.host.memory.available = 200_GiB;
    facts.host.overcommit_mode = 0;
    facts.host.processors = facts.host.usable_processors = facts.host.openmp_threads = 16;
    facts.host.blas = {BlasKind::openblas, "/usr/lib/openblas-openmp/libblas.so.3", BlasFacts::Threads::openmp};
    facts.cards_wanted = true;
    for (const CardFacts& each : facts.gpu.cards) facts.devices.push_back(each.info);
    return facts;
}

/// The same with FlashRAG's wiki index, which two cards of 80 GiB hold.
MachineFacts with_index() {
    MachineFacts facts = healthy();
    IndexFacts index;
    index.profile = test::wiki_index();
    index.bytes = index.stored_bytes = index.profile.bytes;
    index.file_system = "xfs";
    index.place = IndexFacts::Place::local;
    index.cached = 0.25;
    facts.index = index;
    return facts;
}

/// All that an answer says; empty where there is nothing to check.
std::string text_of(const Answer& answer) {
    return answer ? answer->found + " | " + answer->why + " | " + answer->remedy : "";
}

void expect(const Answer& answer, CheckResult result, const std::string& part) {
    ASSERT_TRUE(answer.has_value()) << part;
    EXPECT_EQ(answer->result, result) << text_of(answer);
    EXPECT_THAT(text_of(answer), HasSubstr(part));
    EXPECT_EQ(answer->remedy.empty(), result == CheckResult::ok) << text_of(answer);
    EXPECT_EQ(answer->why.empty(), result == CheckResult::ok) << text_of(answer);
}

TEST(Doctor, FindsNothingOnAHealthyMachine) {
    const DoctorReport report = run_checks(with_index());
    for (const CheckOutcome& check : report.checks) {
        EXPECT_EQ(check.result, CheckResult::ok) << check.id << ": " << check.found << " " << check.why;
        EXPECT_NE(check.id, "");
        EXPECT_NE(check.group, "");
    }
    EXPECT_EQ(report.checks.size(), 29u) << "every check has something to check";
    EXPECT_TRUE(report.ok());
    EXPECT_FALSE(report.gravest().has_value());
}

TEST(Doctor, ChecksOnlyWhatThereIs) {
    MachineFacts facts;
    facts.host = healthy().host;
    const DoctorReport report = run_checks(facts);
    for (const CheckOutcome& check : report.checks) {
        EXPECT_TRUE(check.group == "host" || check.id == "gpu_support" || check.id == "faiss") << check.id;
    }
    EXPECT_TRUE(report.ok());
}

TEST(Doctor, TellsTheGravestFailure) {
    MachineFacts facts = with_index();
    facts.index->problem = "wiki.index: no such file";
    EXPECT_EQ(run_checks(facts).gravest(), ErrorKind::bad_file);
    facts.gpu.cards[1].failure = "cudaMemGetInfo failed";
    EXPECT_EQ(run_checks(facts).gravest(), ErrorKind::device);
}

TEST(VersionChecks, GpuSupport) {
    MachineFacts facts = healthy();
    facts.gpu.compiled_in = false;
    expect(check_gpu_support(facts), CheckResult::failure, "has 2 cards");
    facts.cards_wanted = false;
    expect(check_gpu_support(facts), CheckResult::warning, "GPUSHARD_CUDA");
    facts.gpu = {};
    expect(check_gpu_support(facts), CheckResult::ok, "on the host");
}

TEST(VersionChecks, Driver) {
    MachineFacts facts = healthy();
    expect(check_driver(facts), CheckResult::ok, "550.54.15, for CUDA up to 12.4");
    facts.gpu.management_library = false;
    expect(check_driver(facts), CheckResult::warning, "libnvidia-ml.so.1");
    facts.gpu.machine.driver_library_loads = false;
    facts.gpu.machine.driver_version = 0;
    expect(check_driver(facts), CheckResult::failure, "no NVIDIA driver");
    facts.cards_wanted = false;
    expect(check_driver(facts), CheckResult::warning, "no NVIDIA driver");
    facts.gpu.cards.clear();
    facts.gpu.machine.cards_on_pci_bus = 0;
    EXPECT_FALSE(check_driver(facts).has_value());
}

TEST(VersionChecks, RuntimeAgainstDriver) {
    MachineFacts facts = healthy();
    const auto with_driver = [&](int version) {
        facts.gpu.machine.driver_version = version;
        return check_runtime(facts);
    };
    expect(with_driver(12040), CheckResult::ok, "12.4");
    expect(with_driver(13000), CheckResult::ok, "13.0");
    expect(with_driver(12020), CheckResult::warning, "PTX");
    expect(with_driver(11080), CheckResult::failure, "older than the runtime");
}

TEST(VersionChecks, FaissOnRealAndSimulatedCards) {
    MachineFacts facts = healthy();
    expect(check_faiss(facts), CheckResult::ok, "1.14.3, compiled with OPTIMIZE AVX2 GPU");
    facts.gpu.faiss_risk = "not safe";
    expect(check_faiss(facts), CheckResult::failure, "not safe");
    facts.gpu.risk_allowed = true;
    expect(check_faiss(facts), CheckResult::warning, "1.14.3");
    facts.gpu.risk_allowed = false;
    facts.gpu.simulated = true;
    expect(check_faiss(facts), CheckResult::warning, "not safe");
}

TEST(VersionChecks, PagingIsOffWithCuvs) {
    MachineFacts facts = healthy();
    expect(check_paging(facts), CheckResult::ok, "pages");
    facts.faiss_options = "OPTIMIZE AVX2 GPU NVIDIA_CUVS";
    expect(check_paging(facts), CheckResult::warning, "use_cuvs = false");
    facts.faiss_options = "OPTIMIZE GENERIC";
    expect(check_paging(facts), CheckResult::unknown, "does not say");
    facts.faiss_version = "1.7.3";
    expect(check_paging(facts), CheckResult::ok, "before cuVS");
}

TEST(CardChecks, HiddenCards) {
    MachineFacts facts = healthy();
    facts.gpu.cards[1].visible = false;
    facts.gpu.cards[1].info.spec.clear();
    facts.gpu.machine.visible_devices = "0";
    const Answer hidden = check_visible_cards(facts);
    expect(hidden, CheckResult::warning, "1 of 2 cards visible; hidden: GPU 1 at 0000:02:00.0 (Card 1)");
    EXPECT_THAT(hidden->why, HasSubstr("CUDA_VISIBLE_DEVICES=0 does not name them"));
    EXPECT_THAT(hidden->devices, ElementsAre("GPU 1 at 0000:02:00.0"));
    facts.gpu.machine.visible_devices = "0,7,1";
    expect(check_visible_cards(facts), CheckResult::failure, "has '7' as element 2");
    facts.gpu.machine.visible_devices.reset();
    facts.gpu.machine.container = "Docker";
    expect(check_visible_cards(facts), CheckResult::warning, "container (Docker)");
}

TEST(CardChecks, NoVisibleCard) {
    MachineFacts facts = healthy();
    for (CardFacts& each : facts.gpu.cards) each.visible = false;
    facts.gpu.machine.visible_devices = "";
    facts.gpu.machine.runtime_error = "cudaErrorNoDevice";
    expect(check_visible_cards(facts), CheckResult::failure,
           "none of 2 cards is visible: CUDA_VISIBLE_DEVICES is empty");
    facts.cards_wanted = false;
    expect(check_visible_cards(facts), CheckResult::warning, "unset CUDA_VISIBLE_DEVICES");
}

TEST(CardChecks, CardsThatTheDriverDoesNotKnow) {
    MachineFacts facts = healthy();
    facts.gpu.machine.cards_on_pci_bus = 8;
    expect(check_visible_cards(facts), CheckResult::warning, "6 further cards on the PCI bus");
}

TEST(CardChecks, DeviceFiles) {
    MachineFacts facts = healthy();
    facts.gpu.machine.closed_device_files = {"/dev/nvidia0", "/dev/nvidiactl"};
    expect(check_device_files(facts), CheckResult::failure, "/dev/nvidia0, /dev/nvidiactl");
}

TEST(CardChecks, LostCardIsNamedAndTheRestAreStillChecked) {
    MachineFacts facts = healthy();
    facts.gpu.cards[0].failure = "cuda:0: cudaGetDeviceProperties failed, cudaErrorLaunchFailure";
    const Answer lost = check_lost_cards(facts);
    expect(lost, CheckResult::failure, "cuda:0 (Card 0) does not answer, the other 1 does");
    EXPECT_THAT(lost->why, HasSubstr("cudaErrorLaunchFailure"));
    EXPECT_THAT(lost->remedy, HasSubstr("CUDA_VISIBLE_DEVICES=GPU-1"));
    EXPECT_THAT(lost->devices, ElementsAre("cuda:0"));
    facts.gpu.cards[1].info.free_bytes = 1_MiB;
    expect(check_holders(facts), CheckResult::failure, "cuda:1");
}

TEST(CardChecks, DeviceCode) {
    MachineFacts facts = healthy();
    facts.gpu.cards[1].info.compute_capability = "12.0";
    const Answer without = check_device_code(facts);
    expect(without, CheckResult::failure, "cuda:1 (Card 1) has compute capability 12.0; this Faiss has code for sm_80");
    EXPECT_THAT(without->devices, ElementsAre("cuda:1"));
    EXPECT_TRUE(has_no_code(facts.gpu, facts.gpu.cards[1]));
    EXPECT_FALSE(has_no_code(facts.gpu, facts.gpu.cards[0]));
    DeviceCode ptx = machine_code(8, 0);
    ptx.kind = DeviceCode::Kind::ptx;
    facts.gpu.faiss_code.push_back(ptx);
    EXPECT_FALSE(has_no_code(facts.gpu, facts.gpu.cards[1]));
    expect(check_device_code(facts), CheckResult::warning, "only PTX for cuda:1");
    facts.gpu.faiss_code.clear();
    expect(check_device_code(facts), CheckResult::unknown, "stripped");
}

TEST(CardChecks, CardOrder) {
    MachineFacts facts = healthy();
    std::swap(facts.gpu.cards[0].info.pci, facts.gpu.cards[1].info.pci);
    expect(check_card_order(facts), CheckResult::warning, "CUDA_DEVICE_ORDER=PCI_BUS_ID");
    EXPECT_THAT(check_card_order(facts)->found, HasSubstr("cuda:0 is at 0000:02:00.0, cuda:1 at 0000:01:00.0"));
    facts.gpu.cards.pop_back();
    EXPECT_FALSE(check_card_order(facts).has_value());
}

TEST(CardChecks, HealthOfTheMemory) {
    MachineFacts facts = healthy();
    CardHealth& health = facts.gpu.cards[1].health;
    health.mig = true;
    expect(check_instances(facts), CheckResult::warning, "cuda:1 (Card 1) is cut");
    health.mig_pending = true;
    expect(check_instances(facts), CheckResult::warning, "next reset");
    health.uncorrected_errors = 3;
    expect(check_memory_errors(facts), CheckResult::failure, "cuda:1 (Card 1) has 3 uncorrected errors");
    health.uncorrected_errors = 0;
    health.ecc = false;
    expect(check_memory_errors(facts), CheckResult::ok, "ECC is off on cuda:1");
    health.remap_pending = true;
    expect(check_pending_repairs(facts), CheckResult::warning, "waits for a reset");
    health.remap_pending = false;
    health.retirement_pending = true;
    expect(check_pending_repairs(facts), CheckResult::warning, "waits for a reset");
    health.remap_failed = true;
    expect(check_pending_repairs(facts), CheckResult::failure, "replace the card");
    health.persistence = false;
    expect(check_persistence(facts), CheckResult::warning, "off for cuda:1");
}

TEST(CardChecks, HealthIsUnknownWithoutTheManagementLibrary) {
    MachineFacts facts = healthy();
    facts.gpu.management_library = false;
    for (const auto check : {check_instances, check_memory_errors, check_pending_repairs, check_persistence}) {
        expect(check(facts), CheckResult::unknown, "libnvidia-ml.so.1");
    }
}

TEST(CardChecks, WhoHoldsACard) {
    MachineFacts facts = healthy();
    DeviceInfo& info = facts.gpu.cards[1].info;
    info.free_bytes = 20_GiB;
    info.holders = {{.pid = 4711, .name = "python", .bytes = 60_GiB}};
    const Answer shared = check_holders(facts);
    expect(shared, CheckResult::warning, "cuda:1 (Card 1) has 20.00 GiB of 80.00 GiB free");
    EXPECT_THAT(shared->found, AllOf(HasSubstr("python (pid 4711)"), HasSubstr("holds 60.00 GiB")));
    // A context of 512 MiB and a reserve of 256 MiB.
    info.free_bytes = 768_MiB - 1;
    expect(check_holders(facts), CheckResult::failure, "a full card");
    info.free_bytes = 768_MiB;
    expect(check_holders(facts), CheckResult::warning, "cuda:1");
}

TEST(CardChecks, BalanceSaysWhatEqualSharesLose) {
    MachineFacts facts = healthy();
    expect(check_balance(facts), CheckResult::ok, "160.0 GiB free on 2 cards");
    facts.gpu.cards[1] = card(1, 24_GiB, 24_GiB);
    const Answer unequal = check_balance(facts);
    expect(unequal, CheckResult::warning, "unequal cards: cuda:1 has 24.00 GiB free, cuda:0 80.00 GiB");
    EXPECT_THAT(unequal->why, HasSubstr("48.00 GiB of 104.0 GiB"));
    facts.gpu.cards[1] = card(1, 80_GiB, 10_GiB);
    expect(check_balance(facts), CheckResult::warning, "unequal free memory");
}

TEST(HostChecks, MemoryAgainstTheIndex) {
    MachineFacts facts = with_index();
    facts.host.memory.available = 32_GiB;
    expect(check_host_memory(facts), CheckResult::warning, "less than the index of 60.13 GiB");
    facts.host.memory.available = 100_MiB;
    expect(check_host_memory(facts), CheckResult::failure, "--staging");
    facts.host.memory = {};
    facts.host.memory.problem = "/proc/meminfo cannot be read: Too many open files";
    facts.host.memory.remedy = "ulimit -n 1024";
    const Answer nothing = check_host_memory(facts);
    expect(nothing, CheckResult::unknown, "how much there is");
    EXPECT_THAT(nothing->why, HasSubstr("Too many open files"));
    EXPECT_THAT(nothing->remedy, HasSubstr("ulimit -n 1024"));
    expect(check_control_group(facts), CheckResult::unknown, "what limits it");
}

TEST(HostChecks, ControlGroupSmallerThanTheIndex) {
    MachineFacts facts = with_index();
    facts.host.memory.group_limit = 64_GiB;
    facts.host.memory.group_left = 62_GiB;
    expect(check_control_group(facts), CheckResult::ok, "limited to 64.00 GiB, 62.00 GiB left");
    facts.host.memory.group_left = 60_GiB;
    expect(check_control_group(facts), CheckResult::warning, "less than the index of 60.13 GiB");
    facts.index.reset();
    expect(check_control_group(facts), CheckResult::ok, "60.00 GiB left");
}

TEST(HostChecks, Limits) {
    MachineFacts facts = healthy();
    facts.host.overcommit_mode = 2;
    facts.host.commit_limit = 10_GiB;
    facts.host.committed = 4_GiB;
    expect(check_overcommit(facts), CheckResult::warning, "6.000 GiB may still be promised");
    facts.host.overcommit_mode.reset();
    expect(check_overcommit(facts), CheckResult::unknown, "/proc");
    facts.host.locked_limit = 4_KiB;
    expect(check_locked_memory(facts), CheckResult::warning, "memlock=-1");
    facts.host.locked_limit = 8_MiB;
    expect(check_locked_memory(facts), CheckResult::ok, "8.000 MiB");
    facts.host.address_limit = 64_GiB;
    expect(check_address_space(facts), CheckResult::warning, "ulimit -v unlimited");
    facts.gpu.cards.clear();
    expect(check_address_space(facts), CheckResult::ok, "64.00 GiB");
}

TEST(HostChecks, ThreadsAgainstProcessors) {
    MachineFacts facts = healthy();
    HostFacts& host = facts.host;
    host.usable_processors = 4;
    expect(check_processors(facts), CheckResult::warning, "OMP_NUM_THREADS=4");
    host.openmp_threads = 4;
    expect(check_processors(facts), CheckResult::ok, "4 OpenMP threads for 4 of 16 processors");
    host.processor_quota = 1.5;
    expect(check_processors(facts), CheckResult::warning, "grants 1.5");
    expect(check_waiting(facts), CheckResult::warning, "OMP_WAIT_POLICY=passive");
    host.omp_wait_policy = "PASSIVE";
    expect(check_waiting(facts), CheckResult::ok, "sleep");
    host.processor_quota.reset();
    host.openmp_threads = 1;
    host.omp_num_threads = "1";
    expect(check_processors(facts), CheckResult::warning, "idle");
    host.omp_wait_policy = "active";
    expect(check_waiting(facts), CheckResult::warning, "spinning");
}

TEST(HostChecks, Blas) {
    MachineFacts facts = healthy();
    expect(check_blas(facts), CheckResult::ok, "OpenMP threads");
    facts.host.blas.threads = BlasFacts::Threads::own;
    expect(check_blas(facts), CheckResult::warning, "libopenblas0-openmp");
    facts.host.blas.kind = BlasKind::reference;
    expect(check_blas(facts), CheckResult::warning, "14 times slower");
    facts.host.blas.kind = BlasKind::mkl;
    expect(check_blas(facts), CheckResult::ok, "MKL");
    facts.host.blas = {};
    expect(check_blas(facts), CheckResult::unknown, "sgemm");
}

TEST(IndexChecks, File) {
    MachineFacts facts = with_index();
    facts.index->problem = "wiki.index: no such file";
    expect(check_index_file(facts), CheckResult::failure, "no such file");
    EXPECT_FALSE(check_file_system(facts).has_value());
    EXPECT_FALSE(check_fit(facts).has_value());
}

TEST(IndexChecks, FileSystemAndCache) {
    MachineFacts facts = with_index();
    IndexFacts& index = *facts.index;
    expect(check_file_system(facts), CheckResult::ok, "on xfs");
    index.place = IndexFacts::Place::network;
    expect(check_file_system(facts), CheckResult::warning, "over a network");
    index.place = IndexFacts::Place::memory;
    expect(check_file_system(facts), CheckResult::warning, "host memory");
    index.place = IndexFacts::Place::unknown;
    expect(check_file_system(facts), CheckResult::unknown, "xfs");
    expect(check_page_cache(facts), CheckResult::ok, "25 %");
    index.cached.reset();
    expect(check_page_cache(facts), CheckResult::unknown, "owner");
    index.stored_bytes = index.bytes / 2;
    expect(check_holes(facts), CheckResult::warning, "30.06 GiB of 60.13 GiB are stored");
}

TEST(IndexChecks, Fit) {
    MachineFacts facts = with_index();
    expect(check_fit(facts), CheckResult::ok, "on 2 of 2 devices");
    facts.devices = {card(0, 40_GiB, 40_GiB).info};
    const Answer refused = check_fit(facts);
    expect(refused, CheckResult::failure, "does not fit");
    EXPECT_EQ(refused->kind, ErrorKind::insufficient_memory);
    EXPECT_THAT(refused->remedy, HasSubstr("--precision f16"));
    facts.devices_problem = "card cuda:7 is not there";
    expect(check_fit(facts), CheckResult::failure, "cuda:7");
}

TEST(DoctorReportText, IsALineACheckAndARemedyBelowThoseThatNeedOne) {
    MachineFacts facts = healthy();
    facts.gpu.cards[1].failure = "lost";
    const DoctorReport report = run_checks(facts);
    const std::string text = to_text(report);
    EXPECT_THAT(text, AllOf(HasSubstr("versions\n  ok       gpu support"), HasSubstr("\ncards\n"),
                            HasSubstr("  failure  lost cards "), HasSubstr("try: see dmesg"),
                            HasSubstr(", 1 failure\n"), Not(HasSubstr("\nindex\n"))));
    const auto json = nlohmann::json::parse(to_json(report));
    EXPECT_EQ(json["ok"], false);
    EXPECT_EQ(json["failures"], 1);
    EXPECT_EQ(json["warnings"], 0);
    for (const auto& check : json["checks"]) {
        if (check["id"] != "lost_cards") continue;
        EXPECT_EQ(check["result"], "failure");
        EXPECT_EQ(check["group"], "cards");
        EXPECT_EQ(check["devices"], nlohmann::json::array({"cuda:1"}));
        EXPECT_EQ(check["numbers"]["lost"], 1);
        EXPECT_EQ(check["why"], "lost");
    }
    EXPECT_THAT(to_text(run_checks(with_index())), HasSubstr("all ok"));
}

}  // namespace
}  // namespace gpushard::doctor
