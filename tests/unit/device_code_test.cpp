#include "device/device_code.hpp"

#include <cstdint>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gpushard {
namespace {

using Kind = DeviceCode::Kind;
using Portability = DeviceCode::Portability;
using testing::ElementsAre;

using Bytes8 = std::vector<std::byte>;

template <typename Number>
void put(Bytes8& bytes, std::size_t offset, Number number) {
    std::memcpy(bytes.data() + offset, &number, sizeof number);
}

/// An entry as nvcc 13 writes it: 64 bytes of header, then the payload.
Bytes8 entry(std::uint16_t kind, std::uint32_t architecture, std::uint64_t flags = 0x11, std::uint64_t payload = 24) {
    Bytes8 bytes(64 + payload, std::byte{0x5a});
    put(bytes, 0, kind);
    put(bytes, 2, std::uint16_t{0x101});
    put(bytes, 4, std::uint32_t{64});
    put(bytes, 8, payload);
    put(bytes, 28, architecture);
    put(bytes, 40, flags);
    return bytes;
}

Bytes8 fat_binary(const std::vector<Bytes8>& entries) {
    Bytes8 bytes(16);
    for (const Bytes8& each : entries) bytes.insert(bytes.end(), each.begin(), each.end());
    put(bytes, 0, std::uint32_t{0xBA55ED50});
    put(bytes, 4, std::uint16_t{1});
    put(bytes, 6, std::uint16_t{16});
    put(bytes, 8, static_cast<std::uint64_t>(bytes.size() - 16));
    return bytes;
}

Bytes8 operator+(Bytes8 a, const Bytes8& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

DeviceCode machine(int major, int minor, Portability portability = Portability::usual) {
    return {Kind::machine, {major, minor}, portability};
}

DeviceCode ptx(int major, int minor, Portability portability = Portability::usual) {
    return {Kind::ptx, {major, minor}, portability};
}

TEST(DeviceCode, MachineCodeRunsOnLaterMinorVersionsOfItsArchitecture) {
    EXPECT_TRUE(machine(8, 0).runs_on({8, 0}));
    EXPECT_TRUE(machine(8, 0).runs_on({8, 9}));
    EXPECT_FALSE(machine(8, 6).runs_on({8, 0}));
    EXPECT_FALSE(machine(8, 0).runs_on({9, 0}));
    EXPECT_FALSE(machine(8, 0).runs_on({7, 5}));
}

TEST(DeviceCode, PtxRunsOnEveryLaterArchitecture) {
    EXPECT_TRUE(ptx(7, 5).runs_on({7, 5}));
    EXPECT_TRUE(ptx(7, 5).runs_on({12, 0}));
    EXPECT_FALSE(ptx(7, 5).runs_on({7, 0}));
    EXPECT_FALSE(ptx(9, 0).runs_on({8, 9}));
}

TEST(DeviceCode, OfOneArchitectureRunsOnNoOther) {
    for (const DeviceCode& code : {machine(9, 0, Portability::exact), ptx(9, 0, Portability::exact)}) {
        EXPECT_TRUE(code.runs_on({9, 0}));
        EXPECT_FALSE(code.runs_on({9, 1}));
        EXPECT_FALSE(code.runs_on({10, 0}));
    }
    EXPECT_TRUE(ptx(10, 0, Portability::family).runs_on({10, 3}));
    EXPECT_FALSE(ptx(10, 0, Portability::family).runs_on({12, 0}));
}

TEST(DeviceCode, IsNamedAsNvccNamesIt) {
    EXPECT_EQ(
        list_names({machine(8, 0), machine(9, 0, Portability::exact), machine(10, 0, Portability::family), ptx(12, 0)}),
        "sm_80, sm_90a, sm_100f, compute_120");
}

TEST(FatBinaries, ListTheirCodeOnceAndInOrder) {
    const Bytes8 section = fat_binary({entry(1, 75), entry(2, 80)}) + Bytes8(12) +
                           fat_binary({entry(2, 90, 0x100011), entry(2, 80), entry(2, 100, 0x1200011)}) + Bytes8(3);
    EXPECT_THAT(read_fat_binaries(section), ElementsAre(machine(8, 0), machine(9, 0, Portability::exact),
                                                        machine(10, 0, Portability::family), ptx(7, 5)));
}

TEST(FatBinaries, OtherKindsOfCodeAreSkipped) {
    EXPECT_THAT(read_fat_binaries(fat_binary({entry(8, 90), entry(2, 80), entry(2, 0), entry(2, 400'000'000)})),
                ElementsAre(machine(8, 0)));
}

TEST(FatBinaries, WhatIsNoneHasNoCode) {
    EXPECT_TRUE(read_fat_binaries({}).empty());
    EXPECT_TRUE(read_fat_binaries(Bytes8(4096)).empty());
    EXPECT_TRUE(read_fat_binaries(Bytes8(4096, std::byte{0xff})).empty());
}

TEST(FatBinaries, LengthsAreNotBelieved) {
    const Bytes8 good = fat_binary({entry(2, 80)});
    const Bytes8 more = fat_binary({entry(2, 90)});
    for (const std::uint64_t size : {std::uint64_t{1} << 63, ~std::uint64_t{0}, std::uint64_t{1'000'000}}) {
        Bytes8 bad_binary = more;
        put(bad_binary, 8, size);
        EXPECT_THAT(read_fat_binaries(good + bad_binary), ElementsAre(machine(8, 0)));
        Bytes8 bad_payload = more;
        put(bad_payload, 16 + 8, size);
        EXPECT_THAT(read_fat_binaries(good + bad_payload), ElementsAre(machine(8, 0)));
    }
    for (const std::uint32_t size : {0u, 47u, 100'000u, ~0u}) {
        Bytes8 bad_entry = more;
        put(bad_entry, 16 + 4, size);
        EXPECT_THAT(read_fat_binaries(good + bad_entry), ElementsAre(machine(8, 0)));
    }
}

TEST(FatBinaries, MayEndAnywhere) {
    const Bytes8 whole = fat_binary({entry(2, 80), entry(1, 90)}) + fat_binary({entry(2, 70)});
    for (std::size_t size = 0; size < whole.size(); ++size) {
        // A copy of exactly this size, so that a read past its end is one that AddressSanitizer sees.
        const Bytes8 part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_LT(read_fat_binaries(part).size(), 3u);
    }
}

TEST(ComputeCapability, IsReadOnlyWhereItIsTwoNumbers) {
    EXPECT_EQ(parse_compute_capability("8.0"), (ComputeCapability{8, 0}));
    EXPECT_EQ(parse_compute_capability("12.1"), (ComputeCapability{12, 1}));
    for (const char* text : {"", "8", "8.", ".5", "8.0a", "-8.0", "sm_80", "8.0.0"}) {
        EXPECT_EQ(parse_compute_capability(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace gpushard
