#include "contract/rig_device.hpp"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
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
            sum.add(count);
        }
        return sum;
    }

private:
    std::vector<std::unique_ptr<Shard>> parts_;
    bool similarity_;
};

/// Where the parts of a load wait with their memory until all have it, and then until the rows are there.
class Gate {
public:
    explicit Gate(std::size_t parts) : missing_(parts) {}

    /// Of a part that has its memory: returns when the rows may be taken. Throws Cancelled when the load was given up.
    void wait_for_rows() {
        std::unique_lock lock(mutex_);
        --missing_;
        changed_.notify_all();
        changed_.wait(lock, [&] { return is_open_ || given_up_; });
        if (given_up_) throw Cancelled("another part of the rig failed");
    }

    /// Of a part that failed before it came here.
    void will_not_come() {
        const std::lock_guard lock(mutex_);
        --missing_;
        given_up_ = true;
        changed_.notify_all();
    }

    /// False when the load was given up.
    bool wait_for_parts() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return missing_ == 0; });
        return !given_up_;
    }

    void open() {
        const std::lock_guard lock(mutex_);
        is_open_ = true;
        changed_.notify_all();
    }

    void give_up() {
        const std::lock_guard lock(mutex_);
        given_up_ = true;
        changed_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t missing_;
    bool is_open_ = false;
    bool given_up_ = false;
};

/// A part of the rig and its shard, made on a thread of its own.
struct PartLoad {
    std::shared_ptr<Device> device;
    ShardSpec spec;
    std::unique_ptr<Shard> shard;
    std::exception_ptr failure;

    void run(const Rows& rows, Gate& gate) {
        bool has_come = false;
        RowsFeed feed(rows, spec.rows, cut(spec.rows, 64), true);
        feed.before_block = [&](std::int64_t) {
            if (!std::exchange(has_come, true)) gate.wait_for_rows();
        };
        try {
            shard = device->load_shard(spec, feed);
        } catch (...) {
            failure = std::current_exception();
        }
        if (!has_come) gate.will_not_come();
    }
};

/// The failure that the others were cancelled for, if there is any.
std::exception_ptr first_cause(const std::vector<PartLoad>& loads) {
    std::exception_ptr cause;
    for (const PartLoad& load : loads) {
        if (!load.failure) continue;
        try {
            std::rethrow_exception(load.failure);
        } catch (const Cancelled&) {
            if (!cause) cause = load.failure;
        } catch (...) {
            return load.failure;
        }
    }
    return cause;
}

/// All rows of a feed.
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
    double all_bytes = 0;
    for (const auto& part : parts_) all_bytes += static_cast<double>(part->info().total_bytes);
    std::vector<ShardSpec> specs;
    double bytes_before = 0;
    std::int64_t begin = spec.rows.begin;
    for (const auto& part : parts_) {
        bytes_before += static_cast<double>(part->info().total_bytes);
        ShardSpec part_spec = spec;
        part_spec.rows = {
            begin, spec.rows.begin + std::llround(static_cast<double>(spec.rows.count()) * (bytes_before / all_bytes))};
        begin = part_spec.rows.end;
        if (part_spec.rows.count() > 0) part_spec.memory = plan_memory_(*part, part_spec);
        specs.push_back(part_spec);
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
    std::vector<PartLoad> loads;
    const std::vector<ShardSpec> specs = split(spec);
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        if (specs[i].rows.count() > 0) loads.push_back({parts_[i], specs[i], nullptr, nullptr});
    }
    Rows rows;
    Gate gate(loads.size());
    std::vector<std::thread> threads;
    for (PartLoad& load : loads) threads.emplace_back([&] { load.run(rows, gate); });
    std::exception_ptr failure;
    try {
        if (gate.wait_for_parts()) {
            rows = gather(spec, feed);
            gate.open();
        }
    } catch (...) {
        failure = std::current_exception();
        gate.give_up();
    }
    for (std::thread& thread : threads) thread.join();
    if (!failure) failure = first_cause(loads);
    if (failure) std::rethrow_exception(failure);

    std::vector<std::unique_ptr<Shard>> shards;
    for (PartLoad& load : loads) shards.push_back(std::move(load.shard));
    return std::make_unique<RigShard>(std::move(shards), is_similarity(spec.index.metric));
}

}  // namespace gpushard::test
