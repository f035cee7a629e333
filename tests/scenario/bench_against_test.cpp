#include <csignal>
#include <poll.h>
#include <string>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include "scenario.hpp"
#include "support/shell_script.hpp"

namespace gpushard::test {
namespace {

using testing::HasSubstr;

/// `bench --against` an interpreter that is a script.
class BenchAgainst : public ScenarioFolder {
protected:
    BenchAgainst()
        : index_(write("a.index", flat_index(uniform_rows(1'000, 8, 1), Metric::l2))),
          queries_(write("q.npy", query_npy(uniform_rows(5, 8, 2)))) {}

    Arguments against(const std::string& python) const {
        return {"bench",     index_, "--queries", queries_, "--quiet",         "--k",       "3",
                "--batches", "1,4",  "--repeat",  "3",      "--only-searches", "--against", python};
    }
    std::string script(const std::string& lines) const { return write_script(folder_ / "python", lines); }
    std::string said(const std::string& name) const { return read_file(folder_ / name); }

    static std::string first_four_queries() {
        const Rows queries = uniform_rows(5, 8, 2);
        return {reinterpret_cast<const char*>(queries.values.data()), std::size_t{4} * 8 * sizeof(float)};
    }

    std::string index_;
    std::string queries_;
};

TEST_F(BenchAgainst, ComparesSearchesWithThatFaiss) {
    const std::string python = script(fake_python());
    const Json bench = json_of(against(python));
    EXPECT_EQ(bench["against"],
              (Json{{"python", python}, {"faiss_version", "9.9.9"}, {"compile_options", "OPTIMIZE AVX2"}}));
    ASSERT_EQ(bench["rows"].size(), 2u);
    EXPECT_EQ(bench["rows"][0]["what"], "qps_nq1");
    EXPECT_DOUBLE_EQ(bench["rows"][0]["faiss"], 1 / 0.5);
    EXPECT_DOUBLE_EQ(bench["rows"][1]["faiss"], 4 / 0.5);
    for (const Json& row : bench["rows"]) {
        EXPECT_EQ(row["faiss_spread"], 0);
        EXPECT_DOUBLE_EQ(row["ratio"], row["ours"].get<double>() / row["faiss"].get<double>());
    }
    EXPECT_EQ(bench["k"], 3);
    const std::string threads = std::to_string(bench["machine"]["threads"].get<int>());
    EXPECT_EQ(said("python.arguments"), "-c\n" + index_ + "\n3\n" + threads + "\n");
    EXPECT_EQ(said("python.requests"), "load 4 8\nsearch 1 \nsearch 1 \nsearch 1 \nsearch 4 \nsearch 4 \nsearch 4 \n");
    EXPECT_EQ(said("python.queries"), first_four_queries());
}

TEST_F(BenchAgainst, SaysWhoInTheTable) {
    const std::string python = script(fake_python());
    const ChildResult table = run_gpushard(against(python));
    EXPECT_EQ(table.exit_code, 0) << table.err;
    EXPECT_EQ(table.err, "");
    EXPECT_THAT(table.out, HasSubstr("searches against Faiss 9.9.9 (OPTIMIZE AVX2) of " + python + "\n"));
}

TEST_F(BenchAgainst, SaysInOneLineWhyItCannot) {
    expect_error(against("/no/such/python"), 2, {"cannot run /no/such/python: No such file"});
    expect_error(against(script("echo \"error it cannot import faiss: No module named 'faiss'\"")), 2,
                 {"python", "cannot import faiss: No module named 'faiss'"});
    expect_error(against(script(fake_python("echo 'Segmentation fault' >&2; kill -9 $$"))), 1,
                 {"python was ended by signal 9: Segmentation fault"});
}

/// How the tool is ended while it waits for the interpreter.
class BenchAgainstEnds : public BenchAgainst, public testing::WithParamInterface<const char*> {};

TEST_P(BenchAgainstEnds, TheInterpreterWithIt) {
    // What loses its parent becomes a child of this process.
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    // It does not look at its stdin any more, and so only a signal ends it.
    const std::string signal = GetParam();
    const ChildResult result =
        run_gpushard(against(script(fake_python("kill -" + signal + " $PPID; exec tail -f /dev/null"))));
    EXPECT_NE(result.exit_code, 0);
    const pid_t python = std::stoi(said("python.pid"));
    const int handle = static_cast<int>(::syscall(SYS_pidfd_open, python, 0));
    ASSERT_GE(handle, 0);
    pollfd ended = {handle, POLLIN, 0};
    EXPECT_EQ(::poll(&ended, 1, 60'000), 1) << "it is still there";
    ::close(handle);
    ::kill(python, SIGKILL);
    EXPECT_EQ(::waitpid(python, nullptr, 0), python);
    EXPECT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

INSTANTIATE_TEST_SUITE_P(Signals, BenchAgainstEnds, testing::Values("INT", "TERM", "KILL"),
                         [](const auto& signal) { return std::string(signal.param); });

}  // namespace
}  // namespace gpushard::test
