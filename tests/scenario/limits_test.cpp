#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
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
        rows_ = uniform_rows(60'000, 64, 5);
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
    for (const char* devices : {"cpu=64MiB", "cpu=32MiB*4", "cpu"}) {
        for (const std::uint64_t beyond : {64, 96, 128, 160, 200, 260, 300, 400, 600, 1500}) {
            SCOPED_TRACE(std::string(devices) + " with " + std::to_string(beyond) + " MiB");
            ChildSetup setup;
            setup.address_space_bytes = address_space_of_libraries() + beyond * mib;
            ++(search(devices, setup) == 0 ? answered : refused);
        }
    }
    EXPECT_GE(answered, 3);
    EXPECT_GE(refused, 3);
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

/// What the system counts, not the ledger, is at most what was planned and what the caller and libraries take.
TEST_F(Limits, MemoryThatTheSystemCountsIsWithinThePlan) {
    for (const char* precision : {"f32", "f16"}) {
        for (const char* neighbors : {"10", "2000", "61000"}) {
            for (const char* threads : {"1", "16"}) {
                SCOPED_TRACE(std::string(precision) + ", k " + neighbors + ", threads " + threads);
                const ChildResult ended =
                    run_child({GPUSHARD_MEMORY_CHILD, path("a.index"), "cpu=24MiB*4", precision, neighbors, threads},
                              {.seconds = 300});
                if (ended.exit_code == 77) GTEST_SKIP() << "this kernel does not reset the high-water mark";
                ASSERT_EQ(ended.exit_code, 0) << ended.err;
                const Json found = Json::parse(ended.out);
                const auto planned = found["planned"].get<std::uint64_t>() + found["callers"].get<std::uint64_t>();
                const auto measured = found["measured"].get<std::uint64_t>();
                EXPECT_LE(measured, planned + planned / 50 + 8 * mib + found["libraries"].get<std::uint64_t>())
                    << ended.out;
                EXPECT_GT(measured, rows_.values.size() * 2) << "counts nothing: " << ended.out;
                RecordProperty(std::string(precision) + "_k" + neighbors + "_t" + threads, ended.out);
            }
        }
    }
}

/// Memory goes to answers that there are, and not to a k above the count.
TEST_F(Limits, OfMemoryAreKeptWhateverKIs) {
    write("small.index", flat_index(uniform_rows(2000, 8, 5), Metric::l2));
    write("many.npy", query_npy(uniform_rows(256, 8, 6)));
    const std::string report = path("memory.txt");
    for (const char* devices : {"cpu=4MiB", "cpu=2MiB*11"}) {
        long kibibytes[2] = {0, 0};
        for (int i = 0; i < 2; ++i) {
            const ChildResult ended =
                run_child({GPUSHARD_MEASURE_CHILD, report, GPUSHARD_PROGRAM, "search", path("small.index"), "--devices",
                           devices, "--queries", path("many.npy"), "--k", i == 0 ? "2000" : "250000", "--quiet"},
                          {.seconds = 120});
            ASSERT_EQ(ended.exit_code, 0) << ended.err;
            std::ifstream(report) >> kibibytes[i];
        }
        EXPECT_LE(kibibytes[1], kibibytes[0] + 8 * 1024) << devices;
    }
    // The files have all columns.
    json_of({"search", path("small.index"), "--devices", "cpu=4MiB", "--queries", path("many.npy"), "--k", "70000",
             "--out", path("ids.npy"), "--distances", path("d.npy")});
    const Array<std::int64_t> ids = read_ids(path("ids.npy"));
    const Array<float> distances = read_distances(path("d.npy"));
    ASSERT_EQ(ids.columns, 70'000);
    ASSERT_EQ(distances.columns, 70'000);
    for (const std::int64_t query : {0, 100, 255}) {
        EXPECT_GE(ids.row(query)[1999], 0);
        EXPECT_EQ(std::count(ids.row(query) + 2000, ids.row(query) + 70'000, -1), 68'000);
        EXPECT_EQ(
            std::count(distances.row(query) + 2000, distances.row(query) + 70'000, std::numeric_limits<float>::max()),
            68'000);
    }
}

}  // namespace
}  // namespace gpushard::test
