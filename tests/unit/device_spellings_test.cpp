#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/device_info.hpp>
#include <gpushard/error.hpp>
#include <gpushard/placement_planner.hpp>
#include <gpushard/report.hpp>

#include "device/card_files.hpp"
#include "device/card_name.hpp"
#include "device/device_name.hpp"
#include "device/edit_distance.hpp"
#include "device/unused_cards.hpp"
#include "support/errors.hpp"
#include "support/temp_dir.hpp"
#include "support/wiki_index.hpp"

/// Devices as people write them: what each spelling means, and what is said of those that mean nothing.
namespace gpushard {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// A machine of four cards of 80 GiB.
class FourCards : public DeviceInventory {
public:
    std::vector<DeviceInfo> cards() const override {
        std::vector<DeviceInfo> cards;
        for (int ordinal = 0; ordinal < 4; ++ordinal) {
            DeviceInfo card;
            card.spec = "cuda:" + std::to_string(ordinal);
            card.name = "A100 80 GB";
            card.uuid = "GPU-" + std::to_string(ordinal) + "aaa0000";
            card.pci = "00000000:0" + std::to_string(ordinal) + ":00.0";
            card.kind = DeviceKind::cuda;
            card.total_bytes = card.free_bytes = 80_GiB;
            cards.push_back(card);
        }
        return cards;
    }

    DeviceInfo host() const override {
        DeviceInfo host;
        host.spec = "cpu";
        host.total_bytes = host.free_bytes = 64_GiB;
        return host;
    }
};

/// The specs it stands for, as "3xT4-16GB cpu".
std::string meaning(const std::string& typed) {
    std::vector<std::pair<std::string, int>> runs;
    for (const DeviceInfo& device : resolve_devices(typed, FourCards())) {
        if (runs.empty() || runs.back().first != device.spec) runs.emplace_back(device.spec, 0);
        runs.back().second += 1;
    }
    std::string text;
    for (const auto& [spec, count] : runs) {
        text += (text.empty() ? "" : " ") + (count > 1 ? std::to_string(count) + "x" : "") + spec;
    }
    return text;
}

struct Spelling {
    const char* typed;
    const char* meaning;
};

constexpr const char* all_cards = "cuda:0 cuda:1 cuda:2 cuda:3";

const Spelling spellings[] = {
    // The cards of this machine.
    {"cuda", all_cards},
    {"CUDA", all_cards},
    {"gpu", all_cards},
    {"gpus", all_cards},
    {"GPU", all_cards},
    {"all", all_cards},
    {"cuda:all", all_cards},
    {"cuda:*", all_cards},
    {"gpu:all", all_cards},
    {"nvidia", all_cards},
    {"0,1,2,3", all_cards},
    {"0, 1, 2, 3", all_cards},
    {"[0, 1, 2, 3]", all_cards},
    {"['cuda:0', 'cuda:1']", "cuda:0 cuda:1"},
    {"0-3", all_cards},
    {"cuda:0-3", all_cards},
    {"cuda:0 - 3", all_cards},
    {"gpu:0-1", "cuda:0 cuda:1"},
    {"cuda:0,1", "cuda:0 cuda:1"},
    {"cuda:0,1,3", "cuda:0 cuda:1 cuda:3"},
    {"cuda:0,cuda:1", "cuda:0 cuda:1"},
    {"gpu:0,gpu:1", "cuda:0 cuda:1"},
    {"cuda:2-2", "cuda:2"},
    {"0", "cuda:0"},
    {"3", "cuda:3"},
    {"cuda0", "cuda:0"},
    {"cuda 1", "cuda:1"},
    {"gpu:2", "cuda:2"},
    {"gpu0", "cuda:0"},
    {"GPU 0", "cuda:0"},
    {"nvidia:1", "cuda:1"},
    {"nvidia0", "cuda:0"},
    {"GPU-2aaa", "cuda:2"},
    {"gpu-3", "cuda:3"},
    {"0000:01:00.0", "cuda:1"},
    {"cuda=24GiB", "cuda:0=24GiB cuda:1=24GiB cuda:2=24GiB cuda:3=24GiB"},
    {"gpu=24GiB", "cuda:0=24GiB cuda:1=24GiB cuda:2=24GiB cuda:3=24GiB"},
    {"0=24GiB", "cuda:0=24GiB"},
    {"0-1=24GiB", "cuda:0=24GiB cuda:1=24GiB"},
    {"cuda:0=24GiB*2", "2xcuda:0=24GiB"},
    {"2xcuda:0=24GiB", "2xcuda:0=24GiB"},
    {"cuda:0=24 GiB x 2", "2xcuda:0=24GiB"},
    {"0,1,cpu=32GiB", "cuda:0 cuda:1 cpu=32GiB"},
    // The host.
    {"cpu", "cpu"},
    {"CPU", "cpu"},
    {"host", "cpu"},
    {"ram", "cpu"},
    {"cpu:0", "cpu"},
    {"host=2GiB", "cpu=2GiB"},
    {"cpu=2GiB*4", "4xcpu=2GiB"},
    {"4xcpu=2GiB", "4xcpu=2GiB"},
    {"4 * cpu=2GiB", "4xcpu=2GiB"},
    {"cpu=2GiBx4", "4xcpu=2GiB"},
    {"any", all_cards},
    // Known cards.
    {"2*A100-40GB", "2xA100-40GB"},
    {"2xA100-40GB", "2xA100-40GB"},
    {"2XA100-40GB", "2xA100-40GB"},
    {"2×A100-40GB", "2xA100-40GB"},
    {"2 x A100 40GB", "2xA100-40GB"},
    {"A100-40GB*2", "2xA100-40GB"},
    {"A100-40GBx2", "2xA100-40GB"},
    {"A100-40GB x 2", "2xA100-40GB"},
    {"5xA800-80GB", "5xA800-80GB"},
    {"8 H100", "8xH100-80GB"},
    {"8x H100 80GB HBM3", "8xH100-80GB"},
    {"H100x8", "8xH100-80GB"},
    {"8×H200", "8xH200-141GB"},
    {"a100_40gb", "A100-40GB"},
    {"A100/40GB", "A100-40GB"},
    {"A100 (40GB)", "A100-40GB"},
    {"A100-40", "A100-40GB"},
    {"A100-40G", "A100-40GB"},
    {"A100 40GiB", "A100-40GB"},
    {"NVIDIA A100-SXM4-40GB", "A100-40GB"},
    {"NVIDIA A100 80GB PCIe", "A100-80GB"},
    {"NVIDIA H100 80GB HBM3", "H100-80GB"},
    {"H100 SXM5", "H100-80GB"},
    {"H100 NVL", "H100-NVL-94GB"},
    {"Tesla T4", "T4-16GB"},
    {"Tesla V100-SXM2-16GB", "V100-16GB"},
    {"Tesla P100-PCIE-16GB", "P100-16GB"},
    {"GeForce RTX 4090", "RTX-4090-24GB"},
    {"NVIDIA GeForce RTX 3090 Ti", "RTX-3090-Ti-24GB"},
    {"RTX4090", "RTX-4090-24GB"},
    {"rtx 4090", "RTX-4090-24GB"},
    {"4090", "RTX-4090-24GB"},
    {"2x4090", "2xRTX-4090-24GB"},
    {"3090 Ti", "RTX-3090-Ti-24GB"},
    {"RTX4090x2", "2xRTX-4090-24GB"},
    {"4x RTX 4090", "4xRTX-4090-24GB"},
    {"GTX 1080", "GTX-1080-8GB"},
    {"GTX1080Ti", "GTX-1080-Ti-11GB"},
    {"RTX A6000", "A6000-48GB"},
    {"NVIDIA RTX A5000", "A5000-24GB"},
    {"RTX 6000 Ada Generation", "RTX-6000-Ada-48GB"},
    {"6000 Ada", "RTX-6000-Ada-48GB"},
    {"RTX PRO 6000 Blackwell", "RTX-PRO-6000-96GB"},
    {"RTX PRO 6000 Blackwell Server Edition", "RTX-PRO-6000-96GB"},
    {"Quadro RTX 6000", "Quadro-RTX-6000-24GB"},
    {"RTX 5090", "RTX-5090-32GB"},
    {"RTX 5060 Ti 16GB", "RTX-5060-Ti-16GB"},
    {"RTX 4070 Ti SUPER", "RTX-4070-Ti-Super-16GB"},
    {"H20-96GB", "H20-96GB"},
    {"H800", "H800-80GB"},
    {"L20", "L20-48GB"},
    {"L40S", "L40S-48GB"},
    {"L40", "L40-48GB"},
    {"NVIDIA L4", "L4-24GB"},
    {"B200", "B200-180GB"},
    {"B300", "B300-288GB"},
    {"GH200 96GB", "GH200-96GB"},
    {"A10G", "A10G-24GB"},
    {"TITAN V", "TITAN-V-12GB"},
    {"A100-40GB=10GiB", "A100-40GB=10GiB"},
    {"2xA100-40GB=10GiB", "2xA100-40GB=10GiB"},
    // Cards of which only the memory is known.
    {"20GiB", "20GiB"},
    {"20 GiB", "20GiB"},
    {"4x24GiB", "4x24GiB"},
    {"4 x 24 GiB", "4x24GiB"},
    {"24GiB*4", "4x24GiB"},
    {"24GB", "24GB"},
    {"24G", "24G"},
    {"1.5TiB", "1.5TiB"},
    {"20GiB=10GiB", "20GiB=10GiB"},
    {"80GiB,3x24GiB,cpu=64GiB", "80GiB 3x24GiB cpu=64GiB"},
};

TEST(DeviceSpellings, MeanWhatPeopleMean) {
    for (const Spelling& spelling : spellings) {
        SCOPED_TRACE(spelling.typed);
        try {
            EXPECT_EQ(meaning(spelling.typed), spelling.meaning);
        } catch (const std::exception& error) {
            ADD_FAILURE() << error.what();
        }
    }
    EXPECT_GE(std::size(spellings), 80u);
}

struct Refusal {
    const char* typed;
    std::vector<std::string> parts;        ///< of the line
    std::vector<std::string> hints = {};   ///< of the hints, together
    std::vector<std::string> absent = {};  ///< of the line
};

const Refusal refusals[] = {
    // The nearest real thing.
    {"al", {"did you mean cuda:all?"}},
    {"cuda-all", {"did you mean cuda:all?"}},
    {"cuda_all", {"did you mean cuda:all?"}},
    {"cudaall", {"did you mean cuda:all?"}},
    {"cuda:", {"did you mean cuda:all?"}},
    {"cuda:al", {"did you mean cuda:all?"}},
    {"cudas", {"did you mean cuda:all?"}},
    {"cdua", {"did you mean cuda:all?"}},
    {"gup", {"did you mean cuda:all?"}},
    {"gpu-all", {"did you mean cuda:all?"}},
    {"nvida", {"did you mean cuda:all?"}},
    {"cpu:1", {"did you mean cpu?"}},
    {"cpus", {"did you mean cpu?"}},
    {"hots", {"did you mean cpu?"}},
    {"-1", {"did you mean cpu?"}},
    {"none", {"did you mean cpu?"}},
    {"auto", {"did you mean any?"}},
    {"cuda-0", {"did you mean cuda:0?"}},
    {"cuda_1", {"did you mean cuda:1?"}},
    {"cuda.1", {"did you mean cuda:1?"}},
    {"cuda:0 cuda:1", {"did you mean cuda:0,cuda:1?"}},
    {"cuda:0;cuda:1", {"did you mean cuda:0,cuda:1?"}},
    {"0 1 2", {"did you mean 0,1,2?"}},
    {"cuda 0 1", {"did you mean cuda:0,1?"}},
    {"0+1", {"did you mean 0,1?"}},
    {"cuda:0:24GiB", {"did you mean cuda:0=24GiB?"}},
    {"cuda:0@24GiB", {"did you mean cuda:0=24GiB?"}},
    {"cuda:1 (24GiB)", {"did you mean cuda:1=24GiB?"}},
    {"cpu:64GiB", {"did you mean cpu=64GiB?"}},
    {"RTX 4091", {"RTX-4090-24GB"}},
    {"A100-41GB", {"A100-40GB"}},
    {"H1000", {"H100-80GB"}},
    {"T5", {"T4-16GB"}},
    {"voodoo", {"expected cuda:all, cuda:N", "a size such as 24GiB"}, {"gpushard devices --known"}},
    {"cuda:x", {"is malformed, expected cuda:all, cuda:N"}},
    {"cuda:-1", {"is malformed"}},
    {"cuda:3-1", {"ends before it begins"}},
    // Several are meant.
    {"A100", {"could be any of A100-40GB, A100-80GB"}},
    {"4xA100", {"could be any of A100-40GB, A100-80GB"}},
    {"A800", {"A800-40GB", "A800-80GB"}},
    {"V100", {"V100-16GB", "V100-32GB"}, {}, {"V100S"}},
    {"GH200", {"GH200-96GB", "GH200-144GB"}},
    {"RTX 6000", {"Quadro-RTX-6000-24GB", "RTX-6000-Ada-48GB", "RTX-PRO-6000-96GB"}},
    {"5060 Ti", {"RTX-5060-Ti-8GB", "RTX-5060-Ti-16GB"}},
    // No CUDA cards.
    {"MI300X", {"a card of AMD, not a CUDA card"}, {"--devices 192GiB", "--devices cpu"}},
    {"8xMI300X", {"not a CUDA card"}, {"--devices 8x192GiB"}},
    {"AMD Instinct MI250X", {"not a CUDA card"}, {"--devices 128GiB"}},
    {"MI325X", {"not a CUDA card"}, {"--devices 256GiB"}},
    {"RX 7900 XTX", {"not a CUDA card"}, {"--devices 24GiB"}},
    {"rocm", {"not a CUDA card"}, {"--devices cpu"}},
    {"rocm:0", {"not a CUDA card"}},
    {"mps", {"Apple's graphics, not a CUDA card"}, {"--devices cpu"}},
    {"M2 Ultra", {"Apple"}},
    {"xpu", {"Intel, not a CUDA card"}},
    {"xpu:0", {"Intel, not a CUDA card"}},
    {"Gaudi3", {"Intel, not a CUDA card"}, {"--devices 128GiB"}},
    {"hpu", {"not a CUDA card"}},
    {"tpu", {"Google, not a CUDA card"}},
    {"TPU v5e", {"Google"}, {"--devices 16GiB"}},
    {"npu:0", {"Huawei, not a CUDA card"}},
    {"Ascend 910B", {"Huawei"}, {"--devices 64GiB"}},
    {"910B", {"Huawei"}},
    {"vulkan", {"not a CUDA card"}},
    {"Tesla K80", {"a generation that CUDA 12 does not run on"}, {"--devices cpu"}},
    {"Jetson Orin", {"memory is that of the host"}},
    {"1g.10gb", {"slice", "MIG"}, {"--devices 10GiB"}},
    // Sizes.
    {"500KiB", {"500.0 KiB", "at least 1.000 MiB"}},
    {"20GiB=24GiB", {"24.00 GiB", "at most the 20.00 GiB"}},
    {"0x24GiB", {"repeated '0' times"}},
    {"5000x24GiB", {"repeated '5000' times"}},
};

TEST(DeviceSpellings, AreRefusedWithTheNearestThatIsMeant) {
    for (const Refusal& refusal : refusals) {
        SCOPED_TRACE(refusal.typed);
        try {
            ADD_FAILURE() << "means " << meaning(refusal.typed);
        } catch (const InvalidArgument& error) {
            const std::string line = error.what();
            std::string hints;
            for (const std::string& hint : error.hints()) hints += hint + "\n";
            EXPECT_THAT(line, HasSubstr("'" + std::string(refusal.typed) + "'"));
            for (const std::string& part : refusal.parts) EXPECT_THAT(line, HasSubstr(part));
            for (const std::string& part : refusal.absent) EXPECT_THAT(line, Not(HasSubstr(part)));
            for (const std::string& part : refusal.hints) EXPECT_THAT(hints, HasSubstr(part));
        } catch (const std::exception& error) {
            ADD_FAILURE() << error.what();
        }
    }
}

TEST(DeviceSpellings, ThatNameCardsWhichAreNotThereSayWhichAre) {
    for (const char* typed : {"4", "cuda:4", "gpu:9", "2-5", "cuda:18446744073709551616", "GPU-9999", "17"}) {
        EXPECT_THAT(test::message_of<DeviceError>([&] { meaning(typed); }),
                    AllOf(HasSubstr("'" + std::string(typed) + "' is not there"), HasSubstr("cuda:0, cuda:1")));
    }
    try {
        meaning("24");
        FAIL();
    } catch (const DeviceError& error) {
        EXPECT_THAT(error.hints(), testing::ElementsAre(HasSubstr("--devices 24GiB")));
    }
}

/// A hint that names a device names one that is read.
TEST(DeviceSpellings, TheirHintsCanBePasted) {
    int pasted = 0;
    for (const Refusal& refusal : refusals) {
        try {
            meaning(refusal.typed);
        } catch (const InvalidArgument& error) {
            std::vector<std::string> offers;
            const std::string line = error.what();
            const std::string question = "did you mean ";
            if (const auto at = line.find(question); at != std::string::npos) {
                offers.push_back(line.substr(at + question.size(), line.size() - at - question.size() - 1));
            }
            const std::string flag = "--devices ";
            for (const std::string& hint : error.hints()) {
                if (const auto at = hint.find(flag); at != std::string::npos) {
                    offers.push_back(hint.substr(at + flag.size()));
                }
            }
            for (const std::string& offer : offers) {
                EXPECT_NO_THROW(meaning(offer)) << refusal.typed << ": " << offer;
                ++pasted;
            }
        }
    }
    EXPECT_GE(pasted, 50);
}

TEST(DeviceSpellings, TellWhetherCardsOfThisMachineAreWanted) {
    for (const char* typed : {"cuda", "gpu:0", "0,1", "cpu,0", "GPU-12", "0000:01:00.0", "all", "cuda:0=2GiB*2"}) {
        EXPECT_TRUE(names_cards_here(typed)) << typed;
    }
    for (const char* typed : {"cpu", "cpu:0", "any", "4xA100-40GB", "20GiB", "@rig:1.json", "host=2GiB", "cuda:x"}) {
        EXPECT_FALSE(names_cards_here(typed)) << typed;
    }
}

TEST(DeviceSpellings, EveryKnownCardIsReadAsItself) {
    for (const KnownCard& card : known_cards()) {
        std::string spaced = card.name;
        std::replace(spaced.begin(), spaced.end(), '-', ' ');
        std::string compact = card.name;
        compact.erase(std::remove(compact.begin(), compact.end(), '-'), compact.end());
        const std::string without_unit = card.name.substr(0, card.name.size() - 2);
        for (const std::string& typed :
             {card.name, spaced, compact, without_unit, "NVIDIA " + spaced, "3x" + card.name}) {
            EXPECT_THAT(meaning(typed), HasSubstr(card.name)) << typed;
        }
    }
}

TEST(CardsOfPlainMemory, AreCardsWithoutASpeed) {
    const std::vector<DeviceInfo> cards = resolve_devices("2x20GiB", FourCards());
    ASSERT_EQ(cards.size(), 2u);
    EXPECT_EQ(cards[0].kind, DeviceKind::cuda);
    EXPECT_EQ(cards[0].total_bytes, 20_GiB);
    EXPECT_EQ(cards[0].free_bytes, 20_GiB);
    EXPECT_EQ(cards[0].context_bytes, assumed_context_bytes);
    EXPECT_EQ(cards[0].bytes_per_second, 0);
    EXPECT_TRUE(cards[0].planning_only);
    EXPECT_EQ(resolve_devices("24GB", FourCards())[0].total_bytes, 24_GB);
    EXPECT_THAT(to_text(cards), AllOf(HasSubstr("20GiB"), HasSubstr("unknown")));

    const PlacementPlan plan = plan_placement(test::wiki_index(), resolve_devices("A100-80GB,20GiB", FourCards()));
    EXPECT_THAT(to_text(plan), HasSubstr("the bandwidth of 20GiB is not known"));
    const PlacementPlan known = plan_placement(test::wiki_index(), resolve_devices("A100-80GB", FourCards()));
    EXPECT_THAT(to_text(known), Not(HasSubstr("is not known")));
}

TEST(EditDistance, CountsLettersAndSwaps) {
    EXPECT_EQ(edit_distance("", ""), 0u);
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("gpu", "gpu"), 0u);
    EXPECT_EQ(edit_distance("gpu", "gpus"), 1u);
    EXPECT_EQ(edit_distance("gup", "gpu"), 1u);
    EXPECT_EQ(edit_distance("cdua", "cuda"), 1u);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

/// A fabricated machine under a folder.
class UnusedCards : public testing::Test {
protected:
    void write(const std::string& name, const std::string& text) {
        std::filesystem::create_directories((root_ / name).parent_path());
        std::ofstream(root_ / name) << text;
    }

    std::string found() const { return unused_cards(read_card_files(root_.path())); }

    test::TempDir root_;
};

TEST_F(UnusedCards, AreNoneWhereThereIsNoSignOfThem) {
    EXPECT_EQ(found(), "");
    write("proc/driver/other/version", "1");
    write("dev/null", "");
    EXPECT_EQ(found(), "");
}

TEST_F(UnusedCards, AreNamedWithTheirDriver) {
    write("dev/nvidia0", "");
    EXPECT_EQ(found(), "this machine has device files of the NVIDIA driver");
    write("proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 2024\n");
    EXPECT_EQ(found(), "this machine has the NVIDIA driver 550.54.15");
    for (const char* card : {"0000:01:00.0", "0000:02:00.0"}) {
        write(std::string("proc/driver/nvidia/gpus/") + card + "/information",
              "Model: \t\t NVIDIA A100-SXM4-80GB\nIRQ:   \t\t 171\n");
    }
    EXPECT_EQ(found(), "this machine has 2 NVIDIA cards (NVIDIA A100-SXM4-80GB) and the NVIDIA driver 550.54.15");
    write("proc/driver/nvidia/gpus/0000:03:00.0/information", "Model:  Tesla T4\n");
    EXPECT_THAT(found(), HasSubstr("3 NVIDIA cards (NVIDIA A100-SXM4-80GB, Tesla T4)"));
}

TEST_F(UnusedCards, AreCountedOnTheBus) {
    write("sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n");
    write("sys/bus/pci/devices/0000:01:00.0/class", "0x030200\n");
    EXPECT_EQ(found(), "this machine has 1 NVIDIA card");
}

}  // namespace
}  // namespace gpushard
