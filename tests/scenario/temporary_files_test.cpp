#include <algorithm>
#include <csignal>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hanging_child.hpp"
#include "scenario.hpp"

namespace gpushard::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Pair;

class TemporaryFiles : public ScenarioFolder {
protected:
    Arguments generate(const std::string& name) const {
        return {"generate", "--out", path(name), "--count", "10", "--dim", "4", "--force", "--quiet"};
    }

    /// What is there while a run that makes `made.index` hangs; then the signal comes.
    std::vector<std::string> files_while_hanging(int signal, const std::function<void()>& meanwhile = {}) {
        std::vector<std::string> seen;
        run_gpushard(generate("made.index"), hang_in("pwrite:2", [&](pid_t child) {
                         if (meanwhile) meanwhile();
                         seen = files();
                         ::kill(child, signal);
                     }));
        return seen;
    }

    mode_t mode_of(const std::string& name) const {
        struct stat status = {};
        EXPECT_EQ(::stat(path(name).c_str(), &status), 0);
        return status.st_mode & 07777;
    }
};

/// Sets the mask of the test, and so of its children.
class Umask {
public:
    explicit Umask(mode_t mask) : before_(::umask(mask)) {}
    ~Umask() { ::umask(before_); }
    Umask(const Umask&) = delete;
    Umask& operator=(const Umask&) = delete;

private:
    mode_t before_;
};

#ifndef GPUSHARD_SANITIZED
TEST_F(TemporaryFiles, HaveRandomNamesAndAreRemovedByTheNextRunWhenTheirOwnerWasKilled) {
    const auto first = files_while_hanging(SIGKILL);
    EXPECT_THAT(first, ElementsAre(MatchesRegex("made\\.index\\.partial-[0-9a-f]{16}")));
    EXPECT_EQ(files(), first);
    const auto second = files_while_hanging(SIGKILL);
    EXPECT_THAT(second, ElementsAre(MatchesRegex("made\\.index\\.partial-[0-9a-f]{16}")));
    EXPECT_NE(second, first);
    EXPECT_EQ(run_gpushard(generate("made.index")).exit_code, 0);
    EXPECT_THAT(files(), ElementsAre("made.index"));
}

TEST_F(TemporaryFiles, AreKeptWhileTheirOwnerLives) {
    std::vector<std::string> before;
    const auto after = files_while_hanging(SIGTERM, [&] {
        before = files();
        EXPECT_EQ(run_gpushard(generate("made.index")).exit_code, 0);
    });
    ASSERT_EQ(before.size(), 1u);
    EXPECT_THAT(after, ElementsAre("made.index", before.front()));
    EXPECT_THAT(files(), ElementsAre("made.index"));
}

TEST_F(TemporaryFiles, OfOtherTargetsAndFilesThatOnlyLookAlikeAreLeftAlone) {
    const std::string other = files_while_hanging(SIGKILL).front();
    write("made.index.partial-notes", "notes");
    write("made.index.partial-0123456789ABCDEF", "notes");
    write("unmade.index.partial-0123456789abcdef", "notes");
    std::filesystem::create_directory(path("mine.index.partial-0123456789abcdef"));
    ASSERT_EQ(::mkfifo(path("mine.index.partial-0123456789abcdee").c_str(), 0666), 0);
    std::filesystem::create_symlink("made.index.partial-notes", path("mine.index.partial-0123456789abcded"));
    auto kept = files();
    EXPECT_EQ(run_gpushard(generate("mine.index")).exit_code, 0);
    kept.emplace_back("mine.index");
    std::sort(kept.begin(), kept.end());
    EXPECT_EQ(files(), kept);

    EXPECT_EQ(run_gpushard(generate("made.index")).exit_code, 0);
    std::replace(kept.begin(), kept.end(), other, std::string("made.index"));
    std::sort(kept.begin(), kept.end());
    EXPECT_EQ(files(), kept);
}

TEST_F(TemporaryFiles, OfAFileThatMayBeReadByItsOwnerAloneMayBeToo) {
    write("made.index", "secret");
    std::filesystem::permissions(path("made.index"), std::filesystem::perms(0600));
    const std::string partial = files_while_hanging(SIGKILL).back();
    EXPECT_EQ(mode_of(partial), 0600u);
}

TEST_F(TemporaryFiles, WhatAKilledRunHasLeftIsNoInputOfTheNext) {
    const std::string left = files_while_hanging(SIGKILL).front();
    std::filesystem::rename(path(left), path("ids.npy" + left.substr(left.rfind(".partial-"))));
    const std::string index = path(files().front());
    write(files().front(), flat_index(uniform_rows(10, 4, 1), Metric::l2));
    const std::string queries = write("q.npy", query_npy(uniform_rows(3, 4, 2)));
    expect_error({"search", index, "--queries", queries, "--out", path("ids.npy")}, 2, {"earlier run", "--out"});
    EXPECT_TRUE(std::filesystem::exists(index));
}
#endif

TEST_F(TemporaryFiles, RunsAtOneTimeDoNotTakeEachOthersForLeftovers) {
    std::vector<ChildResult> results(24);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (std::size_t i = t; i < results.size(); i += 4) results[i] = run_gpushard(generate("made.index"));
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (const ChildResult& result : results) EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(files(), ElementsAre("made.index"));
}

TEST_F(TemporaryFiles, OfRunsAtOneTimeThatReplaceNothingOneMakesTheFile) {
    std::vector<ChildResult> results(24);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (std::size_t i = t; i < results.size(); i += 4) {
                results[i] = run_gpushard({"generate", "--out", path("made.index"), "--count", "10", "--dim", "4"});
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    std::map<int, int> exit_codes;
    for (const ChildResult& result : results) {
        ++exit_codes[result.exit_code];
        if (result.exit_code != 0) {
            EXPECT_THAT(result.err, HasSubstr("--force, which replaces it"));
        }
    }
    EXPECT_THAT(exit_codes, ElementsAre(Pair(0, 1), Pair(2, 23)));
    EXPECT_THAT(files(), ElementsAre("made.index"));
}

TEST_F(TemporaryFiles, AReplacedFileKeepsItsModeAndItsOwner) {
    const bool may_give_away = ::geteuid() == 0;
    for (const mode_t mode : {0600u, 0640u, 0444u, 0666u, 0755u}) {
        const Umask mask(077);
        write("made.index", "old");
        ASSERT_EQ(::chmod(path("made.index").c_str(), mode), 0);
        if (may_give_away) {
            ASSERT_EQ(::chown(path("made.index").c_str(), 12, 34), 0);
        }
        EXPECT_EQ(run_gpushard(generate("made.index")).exit_code, 0);
        EXPECT_EQ(mode_of("made.index"), mode);
        struct stat status = {};
        ASSERT_EQ(::stat(path("made.index").c_str(), &status), 0);
        EXPECT_EQ(status.st_size, 45 + 160);
        if (may_give_away) {
            EXPECT_EQ(status.st_uid, 12u);
        }
        if (may_give_away) {
            EXPECT_EQ(status.st_gid, 34u);
        }
        std::filesystem::remove(path("made.index"));
    }
}

TEST_F(TemporaryFiles, ANewFileHasTheModeThatTheUmaskLeaves) {
    for (const mode_t mask : {022u, 027u, 077u}) {
        const Umask masked(mask);
        EXPECT_EQ(run_gpushard(generate("made.index")).exit_code, 0);
        EXPECT_EQ(mode_of("made.index"), 0666 & ~mask);
        std::filesystem::remove(path("made.index"));
    }
}

TEST_F(TemporaryFiles, NamesAreNoLongerThanNamesMayBe) {
    const std::string longest(255, 'n');
    EXPECT_EQ(run_gpushard(generate(longest)).exit_code, 0);
    EXPECT_THAT(files(), ElementsAre(longest));
}

TEST_F(TemporaryFiles, WhatCannotBeMadeIsOneClearLine) {
    std::filesystem::create_symlink("circle.index", path("circle.index"));
    expect_error(generate("circle.index"), 4, {"circle.index", "Too many levels of symbolic links"});
    expect_error(generate(std::string(256, 'n')), 4, {"File name too long"});
    expect_error(generate("absent/made.index"), 4, {"absent", "No such file or directory"});
    std::filesystem::create_directory(path("folder"));
    expect_error(generate("folder"), 4, {"is no regular file"});
    expect_error(generate("folder/"), 4, {"is no regular file"});
    write("file", "text");
    expect_error(generate("file/made.index"), 4, {"Not a directory"});
    expect_error({"generate", "--out", "/proc/made.index", "--count", "1", "--dim", "1"}, 4, {"/proc/made.index"});
    EXPECT_THAT(files(), ElementsAre("circle.index", "file", "folder"));
}

TEST_F(TemporaryFiles, ALinkToNothingIsFollowedToo) {
    std::filesystem::create_directory(path("folder"));
    std::filesystem::create_symlink("folder/made.index", path("link.index"));
    EXPECT_EQ(run_gpushard(generate("link.index")).exit_code, 0);
    EXPECT_TRUE(std::filesystem::is_symlink(path("link.index")));
    EXPECT_EQ(std::filesystem::file_size(path("folder/made.index")), 45u + 160u);
}

}  // namespace
}  // namespace gpushard::test
