#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <latch>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/impl/FaissException.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <gpushard/error.hpp>
#include <gpushard/faiss/faiss_index.hpp>
#include <gpushard/load.hpp>
#include <gpushard/sharded_index.hpp>

#include "support/errors.hpp"
#include "support/fake_rig.hpp"
#include "support/index_writer.hpp"

namespace gpushard {
namespace {

using test::equal_parts;
using test::FakeRig;
using test::flat_index;
using test::message_of;
using test::Rows;
using test::uniform_rows;
using testing::HasSubstr;

constexpr std::int64_t row_count = 40;
constexpr std::int32_t dim = 8;
constexpr std::int64_t k = 3;
constexpr int thread_count = 16;

/// An index on fake devices, which search by brute force, so that little but threads is in the way.
struct Site {
    Site(std::uint64_t seed, const std::vector<std::vector<RowRange>>& groups)
        : rows(uniform_rows(row_count, dim, seed)),
          bytes(flat_index(rows, Metric::l2)),
          source(view_memory(bytes.data(), bytes.size())),
          rig(*source, groups) {}
    explicit Site(std::uint64_t seed) : Site(seed, {equal_parts(row_count, 2)}) {}

    ShardedIndex load() const { return gpushard::load(rig.plan, source, rig.devices); }

    Rows rows;
    std::string bytes;
    std::shared_ptr<ByteSource> source;
    FakeRig rig;
};

const std::vector<float> query(dim, 0.25f);

std::vector<std::int64_t> ids_of(const ShardedIndex& index) { return index.search(1, query.data(), k).ids; }

std::vector<std::int64_t> ids_of(const Site& site) { return ids_of(site.load()); }

/// A public call of an index.
struct Call {
    std::string_view name;
    bool needs_threads;  ///< of the index
    std::function<void(const ShardedIndex&)> run;
};

const std::vector<Call>& every_call() {
    static const std::vector<Call> calls = {
        {"dim", false, [](const ShardedIndex& index) { index.dim(); }},
        {"count", false, [](const ShardedIndex& index) { index.count(); }},
        {"metric", false, [](const ShardedIndex& index) { index.metric(); }},
        {"search of a pointer", true, [](const ShardedIndex& index) { index.search(query.data(), k); }},
        {"search of a vector", true, [](const ShardedIndex& index) { index.search(query, k); }},
        {"search for a result", true, [](const ShardedIndex& index) { index.search(1, query.data(), k); }},
        {"search into arrays", true,
         [](const ShardedIndex& index) {
             std::vector<float> distances(k);
             std::vector<std::int64_t> labels(k);
             index.search(1, query.data(), k, distances.data(), labels.data());
         }},
        {"search of nothing", true, [](const ShardedIndex& index) { index.search(0, nullptr, k); }},
        {"plan", false, [](const ShardedIndex& index) { index.plan(); }},
        {"load_report", false, [](const ShardedIndex& index) { index.load_report(); }},
        {"peak_bytes", true, [](const ShardedIndex& index) { index.peak_bytes(); }},
        {"host_search_peak_bytes", true, [](const ShardedIndex& index) { index.host_search_peak_bytes(); }},
        {"impl", false, [](const ShardedIndex& index) { index.impl(); }},
        {"verify", true, [](const ShardedIndex& index) { verify(index, 1); }},
        {"as_faiss_index", false, [](const ShardedIndex& index) { as_faiss_index(index); }},
    };
    return calls;
}

TEST(IndexLifetime, EveryCallOnAnIndexThatWasMovedFromSaysSo) {
    const Site site(1);
    ShardedIndex index = site.load();
    ShardedIndex moved(std::move(index));
    for (const Call& call : every_call()) {
        SCOPED_TRACE(call.name);
        EXPECT_THAT(message_of<InvalidArgument>([&] { call.run(index); }),  // NOLINT(bugprone-use-after-move)
                    HasSubstr("moved from"));
        EXPECT_NO_THROW(call.run(moved));
    }
    EXPECT_EQ(every_call().size(), 15u);
}

TEST(IndexLifetime, AnIndexThatWasMovedFromCanBeMovedSwappedAndAssignedTo) {
    const Site site(1);
    const auto expected = ids_of(site);
    ShardedIndex index = site.load();
    ShardedIndex other(std::move(index));
    const ShardedIndex nothing(std::move(index));  // NOLINT(bugprone-use-after-move)
    EXPECT_THROW(nothing.dim(), InvalidArgument);
    swap(index, other);
    EXPECT_EQ(ids_of(index), expected);
    EXPECT_THROW(other.dim(), InvalidArgument);
    other = std::move(index);
    EXPECT_EQ(ids_of(other), expected);
    ShardedIndex& itself = other;
    other = std::move(itself);
    EXPECT_EQ(ids_of(other), expected);
    other = std::move(index);
    EXPECT_TRUE(site.rig.all_free());
}

TEST(IndexLifetime, WrongCallsAreRefusedWithWhatIsWrong) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    const Site site(1);
    const ShardedIndex index = site.load();
    std::vector<float> distances(k);
    std::vector<std::int64_t> labels(k);
    const float* const no_floats = nullptr;
    FakeRig unused_rig(*site.source, {equal_parts(row_count, 1)});
    struct Case {
        std::function<void()> call;
        std::string said;
    };
    const std::vector<Case> cases = {
        {[&] { index.search(no_floats, k); }, "queries are a null pointer"},
        {[&] { index.search(2, nullptr, k); }, "array for 2 queries"},
        {[&] { index.search(1, nullptr, k, distances.data(), labels.data()); }, "queries are a null pointer"},
        {[&] { index.search(1, query.data(), k, nullptr, labels.data()); }, "distances are a null pointer"},
        {[&] { index.search(1, query.data(), k, distances.data(), nullptr); }, "labels are a null pointer"},
        {[&] { index.search(std::vector<float>(), k); }, "the query has 0 values"},
        {[&] { index.search(std::vector<float>(dim + 1), k); }, "the query has 9 values"},
        {[&] { index.search(query, 0); }, "k is 0"},
        {[&] { index.search(0, nullptr, 0); }, "k is 0"},
        {[&] { index.search(query.data(), std::numeric_limits<std::int64_t>::min()); }, "k is -9223372036854775808"},
        {[&] { index.search(-1, query.data(), k); }, "the number of queries is -1"},
        {[&] { index.search(most, query.data(), 1); }, "memory can address"},
        {[&] { index.search(1, query.data(), most); }, "memory can address"},
        {[&] { index.search(most / 30, query.data(), 1); }, "memory can address"},
        {[&] { ShardedIndex(std::shared_ptr<const ShardedIndexImpl>()); }, "null pointer"},
        {[&] { view_memory(nullptr, 1); }, "null pointer"},
        {[&] { load(unused_rig.plan, nullptr, unused_rig.devices); }, "no source"},
        {[&] { load(unused_rig.plan, site.source, {}); }, "0 are given"},
        {[&] { load(unused_rig.plan, site.source, {nullptr}); }, "fake:0"},
        {[&] { load(std::vector<std::filesystem::path>()); }, " named, expected"},
        {[&] { verify(index, -1); }, "-1"},
    };
    for (const Case& wrong : cases) {
        SCOPED_TRACE(wrong.said);
        EXPECT_THAT(message_of<InvalidArgument>(wrong.call), HasSubstr(wrong.said));
    }
    EXPECT_TRUE(index.search(0, nullptr, k).ids.empty());
    EXPECT_NO_THROW(index.search(0, nullptr, k, nullptr, nullptr));
    EXPECT_THROW((SearchResult{.nq = 1, .k = 2, .ids = {1}, .distances = {0.0f}}.row(0)), std::out_of_range);
}

TEST(IndexLifetime, AShardThatSearchesItsOwnIndexIsRefused) {
    const Site site(1);
    const ShardedIndex index = site.load();
    std::string refusal;
    site.rig.fakes[0]->set_faults({.before_search = [&] {
        try {
            index.search(query, k);
        } catch (const InvalidArgument& error) {
            refusal = error.what();
        }
    }});
    index.search(query, k);
    EXPECT_THAT(refusal, HasSubstr("a shard searches the index it is a part of"));
}

TEST(IndexLifetime, AnIndexThatAShardDestroysIsFreedByTheCallThatRuns) {
    const Site site(1);
    const auto expected = ids_of(site);
    auto index = std::make_unique<ShardedIndex>(site.load());
    site.rig.fakes[0]->set_faults({.before_search = [&] { index.reset(); }});
    EXPECT_EQ(ids_of(*index), expected);
    EXPECT_EQ(index, nullptr);
    EXPECT_TRUE(site.rig.all_free());
}

// The search goes on until it sees the index that was assigned, and some more: the assignment waits for it.
TEST(IndexLifetime, AnAssignmentWaitsForSearchesOfWhatWasThere) {
    const Site site(1);
    const Site other(2, {{{0, row_count}}});
    ShardedIndex index = site.load();
    ShardedIndex next = other.load();
    std::latch searching(1);
    std::atomic<bool> search_ended = false;
    site.rig.fakes[0]->set_faults({.before_search = [&] {
        searching.count_down();
        while (index.plan().devices.size() != 1) std::this_thread::yield();
        for (int i = 0; i < 1000; ++i) std::this_thread::yield();
        search_ended = true;
    }});
    std::vector<std::int64_t> found;
    std::thread searcher([&] { found = ids_of(index); });
    searching.wait();
    index = std::move(next);
    EXPECT_TRUE(search_ended);
    EXPECT_TRUE(site.rig.all_free());
    searcher.join();
    EXPECT_EQ(found, ids_of(site));
}

TEST(IndexLifetime, WhatAShardThrowsOfNoKnownTypeIsADeviceError) {
    const Site site(1);
    const ShardedIndex index = site.load();
    site.rig.fakes[1]->set_faults({.before_search = [] { throw 42; }});
    EXPECT_THAT(message_of<DeviceError>([&] { index.search(query, k); }),
                HasSubstr("fake:1: the search failed: an exception of unknown type"));
}

/// 1,000 with GPUSHARD_LONG=1.
int rounds() {
    const char* const is_long = std::getenv("GPUSHARD_LONG");
    return is_long != nullptr && std::string_view(is_long) == "1" ? 1000 : 20;
}

/// Sixteen threads, each of which asks so many times whether an answer is right. Waits for them at its end.
class Searchers {
public:
    Searchers(int times, const std::function<bool()>& answer_is_right) {
        for (int t = 0; t < thread_count; ++t) {
            threads_.emplace_back([this, times, answer_is_right] {
                for (int i = 0; i < times; ++i) wrong_ += !is_true(answer_is_right);
                --running_;
            });
        }
    }
    Searchers(const Searchers&) = delete;
    Searchers& operator=(const Searchers&) = delete;
    ~Searchers() {
        for (std::thread& thread : threads_) thread.join();
        EXPECT_EQ(wrong_, 0);
    }

    bool are_running() const { return running_ > 0; }

private:
    static bool is_true(const std::function<bool()>& statement) {
        try {
            return statement();
        } catch (const std::exception& error) {
            ADD_FAILURE() << error.what();
            return false;
        }
    }

    std::atomic<int> running_ = thread_count;
    std::atomic<int> wrong_ = 0;
    std::vector<std::thread> threads_;
};

// Each of sixteen replicas has begun with a search when the index is destroyed.
TEST(IndexLifetime, MayBeDestroyedWhileSixteenThreadsSearch) {
    const Site site(1, std::vector<std::vector<RowRange>>(thread_count, equal_parts(row_count, 1)));
    const auto expected = ids_of(site);
    for (int round = 0; round < rounds(); ++round) {
        std::latch all_begun(thread_count);
        for (const auto& fake : site.rig.fakes) fake->set_faults({.before_search = [&] { all_begun.count_down(); }});
        auto index = std::make_unique<ShardedIndex>(site.load());
        const ShardedIndex& searched = *index;
        const Searchers searchers(1, [&] { return ids_of(searched) == expected; });
        all_begun.wait();
        index.reset();
        ASSERT_TRUE(site.rig.all_free()) << "round " << round;
    }
}

TEST(IndexLifetime, MayBeSwappedWhileSixteenThreadsSearch) {
    const Site one(1);
    const Site other(2);
    const auto expected = ids_of(one);
    const auto others = ids_of(other);
    ASSERT_NE(expected, others);
    for (int round = 0; round < rounds(); ++round) {
        ShardedIndex index = one.load();
        ShardedIndex next = other.load();
        const Searchers searchers(5, [&] {
            const auto found = ids_of(index);
            return found == expected || found == others;
        });
        while (searchers.are_running()) swap(index, next);
    }
    EXPECT_TRUE(one.rig.all_free() && other.rig.all_free());
}

TEST(IndexLifetime, MayBeMovedWhileSixteenThreadsSearch) {
    const Site site(1);
    const auto expected = ids_of(site);
    for (int round = 0; round < rounds(); ++round) {
        ShardedIndex index = site.load();
        const Searchers searchers(5, [&] {
            try {
                return ids_of(index) == expected;
            } catch (const InvalidArgument& error) {
                return std::string_view(error.what()).find("moved from") != std::string_view::npos;
            }
        });
        while (searchers.are_running()) {
            ShardedIndex away(std::move(index));
            index = std::move(away);
        }
    }
    EXPECT_TRUE(site.rig.all_free());
}

TEST(IndexLifetime, MayBeAssignedToWhileSixteenThreadsSearch) {
    const Site sites[] = {Site(1), Site(2)};
    const std::vector<std::int64_t> expected[] = {ids_of(sites[0]), ids_of(sites[1])};
    for (int round = 0; round < rounds(); ++round) {
        ShardedIndex index = sites[0].load();
        const Searchers searchers(5, [&] {
            const auto found = ids_of(index);
            return found == expected[0] || found == expected[1];
        });
        for (const std::size_t next : {1, 0, 1}) {
            index = sites[next].load();
            ASSERT_TRUE(sites[1 - next].rig.all_free()) << "round " << round;
        }
    }
    EXPECT_TRUE(sites[0].rig.all_free() && sites[1].rig.all_free());
}

TEST(IndexLifetime, MayBeDestroyedWhileSixteenThreadsSearchItsFaissView) {
    const Site site(1);
    const auto expected = ids_of(site);
    for (int round = 0; round < rounds(); ++round) {
        auto index = std::make_unique<ShardedIndex>(site.load());
        const std::unique_ptr<faiss::Index> view = as_faiss_index(*index);
        const Searchers searchers(5, [&] {
            std::vector<float> distances(k);
            std::vector<std::int64_t> labels(k);
            view->search(1, query.data(), k, distances.data(), labels.data());
            return labels == expected;
        });
        index.reset();
    }
    EXPECT_TRUE(site.rig.all_free());
}

/// How a forked child ends that does `work`: 0 when that was true. One that hangs is ended by SIGALRM.
int status_of_child(const std::function<bool()>& work) {
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        bool is_right = false;
        try {
            is_right = work();
        } catch (...) {
            is_right = false;
        }
        _exit(is_right ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

bool is_refused_as_forked(const std::function<void()>& call) {
    try {
        call();
        return false;
    } catch (const InvalidArgument& error) {
        return std::string_view(error.what()).find("is a fork without the threads that search") !=
               std::string_view::npos;
    }
}

TEST(ForkedProcess, IsToldThatItCannotSearch) {
    const Site site(1);
    const ShardedIndex index = site.load();
    for (const Call& call : every_call()) {
        SCOPED_TRACE(call.name);
        EXPECT_EQ(status_of_child([&] {
                      const auto run = [&] { call.run(index); };
                      if (call.needs_threads) return is_refused_as_forked(run);
                      run();
                      return true;
                  }),
                  0);
    }
    EXPECT_EQ(status_of_child([&] {
                  const auto view = as_faiss_index(index);
                  float distance = 0;
                  std::int64_t label = 0;
                  try {
                      view->search(1, query.data(), 1, &distance, &label);
                  } catch (const faiss::FaissException&) {
                      return true;
                  }
                  return false;
              }),
              0);
    EXPECT_EQ(ids_of(index), ids_of(site));
}

TEST(ForkedProcess, MayDestroyMoveAndReplaceWhatItInheritedWhileOthersSearch) {
    const Site site(1);
    const auto expected = ids_of(site);
    ShardedIndex index = site.load();
    ShardedIndex other = site.load();
    std::atomic<bool> is_over = false;
    {
        std::atomic<int> begun = 0;
        const Searchers searchers(1, [&] {
            ++begun;
            bool is_right = true;
            while (!is_over) is_right = is_right && ids_of(index) == expected;
            return is_right;
        });
        while (begun < thread_count) std::this_thread::yield();
        for (int fork = 0; fork < 20; ++fork) {
            EXPECT_EQ(status_of_child([&] {
                          if (!is_refused_as_forked([&] { index.search(query, k); })) return false;
                          swap(index, other);
                          index = std::move(other);
                          const ShardedIndex gone(std::move(index));
                          return gone.count() == row_count;
                      }),
                      0);
        }
        is_over = true;
    }
    EXPECT_EQ(ids_of(index), expected);
}

TEST(ForkedProcess, SearchesWhatItLoadsItself) {
#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "ThreadSanitizer does not let a fork of a process with several threads start any";
#endif
    // Batches of this size go through BLAS and OpenMP, which the parent has used by then. The budget is also that of
    // the index that was inherited, so the child may search in smaller tiles: last digits of distances may differ.
    const Rows rows = uniform_rows(3000, 24, 1);
    faiss::IndexFlatL2 source(24);
    source.add(rows.count, rows.values.data());
    LoadOptions options;
    options.devices = "cpu=1MiB*2";
    ShardedIndex index = load(source, options);
    const SearchResult expected = index.search(64, rows.values.data(), 10);
    EXPECT_EQ(status_of_child([&] {
                  index = load(source, options);
                  return index.search(64, rows.values.data(), 10).ids == expected.ids;
              }),
              0);
}

}  // namespace
}  // namespace gpushard
