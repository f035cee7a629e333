#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/doctor.hpp>
#include <gpushard/error.hpp>

#include "doctor/host_facts.hpp"
#include "doctor/index_facts.hpp"
#include "support/index_writer.hpp"
#include "support/temp_dir.hpp"

namespace gpushard::doctor {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A fabricated machine under a folder.
class HostFiles : public testing::Test {
protected:
    void write(const std::string& name, const std::string& text) {
        fs::create_directories((root_ / name).parent_path());
        std::ofstream(root_ / name) << text;
    }
    HostFacts read() const { return read_host_facts(root_.path()); }

    test::TempDir root_;
};

TEST_F(HostFiles, TellNothingWhereThereIsNothing) {
    const HostFacts host = read();
    EXPECT_EQ(host.memory.total, 0u);
    EXPECT_FALSE(host.memory.group_limit.has_value());
    EXPECT_FALSE(host.overcommit_mode.has_value());
    EXPECT_FALSE(host.processor_quota.has_value());
    EXPECT_GE(host.usable_processors, 1);
    EXPECT_LE(host.usable_processors, host.processors);
    EXPECT_GE(host.openmp_threads, 1);
}

TEST_F(HostFiles, TellOfControlGroupsOfVersionTwo) {
    write("proc/meminfo",
          "MemTotal: 1048576 kB\nMemAvailable: 1048576 kB\nCommitLimit: 2048 kB\nCommitted_AS: 1024 kB\n");
    write("proc/sys/vm/overcommit_memory", "2\n");
    write("proc/self/cgroup", "0::/job/step\n");
    write("sys/fs/cgroup/job/memory.max", "268435456\n");
    write("sys/fs/cgroup/job/memory.current", "67108864\n");
    write("sys/fs/cgroup/job/step/memory.max", "max\n");
    write("sys/fs/cgroup/job/step/memory.current", "67108864\n");
    write("sys/fs/cgroup/job/step/cpu.max", "150000 100000\n");
    write("sys/fs/cgroup/job/cpu.max", "max 100000\n");
    const HostFacts host = read();
    EXPECT_EQ(host.memory.group_limit, 256_MiB);
    EXPECT_EQ(host.memory.group_left, 192_MiB);
    EXPECT_EQ(host.memory.available, 192_MiB);
    EXPECT_EQ(host.processor_quota, 1.5);
    EXPECT_EQ(host.overcommit_mode, 2);
    EXPECT_EQ(host.commit_limit, 2_MiB);
    EXPECT_EQ(host.committed, 1_MiB);
}

TEST_F(HostFiles, TellOfControlGroupsOfVersionOne) {
    write("proc/self/cgroup", "5:cpu,cpuacct:/job\n7:memory:/job\n");
    write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
    write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "4096\n");
    write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "200000\n");
    write("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
    EXPECT_FALSE(read().memory.group_limit.has_value()) << "a number beyond any memory is no limit";
    EXPECT_EQ(read().processor_quota, 2.0);
    write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "-1\n");
    EXPECT_FALSE(read().processor_quota.has_value());
}

TEST(Blas, IsToldByItsFile) {
    EXPECT_EQ(blas_kind_of(""), BlasKind::unknown);
    EXPECT_EQ(blas_kind_of("/usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0"), BlasKind::reference);
    EXPECT_EQ(blas_kind_of("/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3"), BlasKind::openblas);
    EXPECT_EQ(blas_kind_of("/opt/conda/lib/libopenblasp-r0.3.21.so"), BlasKind::openblas);
    EXPECT_EQ(blas_kind_of("/opt/intel/mkl/lib/libmkl_rt.so.2"), BlasKind::mkl);
    EXPECT_EQ(blas_kind_of("/usr/lib/libblis.so.4"), BlasKind::blis);
    EXPECT_EQ(blas_kind_of("/usr/lib/atlas/libblas.so.3"), BlasKind::atlas);
    EXPECT_EQ(blas_kind_of("/usr/lib/libarmpl_lp64.so"), BlasKind::other);
    const BlasFacts here = find_blas();
    EXPECT_NE(here.kind, BlasKind::unknown) << "Faiss brings one";
    EXPECT_EQ(here.kind == BlasKind::openblas, here.threads != BlasFacts::Threads::unknown);
}

TEST(FileSystems, AreToldByTheirNumber) {
    EXPECT_EQ(file_system_of(0x6969).name, "nfs");
    EXPECT_EQ(file_system_of(0x6969).place, IndexFacts::Place::network);
    EXPECT_EQ(file_system_of(0xFFFFFFFFFF534D42).name, "cifs") << "sign-extended, as some systems hand it out";
    EXPECT_EQ(file_system_of(0x01021994).place, IndexFacts::Place::memory);
    EXPECT_EQ(file_system_of(0xEF53).place, IndexFacts::Place::local);
    EXPECT_EQ(file_system_of(0x12345).place, IndexFacts::Place::unknown);
}

TEST(IndexFactsOfFiles, CountWhatIsStoredAndCached) {
    const test::TempDir folder;
    const fs::path path = folder / "some.bin";
    test::write_file(path, std::string(8 << 20, 'x'));
    const IndexFacts whole = read_index_facts({path});
    EXPECT_EQ(whole.bytes, 8_MiB);
    EXPECT_EQ(whole.cached, 1.0) << "it was written a moment ago";
    fs::resize_file(path, 64 << 20);
    const IndexFacts sparse = read_index_facts({path});
    EXPECT_EQ(sparse.bytes, 64_MiB);
    EXPECT_LE(sparse.stored_bytes, 9_MiB);
    ASSERT_TRUE(sparse.cached.has_value());
    EXPECT_NEAR(*sparse.cached, 0.125, 0.02) << "an eighth of it was written";
    EXPECT_EQ(read_index_facts({path, path}).bytes, 128_MiB);
    EXPECT_FALSE(read_index_facts({folder / "missing"}).cached.has_value());
}

TEST(ExamineMachine, ReportsAnIndexThatCannotBeRead) {
    const test::TempDir folder;
    DoctorOptions options;
    options.devices = "cpu";
    options.index = {folder / "missing.index"};
    const DoctorReport report = examine_machine(options);
    EXPECT_EQ(report.gravest(), ErrorKind::bad_file);
    options.devices = "four cards";
    EXPECT_THROW(examine_machine(options), InvalidArgument);
}

}  // namespace
}  // namespace gpushard::doctor
