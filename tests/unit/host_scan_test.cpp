// The host's own scan: its kernel on every kind of processor that this one can be, what it selects, and its threads.

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <hwy/highway.h>
#include <limits>
#include <numeric>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cpu/candidate_lists.hpp"
#include "cpu/row_scan.hpp"
#include "cpu/scan_threads.hpp"
#include "shard/row_kernels.hpp"

namespace gpushard {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

TEST(Candidates, AreInOrderOfDistanceAndThenOfRow) {
    const float distances[] = {-infinity, -1e30F, -1, -1e-40F, -0.0F, 1e-40F, 1, 1e30F, infinity};
    for (std::size_t i = 0; i + 1 < std::size(distances); ++i) {
        EXPECT_LT(make_candidate(distances[i], 0xffffffffU), make_candidate(distances[i + 1], 0)) << distances[i];
        EXPECT_LT(make_candidate(distances[i], 7), make_candidate(distances[i], 8));
        EXPECT_EQ(distance_of(make_candidate(distances[i], 9)), distances[i]);
        EXPECT_EQ(row_of(make_candidate(distances[i], 0xffffffffU)), 0xffffffffLL);
    }
    EXPECT_EQ(make_candidate(-0.0F, 3), make_candidate(0.0F, 3));
}

/// Memory of lists, aligned.
struct ListMemory {
    ListMemory(std::int64_t queries, std::int64_t k) : words(CandidateLists::bytes(queries, k) / 8 + 1) {}
    std::byte* data() { return reinterpret_cast<std::byte*>(words.data()); }
    std::vector<std::uint64_t> words;
};

TEST(CandidateLists, KeepTheBestOfWhatTheyAreOffered) {
    std::mt19937 random(1);
    for (const std::int64_t k : {1, 2, 10, 64, 65, 300}) {
        for (const std::uint32_t rows : {1U, 7U, 74U, 75U, 1000U, 5000U}) {
            for (const int kinds : {1, 3, 1000, 0}) {
                ListMemory memory(2, k);
                CandidateLists lists(memory.data(), 2, k);
                std::vector<std::pair<float, std::int64_t>> all;
                for (std::uint32_t row = 0; row < rows; ++row) {
                    float distance = kinds == 0 ? -static_cast<float>(row)
                                                : static_cast<float>(random() % static_cast<unsigned>(kinds));
                    if (random() % 50 == 0) distance = infinity;
                    if (random() % 50 == 0) distance = std::numeric_limits<float>::quiet_NaN();
                    lists.offer(1, distance, row);
                    if (!std::isnan(distance)) all.emplace_back(distance, row);
                }
                std::sort(all.begin(), all.end());
                all.resize(std::min(all.size(), static_cast<std::size_t>(k)));
                std::vector<std::pair<float, std::int64_t>> found;
                for (const Candidate candidate : lists.sorted(1)) {
                    found.emplace_back(distance_of(candidate), row_of(candidate));
                }
                EXPECT_EQ(found, all) << "k " << k << ", " << rows << " rows, " << kinds << " kinds";
                EXPECT_TRUE(lists.sorted(0).empty());
            }
        }
    }
}

/// Rows of one precision with room behind them, and queries as the kernel reads them.
class ScanCase {
public:
    ScanCase(Precision precision, std::int64_t dim, std::int64_t rows, std::int64_t queries, float offset,
             float spread = 1)
        : precision_(precision), dim_(dim), rows_(rows), count_(queries) {
        std::mt19937 random(static_cast<unsigned>(dim * 31 + rows));
        std::normal_distribution<float> normal(offset, spread);
        const auto size = static_cast<std::size_t>(rows * dim);
        std::vector<float> values(size);
        for (float& value : values) value = normal(random);
        held_.resize(size);
        round_values(precision, values.data(), rows * dim, held_.data());
        stored_.resize(size * element_bytes(precision) + row_padding);
        for (std::size_t i = 0; i < size; ++i) {
            if (precision == Precision::f32) {
                reinterpret_cast<float*>(stored_.data())[i] = held_[i];
            } else {
                std::uint16_t bits = 0;
                if (precision == Precision::f16) round_rows_to_f16(&held_[i], 1, 1, &bits, nullptr);
                if (precision == Precision::bf16) round_rows_to_bf16(&held_[i], 1, 1, &bits, nullptr);
                reinterpret_cast<std::uint16_t*>(stored_.data())[i] = bits;
            }
        }
        // What lies behind the last row is none of it, whatever it is.
        std::fill(stored_.end() - row_padding, stored_.end(), std::byte{0xff});
        queries_.resize(static_cast<std::size_t>(queries * padded_dim(dim)) + 16);
        terms_.resize(static_cast<std::size_t>(queries));
        for (std::int64_t query = 0; query < queries; ++query) {
            for (std::int64_t i = 0; i < dim; ++i) this->query(query)[i] = normal(random);
            terms_[static_cast<std::size_t>(query)] = normal(random);
            squared_norms_.push_back(
                std::inner_product(this->query(query), this->query(query) + dim, this->query(query), 0.0F));
        }
        wide_.resize(static_cast<std::size_t>(widened_rows * padded_dim(dim)) + 16, 3e38F);
    }

    float* query(std::int64_t query) { return aligned(queries_) + query * padded_dim(dim_); }

    /// Distances of all rows to some of the queries, by row.
    std::vector<std::vector<float>> distances(Metric metric, std::int64_t first_query, std::int64_t queries,
                                              std::int64_t first_row, std::int64_t rows) {
        ListMemory memory(queries, rows);
        CandidateLists lists(memory.data(), queries, rows);
        scan(metric, first_query, queries, first_row, rows, lists);
        std::vector<std::vector<float>> found(static_cast<std::size_t>(queries),
                                              std::vector<float>(static_cast<std::size_t>(rows), NAN));
        for (std::int64_t q = 0; q < queries; ++q) {
            for (const Candidate candidate : lists.sorted(q)) {
                found[static_cast<std::size_t>(q)][static_cast<std::size_t>(row_of(candidate) - first_row)] =
                    distance_of(candidate);
            }
        }
        return found;
    }

    /// Of rows in float32.
    void hold(std::int64_t row, const float* values) {
        std::copy_n(values, dim_, reinterpret_cast<float*>(stored_.data()) + row * dim_);
    }

    /// The best k by L2 for all queries, of which so many are scanned at once.
    std::vector<std::vector<Candidate>> nearest(std::int64_t k, std::int64_t at_once) {
        constexpr std::int64_t chunk = 300;
        std::vector<std::vector<Candidate>> found;
        for (std::int64_t first_query = 0; first_query < count_; first_query += at_once) {
            const std::int64_t queries = std::min(at_once, count_ - first_query);
            ListMemory memory(queries, k);
            CandidateLists lists(memory.data(), queries, k);
            for (std::int64_t first = 0; first < rows_; first += chunk) {
                scan(Metric::l2, first_query, queries, first, std::min(chunk, rows_ - first), lists);
            }
            for (std::int64_t q = 0; q < queries; ++q) {
                const std::span<const Candidate> sorted = lists.sorted(q);
                found.emplace_back(sorted.begin(), sorted.end());
            }
        }
        return found;
    }

    void expect_right(Metric metric) {
        const auto found = distances(metric, 0, count_, 0, rows_);
        for (std::int64_t q = 0; q < count_; ++q) {
            for (std::int64_t row = 0; row < rows_; ++row) {
                double exact = 0;
                double scale = 1;
                for (std::int64_t i = 0; i < dim_; ++i) {
                    const double x = held_[static_cast<std::size_t>(row * dim_ + i)];
                    const double y = query(q)[i];
                    exact += metric == Metric::l2 ? (x - y) * (x - y) : -x * y;
                    scale += metric == Metric::l2 ? (x - y) * (x - y) : std::abs(x * y);
                }
                if (metric != Metric::l2) exact -= terms_[static_cast<std::size_t>(q)];
                ASSERT_NEAR(found[static_cast<std::size_t>(q)][static_cast<std::size_t>(row)], exact, 1e-6 * scale)
                    << "query " << q << ", row " << row;
            }
        }
    }

    /// Each pair has the same distance whatever it is scanned with.
    void expect_same_bits(Metric metric) {
        const auto all = distances(metric, 0, count_, 0, rows_);
        for (std::int64_t q = 0; q < count_; ++q) {
            for (std::int64_t at_once : {1, 2, 3, 5}) {
                if (q + at_once > count_) continue;
                const std::int64_t first_row = (q * 5 + at_once) % rows_;
                const auto some = distances(metric, q, at_once, first_row, rows_ - first_row);
                for (std::int64_t row = first_row; row < rows_; ++row) {
                    ASSERT_EQ(some[0][static_cast<std::size_t>(row - first_row)],
                              all[static_cast<std::size_t>(q)][static_cast<std::size_t>(row)])
                        << "query " << q << ", row " << row << ", " << at_once << " at once";
                }
            }
        }
    }

private:
    ScanQueries queries_from(Metric metric, std::int64_t first, std::int64_t count) {
        const std::vector<float>& terms = metric == Metric::l2 ? squared_norms_ : terms_;
        return {query(first), terms.data() + first, count};
    }

    void scan(Metric metric, std::int64_t first_query, std::int64_t queries, std::int64_t first_row, std::int64_t rows,
              CandidateLists& lists) {
        const ScanRows block = {
            .values = stored_.data() + static_cast<std::size_t>(first_row * dim_) * element_bytes(precision_),
            .precision = precision_,
            .dim = dim_,
            .count = rows,
            .first = static_cast<std::uint32_t>(first_row)};
        scan_block(metric, queries_from(metric, first_query, queries), block, aligned(wide_), lists);
    }

    static float* aligned(std::vector<float>& values) {
        const auto at = reinterpret_cast<std::uintptr_t>(values.data());
        return values.data() + (64 - at % 64) % 64 / sizeof(float);
    }

    const Precision precision_;
    const std::int64_t dim_;
    const std::int64_t rows_;
    const std::int64_t count_;
    std::vector<float> held_;
    std::vector<std::byte> stored_;
    std::vector<float> queries_;
    std::vector<float> terms_;
    std::vector<float> squared_norms_;
    std::vector<float> wide_;
};

/// Runs as a processor that can do no more than the target.
class OnTarget : public testing::TestWithParam<std::int64_t> {
protected:
    void SetUp() override { choose(GetParam()); }
    void TearDown() override { choose(0); }

private:
    static void choose(std::int64_t target) {
        hwy::SetSupportedTargetsForTest(target);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    }
};

TEST_P(OnTarget, EachDistanceIsRightAndTheSameBitsWhateverItIsScannedWith) {
    for (const Precision precision : {Precision::f32, Precision::f16, Precision::bf16}) {
        for (const std::int64_t dim : {1, 3, 7, 8, 15, 16, 17, 31, 64, 100, 257}) {
            for (const std::int64_t queries : {1, 2, 3, 4, 5, 6, 7, 13}) {
                for (const Metric metric : {Metric::inner_product, Metric::l2}) {
                    SCOPED_TRACE(std::string(to_string(precision)) + ", " + std::to_string(dim) + " dimensions, " +
                                 std::to_string(queries) + " queries, " + to_string(metric));
                    ScanCase scanned(precision, dim, 45, queries, 0.5F);
                    scanned.expect_right(metric);
                    scanned.expect_same_bits(metric);
                }
            }
        }
    }
}

/// Of many queries most rows are ruled out by their inner product; with one query every row is scored.
TEST_P(OnTarget, TheNearestByL2OfManyQueriesAreThoseOfOneAtATime) {
    struct Values {
        float offset;
        float spread;
    };
    for (const Values values : {Values{0, 1}, Values{1, 0.01F}, Values{100, 1}, Values{1e5F, 1}, Values{0, 1e-20F},
                                Values{0, 1e-25F}, Values{0, 1e18F}, Values{0, 8e18F}, Values{1e19F, 1e14F}}) {
        for (const std::int64_t dim : {1, 5, 16, 100}) {
            for (const std::int64_t k : {1, 10}) {
                SCOPED_TRACE(std::to_string(values.offset) + " +- " + std::to_string(values.spread) + ", " +
                             std::to_string(dim) + " dimensions, k " + std::to_string(k));
                ScanCase scanned(Precision::f32, dim, 1500, 61, values.offset, values.spread);
                for (std::int64_t row = 50; row < 1500; row += 50) scanned.hold(row, scanned.query(row % 61));
                const std::vector<float> no_number(static_cast<std::size_t>(dim), NAN);
                const std::vector<float> endless(static_cast<std::size_t>(dim), infinity);
                scanned.hold(1401, no_number.data());
                scanned.hold(1402, endless.data());
                ASSERT_EQ(scanned.nearest(k, 61), scanned.nearest(k, 1));
            }
        }
    }
    for (const Precision precision : {Precision::f16, Precision::bf16}) {
        ScanCase scanned(precision, 100, 1500, 61, 0.5F, 1);
        ASSERT_EQ(scanned.nearest(10, 61), scanned.nearest(10, 1));
    }
}

INSTANTIATE_TEST_SUITE_P(Processor, OnTarget, testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& target) { return std::string(hwy::TargetName(target.param)); });

TEST(ScanThreads, RunEachTaskOnceOnNoMoreThreadsThanAllowed) {
    for (const int threads : {1, 2, 5}) {
        ScanThreads pool(threads);
        for (const int most : {1, 2, 8}) {
            for (const std::int64_t tasks : {0, 1, 2, 100}) {
                std::vector<std::atomic<int>> runs(static_cast<std::size_t>(tasks));
                std::vector<std::atomic<int>> in_slot(static_cast<std::size_t>(most));
                pool.for_each(tasks, most, [&](std::int64_t task, int slot) {
                    ASSERT_LT(slot, std::min(most, threads));
                    EXPECT_EQ(in_slot[static_cast<std::size_t>(slot)].fetch_add(1), 0) << "two threads in a slot";
                    ++runs[static_cast<std::size_t>(task)];
                    --in_slot[static_cast<std::size_t>(slot)];
                });
                for (const auto& count : runs) EXPECT_EQ(count, 1);
            }
        }
    }
}

TEST(ScanThreads, ServeManyCallersWithNoMoreThreadsThanThereAre) {
    ScanThreads pool(2);
    std::atomic<int> running{0};
    std::atomic<int> most{0};
    std::atomic<std::int64_t> sum{0};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 8; ++caller) {
        callers.emplace_back([&] {
            for (int i = 0; i < 50; ++i) {
                pool.for_each(7, 4, [&](std::int64_t task, int /*slot*/) {
                    const int now = ++running;
                    int before = most;
                    while (before < now && !most.compare_exchange_weak(before, now)) {
                    }
                    sum += task;
                    --running;
                });
            }
        });
    }
    for (std::thread& caller : callers) caller.join();
    EXPECT_EQ(sum, 8 * 50 * 21);
    EXPECT_LE(most, 2);
}

TEST(ScanThreads, ThrowOnWhatATaskThrows) {
    ScanThreads pool(3);
    std::atomic<int> runs{0};
    const auto failing = [&](std::int64_t task, int /*slot*/) {
        ++runs;
        if (task == 5) throw std::runtime_error("task 5");
    };
    EXPECT_THROW(pool.for_each(1'000'000, 3, failing), std::runtime_error);
    EXPECT_LT(runs, 1'000'000);
    runs = 0;
    pool.for_each(4, 3, failing);
    EXPECT_EQ(runs, 4);
}

TEST(ScanThreads, AreThoseOfTheProcessWhileSomebodyHoldsThem) {
    const std::shared_ptr<ScanThreads> one = ScanThreads::of_process(1);
    EXPECT_EQ(ScanThreads::of_process(3), one);
    std::atomic<int> slots{0};
    std::atomic<int> waiting{0};
    // Three threads have to be there at a time, or this would never end.
    one->for_each(3, 3, [&](std::int64_t /*task*/, int slot) {
        ++waiting;
        while (waiting < 3) std::this_thread::yield();
        slots |= 1 << slot;
    });
    EXPECT_EQ(slots, 7);
}

}  // namespace
}  // namespace gpushard
