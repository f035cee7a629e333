#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scenario.hpp"

namespace gpushard::test {
namespace {

namespace fs = std::filesystem;

using testing::AllOf;
using testing::HasSubstr;

/// A folder with one of each file that a command reads.
class Outputs : public ScenarioFolder {
protected:
    Outputs() {
        const std::string index = flat_index(uniform_rows(50, 8, 1), Metric::l2);
        write("whole.index", index);
        write("other.index", index);
        write("part_aa", index.substr(0, 700));
        write("part_ab", index.substr(700));
        write("q.npy", query_npy(uniform_rows(3, 8, 2)));
        write("rig.json", run_gpushard({"devices", "--devices", "2xT4", "--json"}).out);
        write("plan.json", run_gpushard({"plan", path("other.index"), "--json"}).out);
        write("log.txt", "CUDA error: out of memory\n");
        write("catalogue.json", R"({"schema_version": 1, "entries": []})");
        fs::create_directory(path("folder"));
        fs::create_directory_symlink(path("folder"), path("linked_folder"));
        before_ = contents();
    }

    std::map<std::string, std::string> contents() const {
        std::map<std::string, std::string> all;
        for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
            all[entry.path().string()] = entry.is_regular_file() ? read_file(entry.path()) : "";
        }
        return all;
    }

    /// Other ways to name the file: each is the same by device and inode.
    std::map<std::string, std::string> spellings(const std::string& name) const {
        const auto remade = [&](const std::string& link) {
            fs::remove(path(link));
            return path(link);
        };
        fs::create_symlink(path(name), remade("folder/symbolic"));
        fs::create_symlink("symbolic", remade("folder/symbolic_twice"));
        fs::create_hard_link(path(name), remade("folder/hard"));
        return {{"direct", path(name)},
                {"relative", path("folder/./../" + name)},
                {"doubled slash", folder_.path().string() + "//" + name},
                {"symbolic", path("folder/symbolic")},
                {"symbolic twice", path("folder/symbolic_twice")},
                {"through a linked folder", path("linked_folder/../" + name)},
                {"hard link", path("folder/hard")}};
    }

    /// Nothing is read, made or changed, and one line says why.
    void expect_refused(const Arguments& command, const std::vector<std::string>& parts) {
        const auto all = contents();
        std::string typed;
        for (const std::string& word : command) typed += " " + word;
        SCOPED_TRACE(typed);
        const ChildResult result = run_gpushard(command);
        EXPECT_EQ(result.exit_code, 2) << result.err;
        EXPECT_EQ(result.out, "");
        for (const std::string& part : parts) EXPECT_THAT(result.err, HasSubstr(part));
        EXPECT_EQ(contents(), all);
    }

    std::map<std::string, std::string> before_;
};

/// A command, and the files it reads in the roles that messages name.
struct Reading {
    Arguments command;
    std::vector<std::pair<std::string, std::string>> inputs;
};

TEST_F(Outputs, OfASearchAreNoneOfItsInputsWhateverTheyAreCalled) {
    const std::string queries = path("q.npy");
    const std::vector<Reading> readings = {
        {{"search", path("whole.index"), "--queries", queries}, {{"the index", "whole.index"}, {"--queries", "q.npy"}}},
        {{"search", path("part_aa"), path("part_ab"), "--queries", queries},
         {{"the index", "part_aa"}, {"the index", "part_ab"}}},
        {{"search", path("part_aa"), "--queries", queries}, {{"the index", "part_ab"}}},
        {{"search", "--plan", path("plan.json"), "--queries", queries},
         {{"--plan", "plan.json"}, {"the index", "other.index"}, {"--queries", "q.npy"}}},
        {{"search", path("whole.index"), "--devices", "cpu,@" + path("rig.json") + "*2", "--queries", queries},
         {{"a rig of --devices", "rig.json"}}},
    };
    for (const Reading& reading : readings) {
        for (const auto& [role, input] : reading.inputs) {
            for (const auto& [how, spelling] : spellings(input)) {
                for (const char* option : {"--out", "--distances"}) {
                    SCOPED_TRACE(how);
                    Arguments command = reading.command;
                    // Not even what may replace any file.
                    command.insert(command.end(), {option, spelling, "--force"});
                    expect_refused(command, {option, role, path(input)});
                }
            }
        }
    }
}

TEST_F(Outputs, AreNotTheSameFile) {
    const std::vector<std::pair<Arguments, Arguments>> commands = {
        {{"search", path("whole.index"), "--queries", path("q.npy"), "--force"}, {"--out", "--distances"}},
        {{"generate", "--count", "1", "--dim", "1", "--force"}, {"--out", "--queries"}},
    };
    write("there", "");
    for (const auto& [command, options] : commands) {
        const auto expect_same = [&, base = command, names = options](const std::string& a, const std::string& b) {
            Arguments typed = base;
            typed.insert(typed.end(), {names[0], a, names[1], b});
            expect_refused(typed, {names[0], names[1], "same file"});
        };
        for (const auto& [how, spelling] : spellings("there")) {
            SCOPED_TRACE(how);
            expect_same(path("there"), spelling);
        }
        // Of a file that is not there yet, too.
        fs::remove(path("folder/to_new"));
        fs::create_symlink(path("new"), path("folder/to_new"));
        for (const std::string& spelling :
             {path("new"), path("./new"), path("folder/../new"), path("linked_folder/../new"), path("folder/to_new")}) {
            expect_same(path("new"), spelling);
        }
    }
}

TEST_F(Outputs, MayBeNewFilesBesideTheInputs) {
    fs::create_symlink(path("whole.index"), path("link.index"));
    const ChildResult result = run_gpushard({"search", path("link.index"), "--queries", path("q.npy"), "--out",
                                             path("folder/q.npy"), "--distances", path("folder/whole.index")});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(read_ids(folder_ / "folder/q.npy").rows, 3);
    EXPECT_EQ(read_distances(folder_ / "folder/whole.index").rows, 3);
}

TEST_F(Outputs, OfASearchReplaceWhatASearchWroteAndNothingElseUnlessForced) {
    const auto search = [&](const std::string& option, const std::string& name) {
        return Arguments{"search", path("other.index"), "--queries", path("q.npy"), option, path(name), "--quiet"};
    };
    const std::string ids = npy("<i8", "(1, 2)", std::vector<std::int64_t>{1, 2});
    const std::string distances = npy("<f4", "(1, 2)", std::vector<float>{1, 2});
    struct Case {
        const char* what;
        std::string bytes;
        bool ids_may;
        bool distances_may;
    };
    for (const Case& old :
         {Case{"ids", ids, true, false}, Case{"distances", distances, false, true},
          Case{"an empty file", "", true, true},
          Case{"flat ids", npy("<i8", "(2,)", std::vector<std::int64_t>{1, 2}), false, false},
          Case{"an index", read_file(folder_ / "whole.index"), false, false},
          Case{"an index of another type", "IwFl and lists", false, false},
          Case{"a beginning of ids", ids.substr(0, 20), false, false}, Case{"a text", "text", false, false}}) {
        SCOPED_TRACE(old.what);
        for (const auto& [option, may] : {std::pair{"--out", old.ids_may}, {"--distances", old.distances_may}}) {
            write("old", old.bytes);
            if (!may) {
                expect_refused(search(option, "old"), {path("old") + ": exists", option, "--force"});
            }
            Arguments command = search(option, "old");
            if (!may) command.emplace_back("--force");
            EXPECT_EQ(run_gpushard(command).exit_code, 0);
            EXPECT_EQ(read_file(folder_ / "old").compare(0, 6, "\x93NUMPY"), 0);
        }
    }
}

TEST_F(Outputs, OfGenerateReplaceNothingUnlessForced) {
    write("made.index", "");
    for (const char* name : {"whole.index", "q.npy", "log.txt", "made.index"}) {
        expect_refused({"generate", "--out", path(name), "--count", "1", "--dim", "1"}, {"exists already", "--force"});
        expect_refused({"generate", "--out", path("new"), "--count", "1", "--dim", "1", "--queries", path(name)},
                       {"exists already", "--force"});
        EXPECT_EQ(run_gpushard({"generate", "--out", path(name), "--count", "1", "--dim", "1", "--force", "--quiet"})
                      .exit_code,
                  0);
        EXPECT_EQ(fs::file_size(path(name)), 45u + 4u);
    }
}

TEST_F(Outputs, StandardOutputAndErrorAreNotWhatACommandReads) {
    const std::vector<Reading> readings = {
        {{"inspect", path("whole.index"), "--json"}, {{"the index", "whole.index"}}},
        {{"inspect", path("part_aa"), path("part_ab")}, {{"the index", "part_ab"}}},
        // Of the first part alone the others are read too.
        {{"inspect", path("part_aa")}, {{"the index", "part_ab"}}},
        {{"plan", path("part_aa")}, {{"the index", "part_ab"}}},
        {{"plan", path("part_aa"), "--fit"}, {{"the index", "part_ab"}}},
        {{"bench", path("part_aa"), "--queries", path("q.npy")}, {{"the index", "part_ab"}}},
        {{"doctor", "--index", path("part_aa")}, {{"the index", "part_ab"}}},
        {{"explain", "--file", path("log.txt"), "--index", path("part_aa")}, {{"the index", "part_ab"}}},
        {{"plan", path("whole.index"), "--devices", "@" + path("rig.json")},
         {{"the index", "whole.index"}, {"a rig of --devices", "rig.json"}}},
        {{"plan", "--plan", path("plan.json"), "--json"}, {{"--plan", "plan.json"}, {"the index", "other.index"}}},
        {{"plan", path("whole.index"), "--fit"}, {{"the index", "whole.index"}}},
        {{"load", path("whole.index")}, {{"the index", "whole.index"}}},
        {{"search", path("whole.index"), "--queries", path("q.npy")}, {{"--queries", "q.npy"}}},
        {{"bench", path("whole.index"), "--queries", path("q.npy")},
         {{"--queries", "q.npy"}, {"the index", "whole.index"}}},
        {{"devices", "--devices", "@" + path("rig.json")}, {{"a rig of --devices", "rig.json"}}},
        {{"doctor", "--index", path("whole.index"), "--devices", "@" + path("rig.json")},
         {{"--index", "whole.index"}, {"a rig of --devices", "rig.json"}}},
        {{"explain", "--file", path("log.txt"), "--index", path("whole.index"), "--catalogue", path("catalogue.json"),
          "--devices", "@" + path("rig.json")},
         {{"--file", "log.txt"},
          {"--index", "whole.index"},
          {"--catalogue", "catalogue.json"},
          {"a rig of --devices", "rig.json"}}},
    };
    for (const Reading& reading : readings) {
        for (const auto& [role, input] : reading.inputs) {
            SCOPED_TRACE(reading.command.front() + " " + input);
            ChildSetup setup;
            setup.stdout_path = path(input);
            const ChildResult result = run_gpushard(reading.command, setup);
            EXPECT_EQ(result.exit_code, 2);
            EXPECT_THAT(result.err, AllOf(HasSubstr("standard output"), HasSubstr(role), HasSubstr(path(input))));
            setup = {};
            setup.stderr_path = path(input);
            EXPECT_EQ(run_gpushard(reading.command, setup).exit_code, 2);
            EXPECT_EQ(contents(), before_);
        }
    }
}

TEST_F(Outputs, StandardInputIsNotWrittenTo) {
    struct Case {
        Arguments command;
        const char* input;
        bool to_stdout;
    };
    for (const auto& [command, input, to_stdout] : std::vector<Case>{
             {{"explain"}, "log.txt", true},
             {{"explain", "--file", "-"}, "log.txt", true},
             {{"search", path("whole.index"), "--queries", "-"}, "q.npy", true},
             {{"search", path("whole.index"), "--queries", "-", "--out", "-"}, "q.npy", true},
             {{"bench", path("whole.index"), "--queries", "-"}, "q.npy", true},
             {{"search", path("whole.index"), "--queries", "-", "--out", path("q.npy"), "--force"}, "q.npy", false},
             {{"search", path("whole.index"), "--queries", "-", "--distances", path("q.npy")}, "q.npy", false},
             {{"search", path("whole.index"), "--queries", "/dev/stdin", "--out", path("q.npy"), "--force"},
              "q.npy",
              false}}) {
        ChildSetup setup;
        setup.stdin_path = path(input);
        if (to_stdout) setup.stdout_path = path(input);
        const ChildResult result = run_gpushard(command, setup);
        EXPECT_EQ(result.exit_code, 2) << testing::PrintToString(command);
        EXPECT_THAT(result.err, HasSubstr("the same file as"));
        EXPECT_EQ(contents(), before_);
    }
    // Who reads nothing from there may have it anywhere.
    ChildSetup setup;
    setup.stdin_path = path("q.npy");
    setup.stdout_path = path("q.npy");
    EXPECT_EQ(run_gpushard({"inspect", path("whole.index")}, setup).exit_code, 0);
}

TEST_F(Outputs, AFileIsNotStandardOutputToo) {
    write("ids.npy", "");
    ChildSetup setup;
    setup.stdout_path = path("ids.npy");
    const ChildResult result =
        run_gpushard({"search", path("whole.index"), "--queries", path("q.npy"), "--out", path("ids.npy")}, setup);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr("standard output and --out name the same file"));
}

TEST_F(Outputs, OnStandardOutputAreTheOnesOfAFile) {
    const Arguments search = {"search", path("whole.index"), "--queries", path("q.npy"), "--quiet"};
    const auto with = [&](const std::vector<std::string>& more) {
        Arguments command = search;
        command.insert(command.end(), more.begin(), more.end());
        return command;
    };
    ASSERT_EQ(run_gpushard(with({"--out", path("ids.npy")})).exit_code, 0);
    EXPECT_EQ(run_gpushard(with({"--out", "-"})).out, read_file(folder_ / "ids.npy"));
    EXPECT_FALSE(fs::exists("-"));
    // Who redirects it decides what it replaces, as with every command; but what is read stays.
    write("there.npy", "");
    ChildSetup setup;
    setup.stdout_path = path("there.npy");
    EXPECT_EQ(run_gpushard(with({"--out", "-", "--distances", path("distances.npy")}), setup).exit_code, 0);
    EXPECT_EQ(read_file(folder_ / "there.npy"), read_file(folder_ / "ids.npy"));
    setup.stdout_path = path("whole.index");
    EXPECT_EQ(run_gpushard(with({"--out", "-"}), setup).exit_code, 2);
    EXPECT_EQ(read_file(folder_ / "whole.index"), before_.at(path("whole.index")));
}

TEST_F(Outputs, APlanIsSavedWhereItIsRead) {
    write("new.json", "");
    ChildSetup setup;
    setup.stdout_path = path("new.json");
    EXPECT_EQ(run_gpushard({"plan", path("whole.index"), "--json"}, setup).exit_code, 0);
    EXPECT_EQ(run_gpushard({"plan", "--plan", path("new.json")}).exit_code, 0);
}

TEST_F(Outputs, AreWholeWhicheverStandardDescriptorsAreClosed) {
    const auto search = [&](const std::string& name, const std::vector<int>& closed) {
        ChildSetup setup;
        setup.closed = closed;
        const ChildResult result = run_gpushard({"search", path("whole.index"), "--queries", path("q.npy"), "--out",
                                                 path(name), "--distances", path(name + ".d")},
                                                setup);
        EXPECT_EQ(result.exit_code, 0) << result.err;
        return read_file(folder_ / name) + read_file(folder_ / (name + ".d"));
    };
    const std::string expected = search("open", {});
    for (int which = 1; which < 8; ++which) {
        std::vector<int> closed;
        for (int descriptor = 0; descriptor < 3; ++descriptor) {
            if ((which >> descriptor & 1) != 0) closed.push_back(descriptor);
        }
        SCOPED_TRACE(testing::PrintToString(closed));
        EXPECT_EQ(search("closed" + std::to_string(which), closed), expected);
        ChildSetup setup;
        setup.closed = closed;
        EXPECT_EQ(run_gpushard({"inspect", path("absent.index")}, setup).exit_code, 4);
    }
    for (const auto& [name, bytes] : before_) {
        if (fs::is_regular_file(name)) {
            EXPECT_EQ(read_file(name), bytes) << name;
        }
    }
}

}  // namespace
}  // namespace gpushard::test
