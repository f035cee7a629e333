#include "bench/merge_comparison.hpp"

#include <algorithm>
#include <memory>
#include <random>
#include <utility>

#include <faiss/Index.h>
#include <faiss/IndexShards.h>

#include <gpushard/backend.hpp>
#include <gpushard/byte_source.hpp>

#include "bench/comparison_rows.hpp"
#include "bench/timing.hpp"
#include "bench/usage_meter.hpp"
#include "search/sharded_index_impl.hpp"

namespace gpushard::bench {
namespace {

constexpr std::int64_t shard_count = 8;
constexpr std::int64_t k = 100;
constexpr std::int64_t nq = 1024;
constexpr std::int64_t rows_per_shard = 1'000'000;
constexpr int dim = 4;

/// Ready answers of one shard, ids counted within the shard.
struct ReadyLists {
    std::vector<float> distances;
    std::vector<std::int64_t> ids;
};

ReadyLists make_lists(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    ReadyLists lists;
    std::vector<std::pair<float, std::int64_t>> answers(k);
    for (std::int64_t query = 0; query < nq; ++query) {
        for (auto& [distance, id] : answers) {
            distance = static_cast<float>(random() >> 40) / static_cast<float>(1 << 24);
            id = static_cast<std::int64_t>(random() % rows_per_shard);
        }
        std::sort(answers.begin(), answers.end(), [](const auto& a, const auto& b) {
            return a.first != b.first ? a.first > b.first : a.second < b.second;
        });
        for (const auto& [distance, id] : answers) {
            lists.distances.push_back(distance);
            lists.ids.push_back(id);
        }
    }
    return lists;
}

class ReadyFaissIndex : public faiss::Index {
public:
    explicit ReadyFaissIndex(const ReadyLists& lists) : faiss::Index(dim, faiss::METRIC_INNER_PRODUCT), lists_(lists) {
        ntotal = rows_per_shard;
    }
    void add(std::int64_t, const float*) override {}
    void reset() override {}
    void search(std::int64_t n, const float*, std::int64_t neighbors, float* distances, std::int64_t* labels,
                const faiss::SearchParameters*) const override {
        std::copy_n(lists_.distances.begin(), n * neighbors, distances);
        std::copy_n(lists_.ids.begin(), n * neighbors, labels);
    }

private:
    const ReadyLists& lists_;
};

// A ShardedIndex hands out the same memory search after search, so the lists are still there.
class ReadyShard : public Shard {
public:
    ReadyShard(const ReadyLists& lists, std::int64_t first_row) : lists_(lists) {
        for (std::int64_t& id : lists_.ids) id += first_row;
    }
    void search(std::int64_t n, const float*, std::int64_t neighbors, float* distances, std::int64_t* ids) override {
        if (distances == written_to_) return;
        std::copy_n(lists_.distances.begin(), n * neighbors, distances);
        std::copy_n(lists_.ids.begin(), n * neighbors, ids);
        written_to_ = distances;
    }
    MemoryUse memory() const override { return {}; }
    LoadCount load_count() const override { return {}; }

private:
    ReadyLists lists_;
    const float* written_to_ = nullptr;
};

ShardedIndexImpl make_sharded_index(const std::vector<ReadyLists>& lists) {
    PlacementPlan plan;
    plan.index.dim = dim;
    plan.index.count = shard_count * rows_per_shard;
    plan.index.metric = Metric::inner_product;
    plan.options.k = k;
    plan.options.max_batch = nq;
    std::vector<std::unique_ptr<Shard>> shards;
    for (const ReadyLists& list : lists) {
        ShardPlacement placement;
        placement.rows.begin = static_cast<std::int64_t>(shards.size()) * rows_per_shard;
        placement.rows.end = placement.rows.begin + rows_per_shard;
        placement.group = 0;
        shards.push_back(std::make_unique<ReadyShard>(list, placement.rows.begin));
        plan.devices.push_back(std::move(placement));
    }
    std::vector<std::shared_ptr<Device>> devices(shards.size());
    return {plan, LoadReport{}, view_memory(nullptr, 0), std::move(devices), std::move(shards)};
}

}  // namespace

Comparison compare_merge(int repetitions) {
    std::vector<ReadyLists> lists;
    for (std::int64_t s = 0; s < shard_count; ++s) lists.push_back(make_lists(static_cast<std::uint64_t>(s + 1)));
    const ShardedIndexImpl index = make_sharded_index(lists);
    faiss::IndexShards threaded(dim, true, true);
    faiss::IndexShards serial(dim, false, true);
    std::vector<std::unique_ptr<ReadyFaissIndex>> ready;
    for (const ReadyLists& list : lists) {
        ready.push_back(std::make_unique<ReadyFaissIndex>(list));
        threaded.add_shard(ready.back().get());
        serial.add_shard(ready.back().get());
    }

    const std::vector<float> queries(static_cast<std::size_t>(nq * dim), 0.5F);
    std::vector<float> distances(static_cast<std::size_t>(nq * k));
    std::vector<std::int64_t> ids(distances.size());
    const auto timed = [&](const auto& searched) {
        return seconds_per_call([&] { searched.search(nq, queries.data(), k, distances.data(), ids.data()); });
    };
    const auto copying = [&] {
        return seconds_per_call([&] {
            for (const auto& shard : ready) shard->search(nq, queries.data(), k, distances.data(), ids.data(), nullptr);
        });
    };
    const UsageMeter meter;
    Samples samples;
    FasterOf faiss;
    std::vector<double> copies;
    for (int i = 0; i < repetitions; ++i) {
        samples.ours.push_back(timed(index));
        faiss.measure([&] { return timed(threaded); }, [&] { return timed(serial); });
        copies.push_back(copying());
    }
    for (const double sample : faiss.samples()) samples.faiss.push_back(sample - median(copies));
    Comparison merge{"merge", "s", median(samples.ours), median(samples.faiss), 0};
    merge.ratio = merge.faiss / merge.ours;
    merge.trust = trust_in(samples, meter.usage());
    return merge;
}

}  // namespace gpushard::bench
