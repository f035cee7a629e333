#include <filesystem>
#include <string>
#include <sys/resource.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/byte_source.hpp>
#include <gpushard/device_info.hpp>
#include <gpushard/error.hpp>

#include "device/host_memory_probe.hpp"
#include "support/errors.hpp"
#include "support/index_writer.hpp"
#include "support/temp_dir.hpp"

namespace gpushard {
namespace {

using test::message_of;
using test::TempDir;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

/// A machine of three cards and 64 GiB.
class TypedInventory : public DeviceInventory {
public:
    std::vector<DeviceInfo> cards() const override {
        return {card(0, "GPU-11112222-3333", "00000000:3B:00.0"), card(1, "GPU-11115555-6666", "00000000:5E:00.0"),
                card(2, "GPU-77778888-9999", "00000001:86:00.0")};
    }

    DeviceInfo host() const override {
        DeviceInfo host;
        host.spec = "cpu";
        host.name = "host memory";
        host.total_bytes = 64_GiB;
        host.free_bytes = 48_GiB;
        host.bytes_per_second = 20e9;
        return host;
    }

private:
    static DeviceInfo card(int ordinal, const char* uuid, const char* pci) {
        DeviceInfo card;
        card.spec = "cuda:" + std::to_string(ordinal);
        card.name = "A100 40 GB";
        card.uuid = uuid;
        card.pci = pci;
        card.kind = DeviceKind::cuda;
        card.total_bytes = 40_GiB;
        card.free_bytes = 30_GiB;
        card.context_bytes = 512_MiB;
        card.bytes_per_second = 1600e9;
        return card;
    }
};

class NoCards : public TypedInventory {
public:
    std::vector<DeviceInfo> cards() const override { throw DeviceError("cuda:all", "no driver"); }
};

std::vector<DeviceInfo> resolve(std::string_view specification) {
    return resolve_devices(specification, TypedInventory());
}

std::vector<std::string> specs(std::string_view specification) {
    std::vector<std::string> names;
    for (const DeviceInfo& device : resolve(specification)) names.push_back(device.spec);
    return names;
}

std::string refusal(const std::string& specification) {
    return message_of<InvalidArgument>([&] { resolve(specification); });
}

TEST(ResolveDevices, TheHostWithoutABudgetIsWhatMayBeUsed) {
    for (const char* text : {"", "cpu", " CPU "}) {
        const std::vector<DeviceInfo> devices = resolve(text);
        ASSERT_EQ(devices.size(), 1u);
        EXPECT_EQ(devices[0].spec, "cpu");
        EXPECT_EQ(devices[0].kind, DeviceKind::cpu);
        EXPECT_EQ(devices[0].free_bytes, 48_GiB);
        EXPECT_FALSE(devices[0].planning_only);
    }
}

TEST(ResolveDevices, PartsOfTheHostAreTheirBudgets) {
    const std::vector<DeviceInfo> devices = resolve("cpu = 2 GiB * 3, cpu=3GiB");
    ASSERT_EQ(devices.size(), 4u);
    EXPECT_EQ(devices[0].spec, "cpu=2GiB");
    EXPECT_EQ(devices[2].spec, "cpu=2GiB");
    EXPECT_EQ(devices[3].spec, "cpu=3GiB");
    EXPECT_EQ(devices[2].free_bytes, 2_GiB);
    EXPECT_EQ(devices[3].free_bytes, 3_GiB);
    EXPECT_EQ(devices[3].total_bytes, 3_GiB);
    // They share one memory bus.
    EXPECT_DOUBLE_EQ(devices[0].bytes_per_second, 5e9);
}

TEST(ResolveDevices, BudgetsOfTheHostAreTakenAtTheirWord) { EXPECT_EQ(resolve("cpu=5TiB*2")[1].free_bytes, 5_TiB); }

TEST(ResolveDevices, CardsAreNamedInFourWays) {
    EXPECT_THAT(specs("cuda:all"), ElementsAre("cuda:0", "cuda:1", "cuda:2"));
    EXPECT_THAT(specs("cuda:2,cuda:00"), ElementsAre("cuda:2", "cuda:0"));
    EXPECT_THAT(specs("GPU-77778888-9999"), ElementsAre("cuda:2"));
    EXPECT_THAT(specs("gpu-7777"), ElementsAre("cuda:2"));
    EXPECT_THAT(specs("3b:00.0"), ElementsAre("cuda:0"));
    EXPECT_THAT(specs("0000:5E:00.0,00000001:86:0.0"), ElementsAre("cuda:1", "cuda:2"));
    EXPECT_THAT(specs("any"), ElementsAre("cuda:0", "cuda:1", "cuda:2"));
}

TEST(ResolveDevices, PartsOfACardShareItsFreeMemoryItsContextAndItsBandwidth) {
    const std::vector<DeviceInfo> devices = resolve("cuda:0=16GiB*2,cuda:1");
    ASSERT_EQ(devices.size(), 3u);
    EXPECT_EQ(devices[0].spec, "cuda:0=16GiB");
    EXPECT_EQ(devices[0].free_bytes, 16_GiB);
    EXPECT_EQ(devices[1].free_bytes, 14_GiB);  // 30 GiB are free
    EXPECT_EQ(devices[0].total_bytes, 40_GiB);
    EXPECT_EQ(devices[0].context_bytes, 512_MiB);
    EXPECT_EQ(devices[1].context_bytes, 0u);
    EXPECT_DOUBLE_EQ(devices[1].bytes_per_second, 800e9);
    EXPECT_DOUBLE_EQ(devices[2].bytes_per_second, 1600e9);
    EXPECT_EQ(devices[1].uuid, "GPU-11112222-3333");
}

TEST(ResolveDevices, ABudgetForAllCardsIsOneForEach) {
    const std::vector<DeviceInfo> devices = resolve("cuda:all=8GiB");
    ASSERT_EQ(devices.size(), 3u);
    EXPECT_EQ(devices[2].spec, "cuda:2=8GiB");
    EXPECT_EQ(devices[2].free_bytes, 8_GiB);
}

TEST(ResolveDevices, AnyIsTheHostWhereThereAreNoCards) {
    const std::vector<DeviceInfo> devices = resolve_devices("any", NoCards());
    ASSERT_EQ(devices.size(), 1u);
    EXPECT_EQ(devices[0].spec, "cpu");
}

TEST(ResolveDevices, SaysWhyThereAreNoCards) {
    EXPECT_EQ(message_of<DeviceError>([] { resolve_devices("cuda:0", NoCards()); }), "device 'cuda:0': no driver");
    EXPECT_THAT(message_of<DeviceError>([] { resolve("cuda:7"); }),
                AllOf(HasSubstr("'cuda:7'"), HasSubstr("cuda:0, cuda:1, cuda:2")));
    EXPECT_THAT(message_of<DeviceError>([] { resolve("GPU-0000"); }), HasSubstr("'GPU-0000'"));
    EXPECT_THAT(message_of<DeviceError>([] { resolve("99:00.0"); }), HasSubstr("'99:00.0'"));
}

TEST(ResolveDevices, KnownCardsAreRecognisedHoweverTheyAreSpelt) {
    for (const char* text : {"A100-40GB", "a100-40gb", "A100 40GB", "a10040GB", "1xA100-40GB", "A100-40GB*1"}) {
        const std::vector<DeviceInfo> devices = resolve(text);
        ASSERT_EQ(devices.size(), 1u) << text;
        EXPECT_EQ(devices[0].spec, "A100-40GB");
        EXPECT_EQ(devices[0].kind, DeviceKind::cuda);
        EXPECT_TRUE(devices[0].planning_only);
        EXPECT_EQ(devices[0].total_bytes, devices[0].free_bytes);
        EXPECT_GE(devices[0].total_bytes, 39_GiB);
    }
    EXPECT_EQ(resolve("RTX 4090")[0].spec, resolve("2xrtx4090")[1].spec);
    EXPECT_EQ(resolve("h100")[0].spec, "H100-80GB");
    EXPECT_EQ(resolve("8xH100-80GB").size(), 8u);
    EXPECT_EQ(resolve("2xA100-40GB*3").size(), 6u);
    EXPECT_EQ(resolve("4096xT4").size(), 4096u);
}

TEST(ResolveDevices, AKnownCardWithABudgetIsPartlyFree) {
    const DeviceInfo card = resolve("A100-40GB=10GiB")[0];
    EXPECT_EQ(card.spec, "A100-40GB=10GiB");
    EXPECT_EQ(card.free_bytes, 10_GiB);
    EXPECT_GE(card.total_bytes, 39_GiB);
}

TEST(ResolveDevices, PlannedAndRealDevicesMayBeMixed) {
    const std::vector<DeviceInfo> devices = resolve("cuda:1,2xT4,cpu=1GiB");
    ASSERT_EQ(devices.size(), 4u);
    EXPECT_FALSE(devices[0].planning_only);
    EXPECT_TRUE(devices[2].planning_only);
    EXPECT_FALSE(devices[3].planning_only);
}

TEST(ResolveDevices, UnknownCardsListSimilarNames) {
    EXPECT_THAT(refusal("RTX 4091"), AllOf(HasSubstr("'RTX 4091'"), HasSubstr("RTX-4090-24GB")));
    EXPECT_THAT(refusal("A100"), AllOf(HasSubstr("A100-40GB"), HasSubstr("A100-80GB")));
    EXPECT_THAT(refusal("2xA100-41GB"), HasSubstr("A100-40GB"));
    EXPECT_THAT(refusal("voodoo"), HasSubstr("expected cuda:all"));
    try {
        resolve("voodoo");
        FAIL();
    } catch (const InvalidArgument& error) {
        EXPECT_THAT(error.hints(), ElementsAre(HasSubstr("gpushard devices --known")));
    }
}

TEST(ResolveDevices, RefusesTheSameDeviceTwice) {
    for (const char* text :
         {"cpu,cpu", "cpu*2", "cpu,cpu=2GiB", "cpu=2GiB,cpu", "cuda:0,cuda:0", "cuda:0*2", "cuda:all,cuda:1",
          "cuda:0,3b:00.0", "cuda:2,GPU-77778888-9999", "cuda:0=2GiB,cuda:0", "any,cuda:0"}) {
        EXPECT_THAT(refusal(text), HasSubstr("more than once")) << text;
    }
}

TEST(ResolveDevices, RefusesBudgetsAboveTheCard) {
    EXPECT_THAT(refusal("cuda:0=41GiB"), AllOf(HasSubstr("41.00 GiB"), HasSubstr("40.00 GiB")));
    EXPECT_THAT(refusal("cuda:0=15GiB*3"), HasSubstr("45.00 GiB"));
    EXPECT_THAT(refusal("cuda:0=30GiB,3b:00.0=11GiB"), HasSubstr("41.00 GiB"));
    EXPECT_THAT(refusal("A100-40GB=41GiB"), HasSubstr("'A100-40GB=41GiB'"));
    EXPECT_EQ(resolve("cuda:0=20GiB*2").size(), 2u);
}

TEST(ResolveDevices, RefusesWhatIsMalformedQuotingIt) {
    for (const char* text : {"cpu=0",
                             "cpu=0GiB*2",
                             "cpu*0",
                             "cpu=1GiB*4097",
                             "cpu=1GiB*-1",
                             "cpu=1GiB*x",
                             "cpu=1GiB*",
                             "cpu=",
                             "cpu=lots",
                             "cpu=-1GiB",
                             "cpu=99999999999999999999",
                             "=2GiB",
                             "*3",
                             "@",
                             "cuda:",
                             "cuda:x",
                             "cuda:-1",
                             "cuda:3-1",
                             "any=2GiB",
                             "4x",
                             "0xT4",
                             "5000xT4",
                             "GPU-1111",
                             "4096xT4*4096",
                             "12:34",
                             "3b:00.0.0",
                             "zz:00.0"}) {
        EXPECT_THAT(refusal(text), HasSubstr("'" + std::string(text) + "'"));
    }
    EXPECT_THAT(refusal("cpu=1GiB,,cpu=1GiB"), HasSubstr("device 2 of"));
    EXPECT_THAT(refusal("cpu,"), HasSubstr("device 2 of"));
    EXPECT_THAT(refusal(" "), HasSubstr("device 1 of"));
}

TEST(ResolveDevices, ReadsARigForPlanningOnly) {
    const TempDir folder;
    test::write_file(folder / "rig=1.json",
                     R"({"devices": [{"spec": "cuda:0", "name": "A100 40 GB", "total_bytes": 42949672960}]})");
    const std::vector<DeviceInfo> devices = resolve("@" + (folder / "rig=1.json").string() + "*2,cpu");
    ASSERT_EQ(devices.size(), 3u);
    EXPECT_EQ(devices[1].spec, "cuda:0");
    EXPECT_EQ(devices[1].free_bytes, 40_GiB);
    EXPECT_TRUE(devices[1].planning_only);
    EXPECT_FALSE(devices[2].planning_only);
    EXPECT_THAT(message_of<BadFile>([&] { resolve("@" + (folder / "absent.json").string()); }),
                HasSubstr("absent.json"));
}

TEST(SystemInventory, SaysWhatTheBuildLacks) {
    if (system_inventory().default_specification() != "cpu") GTEST_SKIP() << "this build has CUDA";
    EXPECT_THAT(message_of<DeviceError>([] { system_inventory().cards(); }), HasSubstr("no GPU support"));
}

TEST(SystemInventory, MeasuresTheHost) {
    const DeviceInfo host = system_inventory().host();
    EXPECT_EQ(host.spec, "cpu");
    EXPECT_GT(host.free_bytes, 0u);
    EXPECT_LE(host.free_bytes, host.total_bytes);
}

/// A fabricated machine: /proc and /sys under a folder.
class HostMemoryProbed : public testing::Test {
protected:
    HostMemoryProbed() {
        write("proc/meminfo", "MemTotal:       67108864 kB\nMemFree:  1024 kB\nMemAvailable:   50331648 kB\n");
        write("proc/self/status", "Name:\ttest\nVmSize:\t 1048576 kB\nVmData:\t  524288 kB\n");
        limits("unlimited", "unlimited");
        write("proc/self/cgroup", "0::/\n");
    }

    void write(const std::string& name, const std::string& text) {
        const std::filesystem::path path = root_ / name;
        std::filesystem::create_directories(path.parent_path());
        test::write_file(path, text);
    }

    void limits(const std::string& data, const std::string& address_space) {
        write("proc/self/limits",
              "Limit                     Soft Limit           Hard Limit           Units     \n"
              "Max data size             " +
                  data +
                  "            unlimited            bytes     \n"
                  "Max address space         " +
                  address_space + "   unlimited            bytes     \n");
    }

    void group(const std::string& folder, const std::string& limit, const std::string& usage,
               const std::string& stat = "") {
        write("sys/fs/cgroup" + folder + "/memory.max", limit + "\n");
        write("sys/fs/cgroup" + folder + "/memory.current", usage + "\n");
        write("sys/fs/cgroup" + folder + "/memory.stat", stat);
    }

    Bytes available() const { return HostMemoryProbe(root_.path()).measure().available; }

    TempDir root_;
};

TEST_F(HostMemoryProbed, IsWhatTheMachineHasAvailable) {
    EXPECT_EQ(HostMemoryProbe(root_.path()).measure().total, 64_GiB);
    EXPECT_EQ(available(), 48_GiB);
}

TEST_F(HostMemoryProbed, IsLimitedByTheControlGroup) {
    write("proc/self/cgroup", "0::/service\n");
    group("/service", "8589934592", "6442450944", "anon 1\nfile 3\ninactive_file 1073741824\nactive_file 7\n");
    EXPECT_EQ(available(), 3_GiB);
    group("/service", "max", "6442450944");
    EXPECT_EQ(available(), 48_GiB);
    group("/service", "4096", "8192");
    EXPECT_EQ(available(), 0u);
}

TEST_F(HostMemoryProbed, IsLimitedByEveryControlGroupAbove) {
    write("proc/self/cgroup", "0::/a/b/c\n");
    group("/a/b/c", "max", "1");
    group("/a/b", "4294967296", "0");
    group("/a", "2147483648", "1073741824");
    EXPECT_EQ(available(), 1_GiB);
}

TEST_F(HostMemoryProbed, FindsTheLimitOfAContainerThatSeesOnlyItself) {
    write("proc/self/cgroup", "0::/docker/0123456789\n");
    group("", "1073741824", "0");
    EXPECT_EQ(available(), 1_GiB);
}

TEST_F(HostMemoryProbed, IsLimitedByAControlGroupOfVersionOne) {
    write("proc/self/cgroup", "9:cpu,cpuacct:/x\n4:hugetlb,memory:/box\n0::/\n");
    write("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "3221225472\n");
    write("sys/fs/cgroup/memory/box/memory.usage_in_bytes", "2147483648\n");
    write("sys/fs/cgroup/memory/box/memory.stat", "inactive_file 5\ntotal_inactive_file 1073741824\n");
    EXPECT_EQ(available(), 2_GiB);
    write("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "9223372036854771712\n");
    EXPECT_EQ(available(), 48_GiB);
}

TEST_F(HostMemoryProbed, IsLimitedByTheResourceLimits) {
    limits("unlimited", "5368709120");
    EXPECT_EQ(available(), 4_GiB);
    limits("1610612736", "5368709120");
    EXPECT_EQ(available(), 1_GiB);
    limits("0", "5368709120");
    EXPECT_EQ(available(), 0u);
}

TEST_F(HostMemoryProbed, SurvivesFilesThatMakeNoSense) {
    write("proc/self/cgroup", "\n:::\n0:\nmemory\n4:memory:\n0::no-slash\n");
    write("proc/self/limits", "Max address space");
    write("proc/meminfo", "MemTotal: much kB\nMemAvailable:\n");
    write("proc/self/status", std::string(1 << 20, 'x'));
    EXPECT_EQ(available(), 0u);
    EXPECT_EQ(HostMemoryProbe(root_ / "absent").measure().total, 0u);
}

/// Unknown is not nothing: where it cannot be read, it says so and why.
TEST_F(HostMemoryProbed, IsUnknownWithTheReasonWhereItCannotBeRead) {
    EXPECT_EQ(HostMemoryProbe(root_.path()).measure().problem, "");
    EXPECT_EQ(HostMemoryProbe(root_ / "absent").measure().problem,
              "/proc/meminfo cannot be read: No such file or directory");
    write("proc/meminfo", "MemFree: 12 kB\n");
    EXPECT_THAT(HostMemoryProbe(root_.path()).measure().problem, HasSubstr("/proc/meminfo does not say"));
    write("proc/meminfo", "MemTotal: 1024 kB\n");
    EXPECT_EQ(HostMemoryProbe(root_.path()).measure().problem, "");
    // A limit that is there but cannot be read might be any.
    write("proc/self/cgroup", "0::/job\n");
    std::filesystem::create_directories(root_ / "sys/fs/cgroup/job/memory.max");
    EXPECT_THAT(HostMemoryProbe(root_.path()).measure().problem, HasSubstr("job/memory.max cannot be read"));
}

TEST(SystemInventory, SaysThatNoDescriptorIsLeft) {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "the sanitizer needs descriptors itself, to look at objects";
#endif
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlimit none = limit;
    none.rlim_cur = 0;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    std::string message;
    std::vector<std::string> hints;
    std::string of_file;
    try {
        resolve_devices("cpu");
    } catch (const DeviceError& error) {
        message = error.what();
        hints = error.hints();
    }
    try {
        open_file("/proc/self/exe");
    } catch (const BadFile& error) {
        of_file = error.what();
    }
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(message,
              "cpu: how much memory the host has is unknown: /proc/meminfo cannot be read: Too many open files");
    EXPECT_THAT(hints, testing::Contains("let this process open more files: ulimit -n 1024"));
    EXPECT_THAT(of_file, HasSubstr("Too many open files"));
}

}  // namespace
}  // namespace gpushard
