#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <sys/wait.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/error.hpp>

#include "bench/python_faiss.hpp"
#include "support/child_process.hpp"
#include "support/errors.hpp"
#include "support/index_writer.hpp"
#include "support/shell_script.hpp"
#include "support/temp_dir.hpp"

namespace gpushard::bench {
namespace {

using test::fake_python;
using testing::AllOf;
using testing::HasSubstr;

const std::vector<float> three_queries = {1, 2, 3, 4, 5, 6};

class BenchPython : public testing::Test {
protected:
    void TearDown() override { ::unsetenv("PYTHONPATH"); }

    PythonRequest request(const std::string& python) const {
        return {.python = python, .file = folder_ / "a.index", .k = 7, .threads = 3};
    }
    std::string script(const std::string& lines) const { return test::write_script(folder_ / "python", lines); }

    std::string said(const std::string& name) const { return test::read_file(folder_ / name); }

    /// What a script that is started and asked for a search fails with.
    template <typename Thrown>
    std::string failure(const std::string& python) const {
        return test::message_of<Thrown>([&] {
            PythonFaiss faiss(request(python));
            faiss.load(three_queries, 3, 2);
            faiss.search(4);
        });
    }

    test::TempDir folder_;
};

TEST_F(BenchPython, IsAskedInLinesAndBelieved) {
    PythonFaiss faiss(request(script(fake_python())));
    EXPECT_EQ(faiss.version().python, (folder_ / "python").string());
    EXPECT_EQ(faiss.version().faiss_version, "9.9.9");
    EXPECT_EQ(faiss.version().compile_options, "OPTIMIZE AVX2");
    faiss.load(three_queries, 3, 2);
    const PythonFaiss::Search search = faiss.search(16);
    EXPECT_EQ(search.seconds, 0.5);
    EXPECT_EQ(search.cpu_seconds, 0.25);
    EXPECT_EQ(said("python.arguments"), "-c\n" + (folder_ / "a.index").string() + "\n7\n3\n");
    EXPECT_EQ(said("python.requests"), "load 3 2\nsearch 16 \n");
    EXPECT_EQ(said("python.queries"), std::string(reinterpret_cast<const char*>(three_queries.data()), 24));
}

TEST_F(BenchPython, LeavesNoProcessBehind) {
    {
        // It neither reads its stdin nor ends by itself.
        const PythonFaiss faiss(request(script("echo $$ >\"$0.pid\"\necho hello 1\nexec tail -f /dev/null")));
    }
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
    EXPECT_EQ(::kill(std::stoi(said("python.pid")), 0), -1);
}

TEST_F(BenchPython, CannotBeAProgramThatIsNotThere) {
    EXPECT_THAT(failure<InvalidArgument>("no-such-python"), HasSubstr("cannot run no-such-python: No such file"));
    EXPECT_THAT(failure<InvalidArgument>("/no/such/python"), HasSubstr("cannot run /no/such/python: No such file"));
    EXPECT_THAT(failure<InvalidArgument>(folder_.path().string()), HasSubstr("Permission denied"));
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(BenchPython, CannotBeAnotherProgram) {
    EXPECT_THAT(failure<InvalidArgument>("/bin/true"), HasSubstr("/bin/true ended with status 0"));
    EXPECT_THAT(failure<InvalidArgument>(script("echo good morning")),
                HasSubstr("said 'good morning', expected hello"));
    EXPECT_THAT(failure<InvalidArgument>(script("exec tr '\\0' x </dev/zero")), HasSubstr("without end"));
}

TEST_F(BenchPython, SaysWhatItFailedWith) {
    EXPECT_THAT(failure<Error>(script(fake_python("echo error MemoryError: too large"))),
                HasSubstr("failed: MemoryError: too large"));
    for (const char* figures : {"took", "took x y", "took 0.5", "took nan 1", "took -1 1", "took 0 1"}) {
        EXPECT_THAT(failure<Error>(script(fake_python(std::string("echo ") + figures))), HasSubstr("expected seconds"))
            << figures;
    }
}

TEST_F(BenchPython, SaysHowItDiedAndItsLastWords) {
    const std::string killed = failure<Error>(script(fake_python("printf 'a\\nout of luck\\n' >&2; kill -9 $$")));
    EXPECT_THAT(killed, AllOf(HasSubstr("python was ended by signal 9: out of luck"), testing::Not(HasSubstr("\n"))));
    EXPECT_THAT(failure<Error>(script(fake_python("exit 3"))), HasSubstr("python ended with status 3"));
    // It may be gone before it is asked.
    EXPECT_THAT(failure<Error>(script("echo hello 1\nexit 4")), HasSubstr("python ended with status 4"));
}

/// The program itself, by a real interpreter, with modules that stand for faiss and numpy.
class BenchPythonProgram : public BenchPython {
protected:
    void SetUp() override {
        if (test::run_child({"/usr/bin/env", "python3", "-c", ""}).exit_code != 0) GTEST_SKIP() << "no python3";
        ::setenv("PYTHONPATH", folder_.path().c_str(), 1);
        test::write_file(folder_ / "numpy.py", R"(
import array
float32 = "f"
class Queries:
    def __init__(self, values, shape): self.values, self.shape = values, shape
    def reshape(self, count, dim): return Queries(self.values, (count, dim))
def frombuffer(data, dtype): return Queries(list(array.array(dtype, data)), None)
def resize(queries, shape):
    size = shape[0] * shape[1]
    return Queries((queries.values * size)[:size], shape)
)");
    }

    void write_faiss(const std::string& lines) const { test::write_file(folder_ / "faiss.py", lines); }

    const std::string working_faiss_ = R"(
import os, sys, time
__version__ = "1.2.3"
def note(*words): open(os.path.join(os.path.dirname(__file__), "notes"), "a").write(" ".join(map(str, words)) + "\n")
def get_compile_options(): return "GENERIC \n AVX512 "
def omp_set_num_threads(threads): note("threads", threads)
print("what a module says when it is imported")
class Index:
    calls = 0
    def search(self, queries, k):
        self.calls += 1
        if self.calls == 1: note("search", queries.values, queries.shape, k)
        start = time.perf_counter()
        while time.perf_counter() - start < 0.02: pass
def read_index(path):
    note("read", path)
    return Index()
)";
};

TEST_F(BenchPythonProgram, SearchesWhatItWasAskedToWithTheThreadsItWasGiven) {
    write_faiss(working_faiss_);
    PythonFaiss faiss(request("python3"));
    EXPECT_EQ(faiss.version().faiss_version, "1.2.3");
    EXPECT_EQ(faiss.version().compile_options, "GENERIC AVX512");
    faiss.load(three_queries, 3, 2);
    const PythonFaiss::Search search = faiss.search(4);
    EXPECT_GE(search.seconds, 0.02);  // of one call, which cannot take less
    EXPECT_GT(search.cpu_seconds, 0);
    EXPECT_EQ(said("notes"), "threads 3\nread " + (folder_ / "a.index").string() +
                                 "\nsearch [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 1.0, 2.0] (4, 2) 7\n");
}

TEST_F(BenchPythonProgram, SaysThatThereIsNoFaiss) {
    write_faiss("raise ModuleNotFoundError(\"No module named 'faiss'\")");
    EXPECT_THAT(failure<InvalidArgument>("python3"),
                HasSubstr("the faiss of python3 failed: it cannot import faiss: No module named 'faiss'"));
}

TEST_F(BenchPythonProgram, SaysWhatFaissRaises) {
    write_faiss(working_faiss_ + "def read_index(path): raise RuntimeError('Error: could not\\nopen it')\n");
    EXPECT_THAT(failure<Error>("python3"), HasSubstr("failed: RuntimeError: Error: could not open it"));
}

TEST_F(BenchPythonProgram, SaysHowFaissDied) {
    write_faiss(working_faiss_ + "def read_index(path): print('broken', file=sys.stderr); os._exit(9)\n");
    EXPECT_THAT(failure<Error>("python3"), HasSubstr("python3 ended with status 9: broken"));
}

}  // namespace
}  // namespace gpushard::bench
