#include <chrono>
#include <filesystem>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/byte_source.hpp>
#include <gpushard/error.hpp>
#include <gpushard/explain.hpp>
#include <gpushard/index_inspector.hpp>
#include <gpushard/load.hpp>
#include <gpushard/report.hpp>

#include "index/file_source.hpp"
#include "support/errors.hpp"
#include "support/index_writer.hpp"
#include "support/temp_dir.hpp"

namespace gpushard {
namespace {

using test::message_of;
using test::TempDir;
using test::write_file;
using testing::AllOf;
using testing::HasSubstr;

std::string alphabet(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + i % 26);
    return bytes;
}

std::string read(const ByteSource& source, Bytes offset, std::size_t count) {
    std::string bytes(count, '?');
    source.read(offset, bytes.data(), count);
    return bytes;
}

TEST(ByteSource, ReadsAtAnyOffsetAndCounts) {
    const TempDir folder;
    write_file(folder / "x", alphabet(1000));
    const auto source = open_file(folder / "x");
    EXPECT_EQ(source->name(), (folder / "x").string());
    EXPECT_EQ(source->size(), 1000u);
    EXPECT_EQ(read(*source, 26, 3), "abc");
    EXPECT_EQ(read(*source, 999, 1), alphabet(1000).substr(999));
    EXPECT_EQ(read(*source, 1000, 0), "");
    EXPECT_EQ(source->bytes_read(), 4u);
}

TEST(ByteSource, RefusesBytesBeyondTheEnd) {
    const std::string bytes = alphabet(100);
    const auto source = view_memory(bytes.data(), bytes.size(), "some.index");
    char out = 0;
    const Bytes most = std::numeric_limits<Bytes>::max();
    for (const auto& [offset, count] : std::vector<std::pair<Bytes, std::size_t>>{
             {100, 1}, {0, 101}, {101, 0}, {most, 1}, {1, most}, {most, most}, {50, most - 49}}) {
        EXPECT_THROW(source->read(offset, &out, count), BadFile) << offset << " " << count;
    }
    EXPECT_THAT(message_of<BadFile>([&] { source->read(99, &out, 7); }),
                AllOf(HasSubstr("some.index"), HasSubstr("7 bytes"), HasSubstr("offset 99"), HasSubstr("100")));
    EXPECT_EQ(source->bytes_read(), 0u);
    EXPECT_THROW(view_memory(nullptr, 1), InvalidArgument);
    EXPECT_EQ(view_memory(nullptr, 0)->size(), 0u);
}

TEST(ByteSource, CountsWhatManyThreadsRead) {
    const TempDir folder;
    write_file(folder / "x", alphabet(8000));
    const auto source = open_file(folder / "x");
    {
        std::vector<std::jthread> threads;
        for (Bytes t = 0; t < 8; ++t) {
            threads.emplace_back([&, t] {
                for (Bytes i = 0; i < 100; ++i) EXPECT_EQ(read(*source, t * 1000 + i * 10, 10).size(), 10u);
            });
        }
    }
    EXPECT_EQ(source->bytes_read(), 8000u);
}

TEST(OpenFile, SaysWhyAFileCannotBeRead) {
    const TempDir folder;
    EXPECT_THAT(message_of<BadFile>([&] { open_file(folder / "missing"); }),
                AllOf(HasSubstr("missing"), HasSubstr("No such file")));
    EXPECT_THAT(message_of<BadFile>([&] { open_file(folder.path()); }), HasSubstr("is a folder"));
    write_file(folder / "empty", "");
    EXPECT_THAT(message_of<BadFile>([&] { open_file(folder / "empty"); }), HasSubstr("is empty"));
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    EXPECT_THAT(message_of<BadFile>([&] { open_file(folder / "pipe"); }), HasSubstr("is a named pipe"));
}

TEST(OpenFile, SaysThatPermissionIsMissing) {
    if (::geteuid() == 0) GTEST_SKIP() << "root may read every file";
    const TempDir folder;
    write_file(folder / "locked", "x");
    std::filesystem::permissions(folder / "locked", std::filesystem::perms::none);
    EXPECT_THAT(message_of<BadFile>([&] { open_file(folder / "locked"); }), HasSubstr("Permission denied"));
}

class ChangedFile : public testing::Test {
protected:
    ChangedFile() {
        write_file(path, alphabet(100));
        source = open_file(path);
        source->check_unchanged();
    }

    struct stat status() const {
        struct stat status {};
        EXPECT_EQ(::stat(path.c_str(), &status), 0);
        return status;
    }

    TempDir folder;
    std::filesystem::path path = folder / "x.index";
    std::shared_ptr<ByteSource> source;
};

TEST_F(ChangedFile, BySize) {
    std::filesystem::resize_file(path, 99);
    EXPECT_THAT(message_of<FileChanged>([&] { source->check_unchanged(); }),
                AllOf(HasSubstr("x.index"), HasSubstr("100"), HasSubstr("99")));
    // What is gone cannot be read, and the reason is given.
    EXPECT_THROW(read(*source, 90, 10), FileChanged);
}

TEST_F(ChangedFile, ByGrowing) {
    std::filesystem::resize_file(path, 101);
    EXPECT_THAT(message_of<FileChanged>([&] { source->check_unchanged(); }), HasSubstr("was 100 bytes, now 101"));
}

TEST_F(ChangedFile, ByModificationTime) {
    const auto time = std::filesystem::last_write_time(path);
    std::filesystem::last_write_time(path, time - std::chrono::nanoseconds(1000));
    EXPECT_THAT(message_of<FileChanged>([&] { source->check_unchanged(); }), HasSubstr("it was modified"));
}

TEST_F(ChangedFile, ByWritingItAndSettingTheTimeBack) {
    const timespec before = status().st_ctim;
    // A clock of the kernel has ticks of some milliseconds: until it has moved, nothing can be told.
    while (status().st_ctim.tv_sec == before.tv_sec && status().st_ctim.tv_nsec == before.tv_nsec) {
        const auto time = std::filesystem::last_write_time(path);
        write_file(path, alphabet(99) + "!");
        std::filesystem::last_write_time(path, time);
    }
    EXPECT_THAT(message_of<FileChanged>([&] { source->check_unchanged(); }), HasSubstr("the time set back"));
}

TEST_F(ChangedFile, NotByLinksAndPermissions) {
    for (int i = 0; i < 20; ++i) {
        std::filesystem::create_hard_link(path, folder / "backup");
        EXPECT_NO_THROW(source->check_unchanged());
        std::filesystem::permissions(path, std::filesystem::perms(i % 2 == 0 ? 0400 : 0644));
        EXPECT_NO_THROW(source->check_unchanged());
        std::filesystem::remove(folder / "backup");
        EXPECT_NO_THROW(source->check_unchanged());
    }
}

TEST_F(ChangedFile, ByRenamingAnotherOverIt) {
    const auto time = std::filesystem::last_write_time(path);
    write_file(folder / "other", alphabet(100));
    std::filesystem::last_write_time(folder / "other", time);
    std::filesystem::rename(folder / "other", path);
    EXPECT_THAT(message_of<FileChanged>([&] { source->check_unchanged(); }), HasSubstr("replaced"));
}

TEST_F(ChangedFile, ByRemovingIt) {
    std::filesystem::remove(path);
    EXPECT_THAT(message_of<FileChanged>([&] { source->check_unchanged(); }), HasSubstr("no longer there"));
}

TEST_F(ChangedFile, NotByReadingItOrGivingItsCacheAway) {
    EXPECT_EQ(read(*source, 0, 100), alphabet(100));
    source->done_with(0, 100);
    EXPECT_NO_THROW(source->check_unchanged());
    EXPECT_EQ(read(*source, 0, 100), alphabet(100));
}

/// What two states of a file are, by what differs.
TEST(FileIdentity, SaysWhatTellsThatTheContentChanged) {
    const FileIdentity before = {.device = 1,
                                 .inode = 2,
                                 .size = 3,
                                 .modified = {4, 5},
                                 .changed = {6, 7},
                                 .mode = 8,
                                 .owner = 9,
                                 .group = 10,
                                 .links = 1};
    struct Case {
        const char* told;  ///< empty: it is the same
        std::function<void(FileIdentity&)> change;
    };
    const Case cases[] = {
        {"", [](FileIdentity&) {}},
        {"replaced", [](FileIdentity& now) { now.inode = 3; }},
        {"replaced", [](FileIdentity& now) { now.device = 3; }},
        {"its size was 3 bytes, now 4", [](FileIdentity& now) { now.size = 4; }},
        {"modified", [](FileIdentity& now) { now.modified.nanoseconds = 6; }},
        {"modified", [](FileIdentity& now) { now.modified.seconds = 3; }},
        {"the time set back", [](FileIdentity& now) { now.changed.nanoseconds = 8; }},
        {"the time set back", [](FileIdentity& now) { now.changed.seconds = 7; }},
        {"", [](FileIdentity& now) { now.changed.seconds = 7, now.links = 2; }},
        {"", [](FileIdentity& now) { now.changed.seconds = 7, now.mode = 1; }},
        {"", [](FileIdentity& now) { now.changed.seconds = 7, now.owner = 1; }},
        {"", [](FileIdentity& now) { now.changed.seconds = 7, now.group = 1; }},
        {"modified", [](FileIdentity& now) { now.changed.seconds = 7, now.links = 2, now.modified.seconds = 5; }},
    };
    for (const Case& one : cases) {
        FileIdentity now = before;
        one.change(now);
        const std::string told = difference(before, now);
        EXPECT_EQ(told.empty(), std::string(one.told).empty()) << told;
        EXPECT_THAT(told, HasSubstr(one.told));
    }
}

ExplainOptions with_catalogue(const std::filesystem::path& path) {
    ExplainOptions options;
    options.catalogues = {path};
    return options;
}

/// A path that no file can have is the caller's mistake, whatever the call.
TEST(Paths, ThatAreEmptyOrHoldAZeroByteAreRefusedByEveryCall) {
    const std::function<void(const std::filesystem::path&)> calls[] = {
        [](const auto& path) { open_file(path); },
        [](const auto& path) { open_parts({path}); },
        [](const auto& path) {
            open_parts({path, path});
        },
        [](const auto& path) { open_parts({path}, PartOrder::as_given); },
        [](const auto& path) { inspect_index(path); },
        [](const auto& path) { inspect_index(std::vector{path}); },
        [](const auto& path) { plan(path); },
        [](const auto& path) { load(path); },
        [](const auto& path) {
            load(std::vector{path, path});
        },
        [](const auto& path) { read_plan(path); },
        [](const auto& path) { read_rig(path); },
        [](const auto& path) { explain_file(path); },
        [](const auto& path) { explain(std::string_view("x"), with_catalogue(path)); },
        [](const auto& path) { read_text(path, 1, [](std::string_view) {}); },
    };
    for (const auto& call : calls) {
        EXPECT_THAT(message_of<InvalidArgument>([&] { call(""); }), HasSubstr("is empty"));
        EXPECT_THAT(message_of<InvalidArgument>([&] { call(std::string("a\0b", 3)); }), HasSubstr("a?b"));
    }
}

/// Everything that might never begin or never end is refused at once by whatever reads texts.
TEST(ReadText, RefusesWhatIsNoFile) {
    const TempDir folder;
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    ASSERT_EQ(::mknod((folder / "socket").c_str(), S_IFSOCK | 0600, 0), 0);
    std::filesystem::create_symlink(folder / "pipe", folder / "link");
    const std::pair<std::filesystem::path, const char*> cases[] = {
        {folder / "pipe", "is a named pipe"}, {folder / "link", "is a named pipe"},
        {folder.path(), "is a folder"},       {"/dev/zero", "is a device"},
        {"/dev/null", "is a device"},         {folder / "socket", "socket"},
        {folder / "missing", "No such file"}, {folder / "missing" / "x", "No such file"},
    };
    const std::function<void(const std::filesystem::path&)> calls[] = {
        [](const auto& path) { open_file(path); },
        [](const auto& path) { inspect_index(path); },
        [](const auto& path) { read_plan(path); },
        [](const auto& path) { read_rig(path); },
        [](const auto& path) { explain_file(path); },
        [](const auto& path) { explain(std::string_view("x"), with_catalogue(path)); },
    };
    for (const auto& [path, told] : cases) {
        for (const auto& call : calls) {
            EXPECT_THAT(message_of<BadFile>([&] { call(path); }), HasSubstr(path.string() + ": ")) << told;
        }
        if (std::string(told) == "socket") continue;  // the system says it cannot be opened
        EXPECT_THAT(message_of<BadFile>([&] { read_plan(path); }), HasSubstr(told));
    }
}

/// Pipes without a name, as a shell makes them for `<(command)`, and files, up to the bound.
TEST(ReadText, ReadsFilesAndPipesUpToItsBound) {
    const TempDir folder;
    const std::string text = alphabet(200'000);
    write_file(folder / "file", text);
    const auto read_all = [](const std::filesystem::path& path, Bytes most) {
        std::string all;
        read_text(path, most, [&](std::string_view block) { all += block; });
        return all;
    };
    EXPECT_EQ(read_all(folder / "file", text.size()), text);
    EXPECT_THAT(message_of<BadFile>([&] { read_all(folder / "file", text.size() - 1); }), HasSubstr("more than"));
    for (const Bytes most : {text.size(), text.size() - 1}) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        std::jthread writer([&] {
            std::string_view left = text;
            while (!left.empty()) {
                const ssize_t wrote = ::write(ends[1], left.data(), left.size());
                if (wrote <= 0) break;
                left.remove_prefix(static_cast<std::size_t>(wrote));
            }
            ::close(ends[1]);
        });
        const std::string path = "/dev/fd/" + std::to_string(ends[0]);
        if (most == text.size()) {
            EXPECT_EQ(read_all(path, most), text);
        } else {
            EXPECT_THAT(message_of<BadFile>([&] { read_all(path, most); }), HasSubstr("more than"));
            char rest[4096];
            while (::read(ends[0], rest, sizeof rest) > 0) {
            }
        }
        writer.join();
        ::close(ends[0]);
    }
}

TEST(OpenParts, ReadAsTheFileTheyWereCutFrom) {
    const TempDir folder;
    const std::string whole = alphabet(200);
    const auto paths = test::write_parts(folder.path(), whole, {1, 2, 50, 51, 199});
    const auto source = open_parts(paths);
    EXPECT_EQ(source->size(), whole.size());
    EXPECT_THAT(source->name(), AllOf(HasSubstr("part_aa"), HasSubstr("+5 parts")));
    for (Bytes offset = 0; offset <= whole.size(); ++offset) {
        for (Bytes count = 0; count <= whole.size() - offset; ++count) {
            ASSERT_EQ(read(*source, offset, count), whole.substr(offset, count)) << offset << " " << count;
        }
    }
    source->done_with(0, whole.size());
    char out = 0;
    EXPECT_THROW(source->read(200, &out, 1), BadFile);
}

TEST(OpenParts, NamesTheFirstThatIsMissingOrEmpty) {
    const TempDir folder;
    auto paths = test::write_parts(folder.path(), alphabet(30), {10, 20});
    std::filesystem::remove(paths[1]);
    EXPECT_THAT(message_of<BadFile>([&] { open_parts(paths); }), AllOf(HasSubstr("part_ab"), HasSubstr("No such")));
    write_file(paths[1], "");
    EXPECT_THAT(message_of<BadFile>([&] { open_parts(paths); }), AllOf(HasSubstr("part_ab"), HasSubstr("empty")));
    EXPECT_THROW(open_parts({}), InvalidArgument);
}

TEST(OpenParts, NoticesAChangeOfAnyPart) {
    const TempDir folder;
    const auto paths = test::write_parts(folder.path(), alphabet(30), {10, 20});
    const auto source = open_parts(paths);
    EXPECT_NO_THROW(source->check_unchanged());
    std::filesystem::resize_file(paths[2], 9);
    EXPECT_THAT(message_of<FileChanged>([&] { source->check_unchanged(); }), HasSubstr("part_ac"));
}

}  // namespace
}  // namespace gpushard
