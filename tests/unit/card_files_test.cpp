#include "device/card_files.hpp"

#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_dir.hpp"

namespace gpushard {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

/// A fabricated machine under a folder.
class CardFiles : public testing::Test {
protected:
    void write(const std::string& name, const std::string& text) {
        fs::create_directories((root_ / name).parent_path());
        std::ofstream(root_ / name) << text;
    }

    NoCardFacts read() const { return read_card_files(root_.path()); }

    test::TempDir root_;
};

TEST_F(CardFiles, OfAMachineWithoutAnything) {
    const NoCardFacts facts = read();
    EXPECT_EQ(facts.kernel_module_version, "");
    EXPECT_EQ(facts.cards_on_pci_bus, 0);
    EXPECT_EQ(facts.open_device_files, 0);
    EXPECT_FALSE(facts.container.has_value());
}

TEST_F(CardFiles, OfCardsTheBusHas) {
    const auto device = [&](const char* id, const char* vendor, const char* kind) {
        write(std::string("sys/bus/pci/devices/") + id + "/vendor", vendor);
        write(std::string("sys/bus/pci/devices/") + id + "/class", kind);
    };
    device("0000:01:00.0", "0x10de\n", "0x030200\n");
    device("0000:02:00.0", "0x10de\n", "0x030000\n");
    device("0000:02:00.1", "0x10de\n", "0x040300\n");  // The sound of an NVIDIA card.
    device("0000:03:00.0", "0x1002\n", "0x030000\n");  // Another vendor's card.
    EXPECT_EQ(read().cards_on_pci_bus, 2);
}

TEST_F(CardFiles, OfTheKernelModule) {
    write("proc/driver/nvidia/version",
          "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version: 12\n");
    EXPECT_EQ(read().kernel_module_version, "550.54.15");
    write("proc/driver/nvidia/version",
          "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build\n");
    EXPECT_EQ(read().kernel_module_version, "580.65.06");
    write("proc/driver/nvidia/version", "something new\n");
    EXPECT_EQ(read().kernel_module_version, "of unknown version");
}

TEST_F(CardFiles, OfDevicesThatMayOrMayNotBeOpened) {
    for (const char* name : {"nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "nvidia-modeset", "nvidiaX", "null"}) {
        write(std::string("dev/") + name, "");
    }
    EXPECT_EQ(read().open_device_files, 4);
    if (geteuid() == 0) GTEST_SKIP() << "the superuser may open everything";
    fs::permissions(root_ / "dev/nvidia1", fs::perms::none);
    EXPECT_EQ(read().open_device_files, 3);
    EXPECT_THAT(read().closed_device_files, ElementsAre("/dev/nvidia1"));
}

TEST_F(CardFiles, OfContainers) {
    write("run/.containerenv", "");
    EXPECT_EQ(read().container, "Podman");
    write(".dockerenv", "");
    EXPECT_EQ(read().container, "Docker");
}

}  // namespace
}  // namespace gpushard
