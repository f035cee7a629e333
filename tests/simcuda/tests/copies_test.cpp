#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <fstream>
#include <numeric>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include "simcuda/tests/simulated_rig.hpp"
#include "support/temp_dir.hpp"

namespace gpushard::test {
namespace {

using Copies = SimulatedRig;

std::vector<unsigned char> pattern(std::size_t bytes, unsigned seed = 1) {
    std::vector<unsigned char> data(bytes);
    for (unsigned char& byte : data) byte = static_cast<unsigned char>((seed = seed * 1664525 + 1013904223) >> 24);
    return data;
}

std::vector<unsigned char> download(const void* from, std::size_t bytes) {
    std::vector<unsigned char> data(bytes, 0xEE);
    EXPECT_EQ(cudaMemcpy(data.data(), from, bytes, cudaMemcpyDeviceToHost), cudaSuccess);
    return data;
}

/// Memory of this process that is neither files nor the page of zeros.
Bytes anonymous_bytes() {
    std::ifstream status("/proc/self/status");
    std::string word;
    while (status >> word) {
        if (word != "RssAnon:") continue;
        Bytes kibibytes = 0;
        status >> kibibytes;
        return kibibytes * 1_KiB;
    }
    ADD_FAILURE() << "no RssAnon";
    return 0;
}

/// So much address space that reads as zeros.
class Zeros {
public:
    explicit Zeros(std::size_t bytes)
        : bytes_(bytes), data_(mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {}
    Zeros(const Zeros&) = delete;
    Zeros& operator=(const Zeros&) = delete;
    ~Zeros() { munmap(data_, bytes_); }
    const void* data() const { return data_; }

private:
    std::size_t bytes_;
    void* data_;
};

TEST_F(Copies, BytesComeBackFromAnyOffset) {
    const auto data = pattern(50'000);
    DeviceBuffer buffer(60'000);
    for (const std::size_t offset : {0, 1, 4095, 4096, 9999}) {
        ASSERT_EQ(cudaMemcpyAsync(buffer.data() + offset, data.data(), data.size(), cudaMemcpyHostToDevice, nullptr),
                  cudaSuccess);
        EXPECT_EQ(download(buffer.data() + offset, data.size()), data) << offset;
    }
}

TEST_F(Copies, FreshMemoryReadsAsZeros) {
    { DeviceBuffer(100'000).error(); }
    DeviceBuffer buffer(100'000);
    EXPECT_EQ(download(buffer.data(), 100'000), std::vector<unsigned char>(100'000, 0));
}

TEST_F(Copies, FreedMemoryIsForgotten) {
    const auto data = pattern(100'000);
    {
        DeviceBuffer buffer(data.size());
        ASSERT_EQ(cudaMemcpy(buffer.data(), data.data(), data.size(), cudaMemcpyHostToDevice), cudaSuccess);
    }
    DeviceBuffer buffer(data.size());
    EXPECT_EQ(download(buffer.data(), data.size()), std::vector<unsigned char>(data.size(), 0));
}

TEST_F(Copies, ZerosOverwriteWhatWasThere) {
    const auto data = pattern(20'000);
    DeviceBuffer buffer(data.size());
    ASSERT_EQ(cudaMemcpy(buffer.data(), data.data(), data.size(), cudaMemcpyHostToDevice), cudaSuccess);
    const std::vector<unsigned char> zeros(10'000, 0);
    ASSERT_EQ(cudaMemcpy(buffer.data() + 3000, zeros.data(), zeros.size(), cudaMemcpyHostToDevice), cudaSuccess);
    auto expected = data;
    std::fill_n(expected.begin() + 3000, 10'000, 0);
    EXPECT_EQ(download(buffer.data(), data.size()), expected);
    ASSERT_EQ(cudaMemset(buffer.data(), 0, data.size()), cudaSuccess);
    EXPECT_EQ(download(buffer.data(), data.size()), std::vector<unsigned char>(data.size(), 0));
}

TEST_F(Copies, ABlockOfZerosButForItsLastByte) {
    std::vector<unsigned char> data(4096 * 3, 0);
    data.back() = 1;
    data[4096] = 2;
    DeviceBuffer buffer(data.size());
    ASSERT_EQ(cudaMemcpy(buffer.data(), data.data(), data.size(), cudaMemcpyHostToDevice), cudaSuccess);
    EXPECT_EQ(download(buffer.data(), data.size()), data);
}

TEST_F(Copies, BetweenCards) {
    const auto data = pattern(30'000);
    DeviceBuffer first(data.size(), 0);
    DeviceBuffer second(data.size() + 7, 1);
    ASSERT_EQ(cudaMemcpy(first.data(), data.data(), data.size(), cudaMemcpyHostToDevice), cudaSuccess);
    ASSERT_EQ(cudaMemset(second.data(), 0xAB, data.size() + 7), cudaSuccess);
    ASSERT_EQ(cudaMemcpyPeerAsync(second.data() + 7, 1, first.data(), 0, data.size(), nullptr), cudaSuccess);
    EXPECT_EQ(download(second.data() + 7, data.size()), data);
    EXPECT_EQ(download(second.data(), 7), std::vector<unsigned char>(7, 0xAB));
    EXPECT_EQ(card_bytes_copied(CopyDirection::between_cards, 1), data.size());
    EXPECT_EQ(card_bytes_copied(CopyDirection::between_cards, 0), 0U);
}

TEST_F(Copies, UnwrittenMemoryCopiedOntoWrittenIsZeros) {
    const auto data = pattern(10'000);
    DeviceBuffer empty(data.size(), 0);
    DeviceBuffer full(data.size(), 1);
    ASSERT_EQ(cudaMemcpy(full.data(), data.data(), data.size(), cudaMemcpyHostToDevice), cudaSuccess);
    ASSERT_EQ(cudaMemcpy(full.data(), empty.data(), data.size(), cudaMemcpyDeviceToDevice), cudaSuccess);
    EXPECT_EQ(download(full.data(), data.size()), std::vector<unsigned char>(data.size(), 0));
}

TEST_F(Copies, RowsOfAMatrix) {
    const auto data = pattern(10 * 100);
    DeviceBuffer buffer(10 * 256);
    ASSERT_EQ(cudaMemcpy2DAsync(buffer.data(), 256, data.data(), 100, 100, 10, cudaMemcpyHostToDevice, nullptr),
              cudaSuccess);
    EXPECT_EQ(download(buffer.data() + 9 * 256, 100), std::vector<unsigned char>(data.end() - 100, data.end()));
    EXPECT_EQ(download(buffer.data() + 100, 156), std::vector<unsigned char>(156, 0));
    EXPECT_EQ(cudaMemcpy2D(buffer.data(), 256, data.data(), 100, 100, 11, cudaMemcpyHostToDevice),
              cudaErrorInvalidValue);
    EXPECT_EQ(card_bytes_copied(CopyDirection::to_card, 0), 1000U);
}

TEST_F(Copies, AreCountedByDirection) {
    const auto data = pattern(1000);
    DeviceBuffer buffer(1000);
    ASSERT_EQ(cudaMemcpy(buffer.data(), data.data(), 1000, cudaMemcpyDefault), cudaSuccess);
    ASSERT_EQ(cudaMemcpy(buffer.data(), data.data(), 300, cudaMemcpyHostToDevice), cudaSuccess);
    download(buffer.data(), 20);
    EXPECT_EQ(card_bytes_copied(CopyDirection::to_card), 1300U);
    EXPECT_EQ(card_bytes_copied(CopyDirection::from_card), 20U);
    reset_card_counts();
    EXPECT_EQ(card_bytes_copied(CopyDirection::to_card), 0U);
    EXPECT_EQ(card_calls("cudaMemcpy"), 0U);
}

TEST_F(Copies, BeyondAnAllocationAreRefused) {
    std::vector<char> data(1001);
    DeviceBuffer buffer(1000);
    EXPECT_EQ(cudaMemcpy(buffer.data(), data.data(), 1001, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMemcpy(data.data(), buffer.data() + 500, 501, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMemset(buffer.data() + 1, 0, 1000), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMemset(data.data(), 0, 10), cudaErrorInvalidValue) << "not device memory";
}

TEST_F(Copies, InTheWrongDirectionAreRefused) {
    std::vector<char> data(1000);
    DeviceBuffer buffer(1000);
    EXPECT_EQ(cudaMemcpy(buffer.data(), data.data(), 1000, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMemcpy(data.data(), buffer.data(), 1000, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
}

/// A file of this size with `text` at some places and holes between them, mapped for reading.
class SparseFile {
public:
    SparseFile(Bytes bytes, const std::vector<Bytes>& places, const std::string& text) : bytes_(bytes) {
        const std::string path = folder_.path() / "sparse";
        const int file = open(path.c_str(), O_CREAT | O_RDWR, 0600);
        EXPECT_EQ(ftruncate(file, static_cast<off_t>(bytes)), 0);
        for (const Bytes place : places) {
            EXPECT_EQ(pwrite(file, text.data(), text.size(), static_cast<off_t>(place)), std::ssize(text));
        }
        data_ = static_cast<const char*>(mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file, 0));
        close(file);
    }
    SparseFile(const SparseFile&) = delete;
    SparseFile& operator=(const SparseFile&) = delete;
    ~SparseFile() { munmap(const_cast<char*>(data_), bytes_); }
    const char* data() const { return data_; }

private:
    TempDir folder_;
    Bytes bytes_;
    const char* data_;
};

TEST_F(Copies, HolesOfAFileAreZerosAndItsDataIsNot) {
    constexpr Bytes bytes = 20_MiB;
    const std::string text = "between the holes";
    const std::vector<Bytes> places = {0, 5_MiB + 123, 9_MiB - 5, bytes - text.size()};
    const SparseFile file(bytes, places, text);
    constexpr Bytes skipped = 3;
    DeviceBuffer buffer(bytes);
    ASSERT_EQ(cudaMemset(buffer.data(), 0xAA, bytes), cudaSuccess);
    ASSERT_EQ(cudaMemcpy(buffer.data(), file.data() + skipped, bytes - skipped, cudaMemcpyHostToDevice), cudaSuccess);
    std::vector<unsigned char> expected(bytes - skipped, 0);
    for (const Bytes place : places) {
        const Bytes missing = place < skipped ? skipped : 0;
        std::copy(text.begin() + static_cast<std::ptrdiff_t>(missing), text.end(),
                  expected.begin() + static_cast<std::ptrdiff_t>(place + missing - skipped));
    }
    EXPECT_TRUE(download(buffer.data(), bytes - skipped) == expected);
    EXPECT_EQ(card_bytes_copied(CopyDirection::to_card), bytes - skipped) << "holes are counted like the rest";
}

TEST_F(Copies, ASparseFileLargerThanThisMachineIsNotRead) {
    constexpr Bytes bytes = 200_GiB;
    use("1TiB");
    const SparseFile file(bytes, {0}, "header");
    DeviceBuffer buffer(bytes);
    ASSERT_EQ(cudaMemcpy(buffer.data(), file.data() + 45, bytes - 45, cudaMemcpyHostToDevice), cudaSuccess);
    EXPECT_EQ(download(buffer.data(), 10), std::vector<unsigned char>(10, 0));
}

TEST_F(Copies, ThirtyGibibytesOfZerosTakeNoMemory) {
    constexpr Bytes bytes = 30_GiB;
    use("2x32GiB");
    const Zeros zeros(bytes);
    DeviceBuffer first(bytes, 0);
    ASSERT_EQ(first.error(), cudaSuccess);
    const Bytes before = anonymous_bytes();
    const auto start = std::chrono::steady_clock::now();
    ASSERT_EQ(cudaMemset(first.data(), 0, bytes), cudaSuccess);
    ASSERT_EQ(cudaMemcpy(first.data(), zeros.data(), bytes, cudaMemcpyHostToDevice), cudaSuccess);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    DeviceBuffer second(bytes, 1);
    ASSERT_EQ(cudaMemcpy(second.data(), first.data(), bytes, cudaMemcpyDeviceToDevice), cudaSuccess);
    EXPECT_LT(anonymous_bytes() - before, 64_MiB);
    EXPECT_LT(elapsed.count(), 60) << "copying zeros is meant to cost seconds";
    RecordProperty("seconds_for_30_GiB", std::to_string(elapsed.count()));
}

}  // namespace
}  // namespace gpushard::test
