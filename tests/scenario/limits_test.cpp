#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>

#include "scenario.hpp"

namespace gpushard::test {
namespace {

using testing::AnyOf;
using testing::Eq;

constexpr std::uint64_t mib = 1 << 20;

/// This process's address space, with the libraries that the tool is linked with.
std::uint64_t address_space_of_libraries() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmSize:")) return std::stoull(line.substr(7)) * 1024;
    }
    return 0;
}

class Limits : public ScenarioFolder {
protected:
    void SetUp() override {
#ifdef GPUSHARD_SANITIZED
        GTEST_SKIP() << "sanitizers take address space, memory and threads of their own";
#endif
        rows_ = uniform_rows(30'000, 64, 5);
        write("a.index", flat_index(rows_, Metric::l2));
        Rows queries = uniform_rows(64, 64, 6);
        write("q.npy", query_npy(queries));
        std::filesystem::permissions(path(""), std::filesystem::perms::all);
    }

    /// Searches with limits; expects an answer or one clear line and the exit code of what does not fit.
    int search(const std::string& devices, ChildSetup setup) const {
        setup.seconds = 120;
        const ChildResult ended = run_gpushard(
            {"search", path("a.index"), "--devices", devices, "--queries", path("q.npy"), "--quiet"}, setup);
        EXPECT_EQ(ended.signal, 0) << "hangs, or ended by signal " << ended.signal << ": " << ended.err;
        EXPECT_THAT(ended.exit_code, AnyOf(Eq(0), Eq(3))) << ended.err;
        EXPECT_TRUE(ended.exit_code == 0 || ended.err.starts_with("gpushard: error: ")) << ended.err;
        return ended.exit_code;
    }

    Rows rows_;
};

TEST_F(Limits, OfAddressSpaceGiveAnAnswerOrAClearError) {
    int answered = 0;
    int refused = 0;
    for (const char* devices : {"cpu=64MiB", "cpu=32MiB*4"}) {
        for (const std::uint64_t beyond : {8, 16, 64, 128, 160, 200, 300, 600, 1500}) {
            SCOPED_TRACE(std::string(devices) + " with " + std::to_string(beyond) + " MiB");
            ChildSetup setup;
            setup.address_space_bytes = address_space_of_libraries() + beyond * mib;
            ++(search(devices, setup) == 0 ? answered : refused);
        }
    }
    EXPECT_GE(answered, 2);
    EXPECT_GE(refused, 2);
}

TEST_F(Limits, OfThreadsGiveAnAnswerOrAClearError) {
    if (::getuid() != 0) GTEST_SKIP() << "only root can become a user without other processes";
    int answered = 0;
    int refused = 0;
    for (const char* devices : {"cpu=64MiB", "cpu=32MiB*4"}) {
        for (const std::uint64_t processes : {1, 2, 3, 4, 5, 6, 8, 12, 40}) {
            SCOPED_TRACE(std::string(devices) + " with " + std::to_string(processes) + " processes");
            ChildSetup setup;
            setup.processes = processes;
            setup.user = 100'000 + static_cast<unsigned>(::getpid()) % 900'000;
            ++(search(devices, setup) == 0 ? answered : refused);
        }
    }
    EXPECT_GE(answered, 2);
    EXPECT_GE(refused, 2);
}

/// Expects what the system counts, not the ledger, to be at most what was planned and what the caller and the libraries
/// take. False where the system does not tell.
bool expect_within_plan(const std::string& index, const std::string& devices, const std::string& precision,
                        const std::string& neighbors, const std::string& threads) {
    SCOPED_TRACE(devices + ", " + precision + ", k " + neighbors + ", threads " + threads);
    const ChildResult ended =
        run_child({GPUSHARD_MEMORY_CHILD, index, devices, precision, neighbors, threads}, {.seconds = 300});
    if (ended.exit_code == 77) return false;
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    if (ended.exit_code != 0) return true;
    const Json found = Json::parse(ended.out);
    const auto bytes = [&](const char* what) { return found[what].get<std::uint64_t>(); };
    const std::uint64_t planned = bytes("planned") + bytes("callers");
    EXPECT_LE(bytes("measured"), planned + planned / 50 + 8 * mib + bytes("libraries")) << ended.out;
    EXPECT_LE(bytes("libraries"), (16 + 4 * std::thread::hardware_concurrency()) * mib) << "BLAS and OpenMP";
    EXPECT_GT(bytes("measured"), bytes("callers")) << "counts nothing: " << ended.out;
    return true;
}

constexpr const char* not_told = "this kernel does not reset the high-water mark";

TEST_F(Limits, MemoryThatTheSystemCountsIsWithinThePlan) {
    for (const char* precision : {"f32", "f16"}) {
        for (const char* neighbors : {"10", "2000", "31000"}) {
            for (const char* threads : {"1", "16"}) {
                if (!expect_within_plan(path("a.index"), "cpu=24MiB*4", precision, neighbors, threads)) {
                    GTEST_SKIP() << not_told;
                }
            }
        }
    }
}

/// A k far above the count costs the caller's arrays and nothing else: the lists of 11 shards are merged by way of
/// others.
TEST_F(Limits, NoMemoryGoesToAnswersThatThereAreNoRowsFor) {
    write("small.index", flat_index(uniform_rows(2000, 8, 5), Metric::l2));
    for (const char* devices : {"cpu=4MiB", "cpu=2MiB*11"}) {
        for (const char* threads : {"1", "4"}) {
            if (!expect_within_plan(path("small.index"), devices, "f32", "250000", threads)) GTEST_SKIP() << not_told;
        }
    }
}

}  // namespace
}  // namespace gpushard::test
