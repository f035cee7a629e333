#include "contract/rig_device.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <gpushard/error.hpp>

#include "core/top_k_merge.hpp"
#include "support/rows_feed.hpp"

namespace gpushard::test {
namespace {

class RigShard final : public Shard {
public:
    RigShard(std::vector<std::unique_ptr<Shard>> parts, bool similarity)
        : parts_(std::move(parts)), similarity_(similarity) {}

    void search(std::int64_t query_count, const float* queries, std::int64_t k, float* distances,
                std::int64_t* ids) override {
        const auto size = static_cast<std::size_t>(query_count * k);
        std::vector<std::vector<float>> found_distances(parts_.size(), std::vector<float>(size));
        std::vector<std::vector<std::int64_t>> found_ids(parts_.size(), std::vector<std::int64_t>(size));
        std::vector<TopKList> lists;
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            parts_[i]->search(query_count, queries, k, found_distances[i].data(), found_ids[i].data());
            lists.push_back({found_distances[i].data(), found_ids[i].data(), k});
        }
        merge_top_k(lists, query_count, k, similarity_, distances, ids);
    }

    MemoryUse memory() const override {
        MemoryUse sum;
        for (const auto& part : parts_) {
            const MemoryUse use = part->memory();
            sum.resident += use.resident;
            sum.current += use.current;
            sum.peak += use.peak;
        }
        return sum;
    }

    LoadCount load_count() const override {
        LoadCount sum;
        for (const auto& part : parts_) {
            const LoadCount count = part->load_count();
            sum.copied_bytes += count.copied_bytes;
            sum.non_finite_rows += count.non_finite_rows;
            if (count.first_non_finite_row >= 0 &&
                (sum.first_non_finite_row < 0 || count.first_non_finite_row < sum.first_non_finite_row)) {
                sum.first_non_finite_row = count.first_non_finite_row;
            }
        }
        return sum;
    }

private:
    std::vector<std::unique_ptr<Shard>> parts_;
    bool similarity_;
};

/// All rows of a feed, which the parts then load one after another.
Rows gather(const ShardSpec& spec, RowFeed& feed) {
    Rows rows;
    rows.dim = spec.index.dim;
    rows.count = spec.index.count;
    rows.values.resize(static_cast<std::size_t>(rows.count * rows.dim));
    while (const std::optional<RowBlock> block = feed.next()) {
        std::copy_n(block->rows, block->row_count * rows.dim, rows.values.begin() + block->first_row * rows.dim);
    }
    return rows;
}

}  // namespace

RigDevice::RigDevice(std::vector<std::unique_ptr<Device>> parts, PlanMemory plan_memory, Bytes budget)
    : plan_memory_(std::move(plan_memory)), budget_(budget) {
    info_ = parts.front()->info();
    info_.spec = "rig";
    for (auto& part : parts) parts_.push_back(std::move(part));
}

Bytes RigDevice::free_bytes() const {
    Bytes held = 0;
    for (const auto& part : parts_)
        held += part->info().free_bytes - std::min(part->info().free_bytes, part->free_bytes());
    return budget_ - std::min(budget_, held);
}

std::vector<ShardSpec> RigDevice::split(const ShardSpec& spec) const {
    std::vector<ShardSpec> specs;
    const auto count = static_cast<std::int64_t>(parts_.size());
    for (std::int64_t i = 0; i < count; ++i) {
        ShardSpec part = spec;
        part.rows = {spec.rows.begin + spec.rows.count() * i / count,
                     spec.rows.begin + spec.rows.count() * (i + 1) / count};
        if (part.rows.count() > 0) part.memory = plan_memory_(*parts_[static_cast<std::size_t>(i)], part);
        specs.push_back(part);
    }
    return specs;
}

ShardMemory RigDevice::planned_memory(const ShardSpec& spec) const {
    ShardMemory sum;
    for (const ShardSpec& part : split(spec)) {
        if (part.rows.count() == 0) continue;
        sum.resident += part.memory.resident;
        sum.fixed += part.memory.fixed;
        sum.scratch += part.memory.scratch;
    }
    return sum;
}

std::unique_ptr<Shard> RigDevice::load_shard(const ShardSpec& spec, RowFeed& feed) {
    if (spec.memory.peak() > free_bytes()) {
        throw InsufficientMemory("rig: too small", spec.memory.peak() - free_bytes());
    }
    const Rows rows = gather(spec, feed);
    std::vector<std::unique_ptr<Shard>> shards;
    const std::vector<ShardSpec> specs = split(spec);
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        if (specs[i].rows.count() == 0) continue;
        RowsFeed part(rows, specs[i].rows, cut(specs[i].rows, 64), true);
        shards.push_back(parts_[i]->load_shard(specs[i], part));
    }
    return std::make_unique<RigShard>(std::move(shards), is_similarity(spec.index.metric));
}

}  // namespace gpushard::test
