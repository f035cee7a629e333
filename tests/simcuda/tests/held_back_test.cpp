#include <algorithm>
#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "simcuda/tests/ptx_program.hpp"
#include "simcuda/tests/simulated_rig.hpp"

namespace gpushard::test {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

/// Page-locked ints.
class PinnedInts {
public:
    explicit PinnedInts(std::size_t count, int value = 0) : count_(count) {
        EXPECT_EQ(cudaMallocHost(reinterpret_cast<void**>(&data_), count * sizeof(int)), cudaSuccess);
        fill(value);
    }
    PinnedInts(const PinnedInts&) = delete;
    PinnedInts& operator=(const PinnedInts&) = delete;
    ~PinnedInts() { cudaFreeHost(data_); }

    int* data() const { return data_; }
    int& operator[](std::size_t i) const { return data_[i]; }
    std::vector<int> values() const { return {data_, data_ + count_}; }
    void fill(int value) { std::fill_n(data_, count_, value); }

private:
    std::size_t count_;
    int* data_ = nullptr;
};

class Stream {
public:
    explicit Stream(unsigned flags = cudaStreamNonBlocking) {
        EXPECT_EQ(cudaStreamCreateWithFlags(&stream_, flags), cudaSuccess);
    }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() { cudaStreamDestroy(stream_); }
    operator cudaStream_t() const { return stream_; }
    cudaError_t finish() const { return cudaStreamSynchronize(stream_); }

private:
    cudaStream_t stream_ = nullptr;
};

class Event {
public:
    Event() { EXPECT_EQ(cudaEventCreate(&event_), cudaSuccess); }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    ~Event() { cudaEventDestroy(event_); }
    operator cudaEvent_t() const { return event_; }

private:
    cudaEvent_t event_ = nullptr;
};

constexpr std::size_t count = 4;
constexpr std::size_t bytes = count * sizeof(int);

class HeldBack : public SimulatedRig {
protected:
    void SetUp() override {
        SimulatedRig::SetUp();
        ASSERT_TRUE(cards_compute());
    }

    cudaError_t copy(void* to, const void* from, cudaStream_t stream) {
        return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream);
    }
    /// What the card holds there, by a copy that waits for nothing but the stream of its own.
    std::vector<int> peek(const void* device) {
        const Stream own;
        std::vector<int> values(count);
        EXPECT_EQ(cudaMemcpyAsync(values.data(), device, bytes, cudaMemcpyDeviceToHost, own), cudaSuccess);
        return values;
    }
};

TEST_F(HeldBack, ACopyIntoPinnedMemoryArrivesWhenItsStreamIsWaitedFor) {
    const DeviceBuffer device(bytes);
    const PinnedInts result(count, 1);
    const Stream stream;
    ASSERT_EQ(cudaMemsetAsync(device.data(), 0xFF, bytes, stream), cudaSuccess);
    ASSERT_EQ(copy(result.data(), device.data(), stream), cudaSuccess);
    EXPECT_THAT(result.values(), Each(1)) << "nothing waited";
    ASSERT_EQ(stream.finish(), cudaSuccess);
    EXPECT_THAT(result.values(), Each(-1));
}

TEST_F(HeldBack, APageableSourceIsTakenAtTheCall) {
    const DeviceBuffer device(bytes);
    std::vector<int> source(count, 7);
    const Stream stream;
    ASSERT_EQ(copy(device.data(), source.data(), stream), cudaSuccess);
    source.assign(count, 8);
    ASSERT_EQ(stream.finish(), cudaSuccess);
    EXPECT_THAT(peek(device.data()), Each(7));
}

TEST_F(HeldBack, APinnedSourceIsReadWhenTheCopyRuns) {
    const DeviceBuffer device(bytes);
    PinnedInts source(count, 7);
    const Stream stream;
    ASSERT_EQ(copy(device.data(), source.data(), stream), cudaSuccess);
    source.fill(8);
    ASSERT_EQ(stream.finish(), cudaSuccess);
    EXPECT_THAT(peek(device.data()), Each(8)) << "overwritten before anything waited";
}

TEST_F(HeldBack, ACopyIntoPageableMemoryWaitsForItsStream) {
    const DeviceBuffer device(bytes);
    const PinnedInts source(count, 7);
    const Stream stream;
    std::vector<int> result(count);
    ASSERT_EQ(copy(device.data(), source.data(), stream), cudaSuccess);
    ASSERT_EQ(copy(result.data(), device.data(), stream), cudaSuccess);
    EXPECT_THAT(result, Each(7));
}

TEST_F(HeldBack, AMissingEventWaitShowsAsStaleBytes) {
    const DeviceBuffer device(bytes);
    ASSERT_EQ(cudaMemset(device.data(), 0, bytes), cudaSuccess);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    const PinnedInts source(count, 7);
    const PinnedInts result(count, 1);
    const Stream writer;
    const Stream reader;
    ASSERT_EQ(copy(device.data(), source.data(), writer), cudaSuccess);
    ASSERT_EQ(copy(result.data(), device.data(), reader), cudaSuccess);
    ASSERT_EQ(reader.finish(), cudaSuccess);
    EXPECT_THAT(result.values(), Each(0));
}

TEST_F(HeldBack, AnEventCarriesTheOrderToOtherStreamsAndCards) {
    const DeviceBuffer device(bytes);
    const PinnedInts source(count, 7);
    const PinnedInts result(count, 1);
    const Stream writer;
    const Event written;
    ASSERT_EQ(copy(device.data(), source.data(), writer), cudaSuccess);
    ASSERT_EQ(cudaEventRecord(written, writer), cudaSuccess);
    ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
    const Stream reader;
    ASSERT_EQ(cudaStreamWaitEvent(reader, written, 0), cudaSuccess);
    ASSERT_EQ(copy(result.data(), device.data(), reader), cudaSuccess);
    ASSERT_EQ(reader.finish(), cudaSuccess);
    EXPECT_THAT(result.values(), Each(7));
}

TEST_F(HeldBack, AnEventIsWhatWasInItsStreamWhenItWasRecorded) {
    const DeviceBuffer first(bytes);
    const DeviceBuffer second(bytes);
    const PinnedInts source(count, 7);
    const PinnedInts result(count, 1);
    const PinnedInts later(count, 1);
    const Stream stream;
    const Event event;
    ASSERT_EQ(copy(first.data(), source.data(), stream), cudaSuccess);
    ASSERT_EQ(copy(result.data(), first.data(), stream), cudaSuccess);
    ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
    ASSERT_EQ(copy(later.data(), first.data(), stream), cudaSuccess);
    ASSERT_EQ(cudaEventSynchronize(event), cudaSuccess);
    EXPECT_THAT(result.values(), Each(7));
    EXPECT_THAT(later.values(), Each(1));
    ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
    ASSERT_EQ(cudaEventQuery(event), cudaSuccess) << "asking finishes it";
    EXPECT_THAT(later.values(), Each(7));
}

TEST_F(HeldBack, AWaitForAnEventThatWasNeverRecordedIsNone) {
    const Stream stream;
    const Event event;
    ASSERT_EQ(cudaStreamWaitEvent(stream, event, 0), cudaSuccess);
    EXPECT_EQ(stream.finish(), cudaSuccess);
    EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
}

TEST_F(HeldBack, TheDefaultStreamAndBlockingOnesWaitForEachOther) {
    const DeviceBuffer device(bytes);
    const PinnedInts source(count, 7);
    const PinnedInts result(count, 1);
    const Stream blocking(cudaStreamDefault);
    ASSERT_EQ(copy(device.data(), source.data(), blocking), cudaSuccess);
    ASSERT_EQ(copy(result.data(), device.data(), nullptr), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(cudaStreamLegacy), cudaSuccess);
    EXPECT_THAT(result.values(), Each(7)) << "the default stream waited for the other";

    ASSERT_EQ(cudaMemset(device.data(), 0xFF, bytes), cudaSuccess);
    ASSERT_EQ(copy(result.data(), device.data(), blocking), cudaSuccess);
    ASSERT_EQ(blocking.finish(), cudaSuccess);
    EXPECT_THAT(result.values(), Each(-1)) << "the other waited for the default stream";
}

TEST_F(HeldBack, ANonBlockingStreamAndTheDefaultOneDoNotWaitForEachOther) {
    const DeviceBuffer device(bytes);
    ASSERT_EQ(cudaMemset(device.data(), 0, bytes), cudaSuccess);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    const PinnedInts result(count, 1);
    const Stream stream;
    ASSERT_EQ(cudaMemset(device.data(), 0xFF, bytes), cudaSuccess);
    ASSERT_EQ(copy(result.data(), device.data(), stream), cudaSuccess);
    ASSERT_EQ(stream.finish(), cudaSuccess);
    EXPECT_THAT(result.values(), Each(0));
}

TEST_F(HeldBack, AThreadsDefaultStreamIsItsOwn) {
    const DeviceBuffer device(bytes);
    const PinnedInts source(count, 7);
    const PinnedInts result(count, 1);
    std::thread([&] {
        cudaSetDevice(0);
        EXPECT_EQ(copy(device.data(), source.data(), cudaStreamPerThread), cudaSuccess);
    }).join();
    ASSERT_EQ(cudaStreamSynchronize(cudaStreamPerThread), cudaSuccess);
    EXPECT_EQ(peek(device.data()).size(), count);
    ASSERT_THAT(card_findings(), ElementsAre(HasSubstr("never written"))) << "this thread's stream had nothing to do";
    clear_card_findings();
    ASSERT_EQ(copy(result.data(), device.data(), nullptr), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
    EXPECT_THAT(result.values(), Each(7)) << "the default stream waits for those of threads";
}

TEST_F(HeldBack, SynchronousCallsWaitAsCudaDocuments) {
    const DeviceBuffer device(bytes);
    const PinnedInts pinned(count, 7);
    ASSERT_EQ(cudaMemcpy(device.data(), pinned.data(), bytes, cudaMemcpyHostToDevice), cudaSuccess);
    EXPECT_THAT(peek(device.data()), Each(7)) << "from pinned memory";
    ASSERT_EQ(cudaMemset(device.data(), 0xFF, bytes), cudaSuccess);
    EXPECT_THAT(peek(device.data()), Each(7)) << "a memset of the card's memory waits for nothing";
    const PinnedInts result(count);
    ASSERT_EQ(cudaMemcpy(result.data(), device.data(), bytes, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_THAT(result.values(), Each(-1));
    ASSERT_EQ(cudaMemset(result.data(), 0, bytes), cudaSuccess);
    EXPECT_THAT(result.values(), Each(0)) << "one of pinned memory waits";
}

TEST_F(HeldBack, WhateverWaitsForTheCardFinishesIt) {
    const DeviceBuffer device(bytes);
    const PinnedInts source(count, 7);
    PinnedInts result(count, 1);
    const Stream stream;
    const auto submit = [&] {
        result.fill(1);
        EXPECT_EQ(copy(device.data(), source.data(), stream), cudaSuccess);
        EXPECT_EQ(copy(result.data(), device.data(), stream), cudaSuccess);
        EXPECT_EQ(result[0], 1);
    };
    submit();
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_THAT(result.values(), Each(7)) << "cudaDeviceSynchronize";
    submit();
    EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
    EXPECT_THAT(result.values(), Each(7)) << "cudaStreamQuery";
    submit();
    DeviceBuffer other(bytes);
    EXPECT_EQ(other.free(), cudaSuccess);
    EXPECT_THAT(result.values(), Each(7)) << "cudaFree";
    submit();
    { const PinnedInts freed(count); }
    EXPECT_THAT(result.values(), Each(7)) << "cudaFreeHost";
    submit();
    finish_card_work();
    EXPECT_THAT(result.values(), Each(7)) << "simcuda_finish_all";
}

TEST_F(HeldBack, AFreeInStreamOrderComesBehindWhatUsesTheMemory) {
    void* device = nullptr;
    const PinnedInts source(count, 7);
    const PinnedInts result(count, 1);
    const Stream stream;
    ASSERT_EQ(cudaMallocAsync(&device, bytes, stream), cudaSuccess);
    ASSERT_EQ(copy(device, source.data(), stream), cudaSuccess);
    ASSERT_EQ(copy(result.data(), device, stream), cudaSuccess);
    ASSERT_EQ(cudaFreeAsync(device, stream), cudaSuccess);
    EXPECT_EQ(card_allocations(0), 1U);
    ASSERT_EQ(stream.finish(), cudaSuccess);
    EXPECT_THAT(result.values(), Each(7));
    EXPECT_EQ(card_allocations(0), 0U);
}

TEST_F(HeldBack, WorkOfALostCardIsDropped) {
    const DeviceBuffer device(bytes);
    const PinnedInts source(count, 7);
    const PinnedInts result(count, 1);
    const Stream stream;
    ASSERT_EQ(copy(device.data(), source.data(), stream), cudaSuccess);
    ASSERT_EQ(copy(result.data(), device.data(), stream), cudaSuccess);
    set_card_faults("lose@0:cudaStreamSynchronize:1");
    EXPECT_EQ(stream.finish(), cudaErrorLaunchFailure);
    finish_card_work();
    EXPECT_THAT(result.values(), Each(1));
}

TEST_F(HeldBack, HostFunctionsRunInOrder) {
    const DeviceBuffer device(bytes);
    const PinnedInts source(count, 7);
    PinnedInts result(count, 1);
    const Stream stream;
    ASSERT_EQ(copy(device.data(), source.data(), stream), cudaSuccess);
    ASSERT_EQ(copy(result.data(), device.data(), stream), cudaSuccess);
    const auto doubled = [](void* values) { static_cast<int*>(values)[0] *= 2; };
    ASSERT_EQ(cudaLaunchHostFunc(stream, doubled, result.data()), cudaSuccess);
    EXPECT_EQ(result[0], 1);
    ASSERT_EQ(stream.finish(), cudaSuccess);
    EXPECT_EQ(result[0], 14);
}

/// How many run it at once.
struct Visits {
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    int all = 0;  ///< not atomic: the sanitizer would tell

    static void visit(void* visits) {
        Visits& here = *static_cast<Visits*>(visits);
        here.most = std::max(here.most.load(), ++here.inside);
        ++here.all;
        std::this_thread::yield();
        --here.inside;
    }
};

TEST_F(HeldBack, TwoThreadsMayWaitForOneStreamWhoseWorkStaysInOrder) {
    constexpr int pieces = 20'000;
    const Stream stream;
    Visits visits;
    for (int i = 0; i < pieces; ++i) ASSERT_EQ(cudaLaunchHostFunc(stream, &Visits::visit, &visits), cudaSuccess);
    const auto wait = [&] {
        EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
        EXPECT_EQ(visits.all, pieces);
    };
    std::thread other(wait);
    wait();
    other.join();
    EXPECT_EQ(visits.most, 1);
}

TEST_F(HeldBack, TwoCardsWorkOnTwoThreadsAtOnce) {
    std::latch both(2);
    const auto meet = [](void* latch) { static_cast<std::latch*>(latch)->arrive_and_wait(); };
    const auto work_on = [&](int card) {
        EXPECT_EQ(cudaSetDevice(card), cudaSuccess);
        EXPECT_EQ(cudaLaunchHostFunc(nullptr, meet, &both), cudaSuccess);
        EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    };
    std::thread other(work_on, 1);
    work_on(0);
    other.join();
}

TEST_F(HeldBack, TimeIsTakenWhenTheEventsTurnComes) {
    const Stream stream;
    const Event start;
    const Event end;
    ASSERT_EQ(cudaEventRecord(start, stream), cudaSuccess);
    ASSERT_EQ(cudaEventRecord(end, stream), cudaSuccess);
    float milliseconds = -1;
    EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaSuccess);
    EXPECT_GE(milliseconds, 0);
}

}  // namespace
}  // namespace gpushard::test
