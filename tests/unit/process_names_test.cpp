#include "device/process_names.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "support/temp_dir.hpp"

namespace gpushard {
namespace {

namespace fs = std::filesystem;

/// A machine's /proc with one process, 4711, seen from the process namespace of this name.
void make_proc(const fs::path& root, const char* name_space) {
    fs::create_directories(root / "proc/4711");
    fs::create_directories(root / "proc/self/ns");
    std::ofstream(root / "proc/4711/comm") << "python3\n";
    fs::create_symlink(name_space, root / "proc/self/ns/pid");
}

TEST(ProcessNames, AreThoseOfTheSystem) {
    const test::TempDir root;
    make_proc(root.path(), "pid:[4026531836]");
    const ProcessNames names(root.path());
    EXPECT_EQ(names.name_of(4711), "python3");
    EXPECT_EQ(names.name_of(4712), "");
}

TEST(ProcessNames, AreNotTakenFromAContainersOwnProcesses) {
    const test::TempDir root;
    make_proc(root.path(), "pid:[4026533000]");
    EXPECT_EQ(ProcessNames(root.path()).name_of(4711), "");
}

}  // namespace
}  // namespace gpushard
