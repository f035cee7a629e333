#include <atomic>
#include <barrier>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <gpushard/faiss/faiss_index.hpp>
#include <gpushard/load.hpp>

#include "support/index_writer.hpp"
#include "support/temp_dir.hpp"

namespace gpushard::test {
namespace {

constexpr int thread_count = 16;

void search_from_all_threads(const LoadOptions& options) {
    const Rows rows = uniform_rows(3000, 24, 3);
    const TempDir folder;
    write_file(folder / "a.index", flat_index(rows, Metric::inner_product));
    const ShardedIndex index = load(folder / "a.index", options);

    const std::vector<std::int64_t> batches = {1, 3, 20, 50};
    std::vector<SearchResult> expected;
    for (const std::int64_t nq : batches) expected.push_back(index.search(nq, rows.values.data(), 10));

    std::atomic<int> different{0};
    std::barrier together(thread_count);
    std::vector<std::thread> threads;
    for (int t = 0; t < thread_count; ++t) {
        threads.emplace_back([&, t] {
            together.arrive_and_wait();
            for (int i = 0; i < 20; ++i) {
                const auto which = static_cast<std::size_t>(t + i) % batches.size();
                const SearchResult found = index.search(batches[which], rows.values.data(), 10);
                different += found.ids != expected[which].ids || found.distances != expected[which].distances;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(different, 0);
}

TEST(ConcurrentSearch, SixteenThreadsGetTheSameAnswers) {
    LoadOptions options;
    options.devices = "cpu=1MiB,cpu=2MiB,cpu=3MiB";
    search_from_all_threads(options);
}

TEST(ConcurrentSearch, SixteenThreadsOverReplicasGetTheSameAnswers) {
    LoadOptions options;
    options.devices = "cpu=1MiB*4";
    options.plan.strategy = Strategy::replicate;
    options.plan.replicas = 2;
    search_from_all_threads(options);
}

TEST(ConcurrentSearch, SixteenThreadsOverHalvesGetTheSameAnswers) {
    LoadOptions options;
    options.devices = "cpu=1MiB*2";
    options.plan.precision = PrecisionChoice::f16;
    search_from_all_threads(options);
}

TEST(ConcurrentSearch, TheIndexMayGoWhileItsFaissViewStays) {
    const Rows rows = uniform_rows(100, 8, 3);
    const TempDir folder;
    write_file(folder / "a.index", flat_index(rows, Metric::l2));
    std::unique_ptr<faiss::Index> view;
    {
        LoadOptions options;
        options.devices = "cpu";
        const ShardedIndex index = load(folder / "a.index", options);
        view = as_faiss_index(index);
    }
    float distance = 1;
    std::int64_t label = -1;
    view->search(1, rows.row(42), 1, &distance, &label);
    EXPECT_EQ(label, 42);
}

}  // namespace
}  // namespace gpushard::test
