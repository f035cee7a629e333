#include "device/no_cards.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpushard {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

const std::vector<std::string> four_cards = {"GPU-aaaa1111-0000-0000-0000-000000000000",
                                             "GPU-aaaa2222-0000-0000-0000-000000000000",
                                             "GPU-bbbb3333-0000-0000-0000-000000000000", "GPU-cccc4444-0000-0000"};

/// A machine with four cards, all of whose parts are in order.
NoCardFacts working_machine() {
    NoCardFacts facts;
    facts.runtime_error = "cudaErrorNoDevice: no CUDA-capable device is detected";
    facts.driver_version = 13000;
    facts.runtime_version = 13000;
    facts.driver_library_loads = true;
    facts.kernel_module_version = "580.65";
    facts.cards_on_pci_bus = 4;
    facts.open_device_files = 6;
    facts.cards = four_cards;
    return facts;
}

std::string visible(const char* value) {
    NoCardFacts facts = working_machine();
    facts.visible_devices = value;
    return explain_no_cards(facts).what;
}

TEST(NoCards, NoDriverAndNoCard) {
    NoCardFacts facts;
    facts.driver_is_too_old = true;
    facts.runtime_version = 13000;
    const NoCardReason reason = explain_no_cards(facts);
    EXPECT_EQ(reason.what, "no NVIDIA driver (libcuda.so.1 is not there) and no NVIDIA card on the PCI bus");
    EXPECT_THAT(reason.hints, Contains(HasSubstr("--devices cpu")));
}

TEST(NoCards, NoDriverForTheCardsThereAre) {
    NoCardFacts facts;
    facts.cards_on_pci_bus = 2;
    EXPECT_THAT(explain_no_cards(facts).what, AllOf(HasSubstr("no NVIDIA driver"), HasSubstr("2 NVIDIA cards are on")));
    EXPECT_THAT(explain_no_cards(facts).hints.front(), HasSubstr("install the NVIDIA driver"));
    facts.cards_on_pci_bus = 1;
    EXPECT_THAT(explain_no_cards(facts).what, HasSubstr("1 NVIDIA card is on"));
}

TEST(NoCards, AContainerStartedWithoutThem) {
    NoCardFacts facts;
    facts.container = "Docker";
    facts.kernel_module_version = "550.54.15";
    facts.cards_on_pci_bus = 2;
    EXPECT_THAT(explain_no_cards(facts).what,
                AllOf(HasSubstr("container (Docker) was started without its cards"), HasSubstr("550.54.15")));
    EXPECT_THAT(explain_no_cards(facts).hints.front(), HasSubstr("--gpus all"));
    facts.kernel_module_version.clear();
    EXPECT_THAT(explain_no_cards(facts).what, HasSubstr("its machine has 2 NVIDIA cards"));

    NoCardFacts with_library = working_machine();
    with_library.container = "Podman";
    with_library.open_device_files = 0;
    EXPECT_THAT(explain_no_cards(with_library).what, HasSubstr("container (Podman) was started without its cards"));

    facts.cards_on_pci_bus = 0;
    EXPECT_THAT(explain_no_cards(facts).what, HasSubstr("no NVIDIA card on the PCI bus"))
        << "a container on a machine without cards";
}

TEST(NoCards, ADriverOlderThanTheRuntime) {
    NoCardFacts facts = working_machine();
    facts.driver_is_too_old = true;
    facts.driver_version = 12040;
    EXPECT_EQ(explain_no_cards(facts).what,
              "the NVIDIA driver is older than the CUDA runtime: driver 12.4, runtime 13.0");
    EXPECT_THAT(explain_no_cards(facts).hints.front(), HasSubstr("at most 12.4"));
}

TEST(NoCards, NoPermission) {
    NoCardFacts facts = working_machine();
    facts.closed_device_files = {"/dev/nvidia0", "/dev/nvidiactl"};
    EXPECT_EQ(explain_no_cards(facts).what, "no permission to open /dev/nvidia0, /dev/nvidiactl");
    EXPECT_THAT(explain_no_cards(facts).hints.front(), HasSubstr("group"));
}

TEST(NoCards, AKernelModuleThatIsNotLoaded) {
    NoCardFacts facts = working_machine();
    facts.open_device_files = 0;
    EXPECT_THAT(explain_no_cards(facts).what, HasSubstr("kernel module is not loaded"));
}

TEST(NoCards, WhatNothingExplainsIsToldInTheRuntimesWords) {
    const NoCardFacts facts = working_machine();
    EXPECT_THAT(explain_no_cards(facts).what, HasSubstr(facts.runtime_error));
}

TEST(NoCards, VisibleDevicesThatHideThem) {
    EXPECT_EQ(visible(""), "CUDA_VISIBLE_DEVICES is empty, so it hides every card (this machine has 4 cards)");
    EXPECT_EQ(visible(" "), visible(""));
    EXPECT_EQ(visible("7"), "CUDA_VISIBLE_DEVICES=7 names no card of this machine (it has 4)");
    EXPECT_EQ(visible("99999999999999999999"),
              "CUDA_VISIBLE_DEVICES=99999999999999999999 names no card of this "
              "machine");
    EXPECT_THAT(visible("-1"), HasSubstr("CUDA_VISIBLE_DEVICES=-1 ends the list of visible cards"));
    EXPECT_THAT(visible("none"), HasSubstr("CUDA_VISIBLE_DEVICES=none is neither a number nor a UUID"));
    EXPECT_THAT(visible("NoDevFiles"), HasSubstr("is neither a number nor a UUID"));
    EXPECT_THAT(visible("0,0"), HasSubstr("CUDA_VISIBLE_DEVICES=0,0 names 0 more than once"));
    EXPECT_EQ(visible("GPU-dddd"), "CUDA_VISIBLE_DEVICES=GPU-dddd names no card of this machine (it has 4)");
    EXPECT_EQ(visible("GPU-aaaa"), "CUDA_VISIBLE_DEVICES=GPU-aaaa could be any of 2 cards of this machine");
    EXPECT_THAT(visible("MIG-1234"), AllOf(HasSubstr("CUDA_VISIBLE_DEVICES=MIG-1234 names no card that CUDA shows"),
                                           HasSubstr("cudaErrorNoDevice")));
    EXPECT_THAT(visible("7,0"), HasSubstr("element 1, which names no card"));
}

TEST(NoCards, WithoutTheManagementLibraryNoCountIsClaimed) {
    NoCardFacts facts = working_machine();
    facts.cards.reset();
    facts.visible_devices = "7";
    EXPECT_EQ(explain_no_cards(facts).what,
              "CUDA_VISIBLE_DEVICES=7 names no card that CUDA shows (cudaErrorNoDevice: no CUDA-capable device is "
              "detected)");
    facts.visible_devices = "";
    EXPECT_EQ(explain_no_cards(facts).what, "CUDA_VISIBLE_DEVICES is empty, so it hides every card");
}

TEST(NoCards, VisibleDevicesArePartOfTheReasonOnlyWhereTheyAreOne) {
    NoCardFacts facts = working_machine();
    facts.visible_devices = "0,1";
    facts.closed_device_files = {"/dev/nvidia0"};
    EXPECT_THAT(explain_no_cards(facts).what, HasSubstr("no permission"));
    facts.driver_is_too_old = true;
    facts.visible_devices = "";
    EXPECT_THAT(explain_no_cards(facts).what, HasSubstr("older than the CUDA runtime"));
}

TEST(VisibleDevices, AreAllRightWhereEachElementNamesACard) {
    for (const char* value : {"0", "3,1", " 0 , 2 ", "GPU-bbbb", "GPU-aaaa1,GPU-cccc", "0,GPU-aaaa2", "MIG-1-2-3",
                              "MIG-GPU-aaaa1111/1/0"}) {
        EXPECT_EQ(explain_visible_devices(value, four_cards), std::nullopt) << value;
    }
}

TEST(VisibleDevices, HideWhatFollowsABadElement) {
    EXPECT_THAT(
        explain_visible_devices("0,7,1", four_cards).value_or(""),
        AllOf(HasSubstr("has '7' as element 2"), HasSubstr("it has 4"), HasSubstr("ignores it and what follows")));
    EXPECT_THAT(explain_visible_devices("0,", four_cards).value_or(""), HasSubstr("has '' as element 2"));
    EXPECT_THAT(explain_visible_devices("0,-1,1", four_cards).value_or(""), HasSubstr("has '-1' as element 2"));
    EXPECT_THAT(explain_visible_devices("1,GPU-dddd", four_cards).value_or(""), HasSubstr("'GPU-dddd'"));
}

}  // namespace
}  // namespace gpushard
