#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenario.hpp"

namespace gpushard::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// The doctor where no card is asked for, as on a machine without any GPU library.
class Doctor : public ScenarioFolder {
protected:
    Doctor() { index_ = write("some.index", flat_index(uniform_rows(4'000, 48, 1), Metric::inner_product)); }

    /// A file of a fabricated machine.
    void write_root(const std::string& name, const std::string& text) const {
        const std::filesystem::path path = folder_ / "root" / name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << text;
    }

    std::string index_;
};

Json check(const Json& report, const std::string& id) {
    for (const Json& one : report["checks"]) {
        if (one["id"] == id) return one;
    }
    return nullptr;
}

TEST_F(Doctor, ExaminesAMachineWithoutCards) {
    const Json report = json_of({"doctor", "--devices", "cpu", "--index", index_});
    EXPECT_EQ(report["ok"], true);
    EXPECT_EQ(report["failures"], 0);
    EXPECT_TRUE(report.contains("schema_version"));
    for (const char* id :
         {"gpu_support", "faiss", "host_memory", "control_group", "overcommit", "locked_memory", "address_space",
          "processors", "waiting", "blas", "index_file", "file_system", "holes", "page_cache", "fit"}) {
        const Json one = check(report, id);
        ASSERT_FALSE(one.is_null()) << id;
        EXPECT_NE(one["found"], "") << id;
        EXPECT_NE(one["group"], "") << id;
        EXPECT_EQ(one["result"] == "ok", one["remedy"] == "") << one;
    }
    EXPECT_EQ(check(report, "index_file")["numbers"]["count"], 4'000);
    EXPECT_EQ(check(report, "fit")["result"], "ok");

    const ChildResult text = run_gpushard({"doctor", "--devices", "cpu"});
    EXPECT_EQ(text.exit_code, 0);
    EXPECT_EQ(text.err, "");
    EXPECT_THAT(text.out, AllOf(HasSubstr("versions\n"), HasSubstr("host\n"), Not(HasSubstr("index\n"))));
}

TEST_F(Doctor, NamesAControlGroupSmallerThanTheIndex) {
    write_root("proc/meminfo", "MemTotal: 268435456 kB\nMemAvailable: 209715200 kB\n");
    write_root("proc/self/cgroup", "0::/job\n");
    write_root("sys/fs/cgroup/job/memory.max", "536870912\n");
    write_root("sys/fs/cgroup/job/memory.current", "4096\n");
    const std::string large = write("large.index", flat_index_header(1'000'000, 768, Metric::l2));
    std::filesystem::resize_file(large, 45 + 1'000'000ull * 768 * 4);
    const Json report = json_of({"doctor", "--devices", "4xA100-40GB", "--index", large, "--root", path("root")});
    const Json group = check(report, "control_group");
    EXPECT_EQ(group["result"], "warning");
    EXPECT_EQ(group["numbers"]["limit_bytes"], 512 << 20);
    EXPECT_THAT(group["found"],
                AllOf(HasSubstr("limited to 512.0 MiB"), HasSubstr("less than the index of 2.861 GiB")));
    EXPECT_EQ(check(report, "holes")["result"], "warning");
    EXPECT_EQ(check(report, "fit")["result"], "ok");
}

TEST_F(Doctor, EndsAsOtherCommandsDo) {
    EXPECT_EQ(run_gpushard({"doctor", "--devices", "cpu", "--index", path("missing")}).exit_code, 4);
    const std::string large = write("large.index", flat_index_header(21'015'324, 768, Metric::l2));
    std::filesystem::resize_file(large, 45 + 21'015'324ull * 768 * 4);
    EXPECT_EQ(run_gpushard({"doctor", "--devices", "A100-40GB", "--index", large}).exit_code, 3);
    expect_error({"doctor", "--devices", "four cards"}, 2, {"four cards"});
    EXPECT_THAT(run_gpushard({"doctor", "--help"}).out, AllOf(HasSubstr("--index"), HasSubstr("Exit code: 0")));
}

#ifndef GPUSHARD_WITH_CUDA
TEST_F(Doctor, SaysThatCardsAreAskedForAndNotSupported) {
    const ChildResult result = run_gpushard({"doctor", "--devices", "cuda:all"});
    EXPECT_EQ(result.exit_code, 5);
    EXPECT_THAT(result.out, HasSubstr("GPUSHARD_CUDA=ON"));
}
#endif

}  // namespace
}  // namespace gpushard::test
