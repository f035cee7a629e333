#include "support/fake_device.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <gpushard/error.hpp>

#include "core/underflow.hpp"
#include "shard/centred_queries.hpp"
#include "support/half.hpp"

namespace gpushard::test {

/// The budget of a device, who has taken what of it, and the faults.
class FakeMemory {
public:
    FakeMemory(std::string spec, Bytes budget) : spec_(std::move(spec)), budget_(budget) {}

    void take(Bytes bytes) {
        operate();
        const std::int64_t number = allocations_++;
        if (faults_.before_allocation) faults_.before_allocation(number);
        const bool fails = number == faults_.failing_allocation ||
                           (faults_.persists && faults_.failing_allocation >= 0 && number > faults_.failing_allocation);
        if (fails && faults_.allocation_failure) std::rethrow_exception(faults_.allocation_failure);
        if (fails || bytes > free()) {
            throw InsufficientMemory(spec_ + ": " + format_bytes(bytes) + " wanted, " + format_bytes(free()) +
                                         " free, " + format_bytes(in_use_) + " held" + (fails ? " (injected)" : ""),
                                     bytes);
        }
        in_use_ += bytes;
    }
    void give_back(Bytes bytes) { in_use_ -= bytes; }
    Bytes free() const {
        if (faults_.hides_when_lost && is_lost()) throw lost();
        const Bytes taken = in_use_ + taken_by_others_;
        return budget_ - std::min(budget_, taken);
    }
    void set_taken_by_others(Bytes bytes) { taken_by_others_ = bytes; }

    void before_block() {
        if (faults_.before_block) faults_.before_block(blocks_);
        operate();
    }
    void block_done() { ++blocks_; }
    void operate() {
        if (is_lost()) throw lost();
        ++operations_;
    }

    using Faults = FakeDevice::Faults;
    void set_faults(Faults faults) {
        faults_ = std::move(faults);
        allocations_ = blocks_ = operations_ = 0;
    }
    const Faults& faults() const { return faults_; }
    const std::string& spec() const { return spec_; }
    std::int64_t allocations() const { return allocations_; }
    std::int64_t blocks() const { return blocks_; }

private:
    bool is_lost() const { return faults_.lost_after != Faults::never && operations_ >= faults_.lost_after; }
    DeviceError lost() const { return DeviceError(spec_, spec_ + ": the device was lost (injected)"); }

    std::string spec_;
    Bytes budget_;
    Bytes in_use_ = 0;
    Bytes taken_by_others_ = 0;
    Faults faults_;
    std::int64_t allocations_ = 0;
    std::int64_t blocks_ = 0;
    std::int64_t operations_ = 0;
};

namespace {

class Allocation {
public:
    Allocation(std::shared_ptr<FakeMemory> memory, Bytes bytes) : memory_(std::move(memory)), bytes_(bytes) {
        memory_->take(bytes_);
    }
    Allocation(const Allocation&) = delete;
    Allocation& operator=(const Allocation&) = delete;
    ~Allocation() { memory_->give_back(bytes_); }

private:
    std::shared_ptr<FakeMemory> memory_;
    Bytes bytes_;
};

constexpr Bytes fixed_bytes = 4_KiB;

Bytes scratch_bytes(std::int64_t queries, std::int64_t tile_rows, std::int64_t k) {
    return static_cast<Bytes>(queries) * (static_cast<Bytes>(tile_rows) * 4 + static_cast<Bytes>(k) * 12);
}

struct Candidate {
    float distance;  ///< smaller is better
    std::int64_t id;
    bool operator<(const Candidate& other) const {
        return distance != other.distance ? distance < other.distance : id < other.id;
    }
};

class FakeShard final : public Shard {
public:
    FakeShard(std::shared_ptr<FakeMemory> memory, const ShardSpec& spec)
        : memory_(std::move(memory)),
          spec_(spec),
          fixed_(memory_, spec.memory.fixed),
          vectors_(memory_, spec.memory.resident),
          rows_(static_cast<std::size_t>(spec.rows.count() * spec.index.dim)) {}

    void fill(RowFeed& feed) {
        if (memory_->faults().never_asks) return;
        std::int64_t missing = spec_.rows.count();
        while (true) {
            memory_->before_block();
            float* const destination = spec_.precision == Precision::f32 ? rows_.data() : nullptr;
            const auto block = feed.next(destination);
            if (!block) return;
            store(*block);
            memory_->block_done();
            missing -= block->row_count;
            if (memory_->faults().ends_early || (missing == 0 && memory_->faults().stops_at_last_row)) return;
        }
    }

    void search(std::int64_t query_count, const float* queries, std::int64_t k, float* distances,
                std::int64_t* ids) override {
        if (memory_->faults().before_search) memory_->faults().before_search();
        memory_->operate();
        const std::int64_t tile_rows = std::min(spec_.tile.rows, spec_.rows.count());
        // A plan for a card grants the scratch as a part of what is fixed.
        const Bytes stack = spec_.memory.fixed - std::min(spec_.memory.fixed, fixed_bytes);
        const auto batch = std::min<std::int64_t>(
            spec_.tile.queries,
            static_cast<std::int64_t>((stack + spec_.memory.scratch) / scratch_bytes(1, tile_rows, k)));
        if (batch < 1) {
            throw InsufficientMemory(
                memory_->spec() + ": one query with k " + std::to_string(k) + " exceeds the planned scratch",
                scratch_bytes(1, tile_rows, k) - spec_.memory.scratch);
        }
        for (std::int64_t i = 0; i < query_count; ++i) {
            const Bytes needed = scratch_bytes(std::min(batch, query_count), tile_rows, k);
            const Allocation scratch(memory_, needed - std::min(needed, stack));
            peak_ = std::max(peak_, resident_and_fixed() + needed - std::min(needed, stack));
            search_one(queries + i * spec_.index.dim, k, distances + i * k, ids + i * k);
        }
    }

    MemoryUse memory() const override {
        return {.resident = spec_.memory.resident, .current = resident_and_fixed(), .peak = peak_};
    }
    LoadCount load_count() const override { return count_; }

private:
    Bytes resident_and_fixed() const { return spec_.memory.resident + spec_.memory.fixed; }

    void store(const RowBlock& block) {
        const std::int64_t dim = spec_.index.dim;
        for (std::int64_t i = 0; i < block.row_count; ++i) {
            store_row(block.first_row + i, block.rows + i * dim);
        }
        refuse_underflow(spec_.index, spec_.precision, count_);
        count_.copied_bytes += static_cast<Bytes>(block.row_count * dim) * element_bytes(spec_.precision);
    }

    void store_row(std::int64_t row, const float* values) {
        float* const out = rows_.data() + (row - spec_.rows.begin) * spec_.index.dim;
        bool finite = true;
        double squares = 0;
        for (std::int32_t i = 0; i < spec_.index.dim; ++i) {
            const float value = spec_.centre ? values[i] - (*spec_.centre)[static_cast<std::size_t>(i)] : values[i];
            finite = finite && std::isfinite(value);
            const float kept = spec_.precision == Precision::f16 ? round_to_half(value) : value;
            if (std::isfinite(value) && !std::isfinite(kept)) {
                throw BadFile("row " + std::to_string(row) + " has a value beyond float16");
            }
            out[i] = kept;
            squares += static_cast<double>(value) * value;
            if (spec_.precision == Precision::f16 && value != 0 && std::abs(value) < std::ldexp(1.0F, -21)) {
                ++count_.underflowed_values;
            }
        }
        const bool is_small = squares > 0 && squares < spec_.index.dim * std::ldexp(1.0, -34);
        if (spec_.precision == Precision::f16 && is_small) {
            count_.add({.underflowed_rows = 1, .first_underflowed_row = row});
        }
        if (spec_.index.metric == Metric::l2 && finite && squares > std::numeric_limits<float>::max() / 2) {
            count_.add({.overflowing_norm_rows = 1, .first_overflowing_norm_row = row});
        }
        if (finite) return;
        count_.add({.non_finite_rows = 1, .first_non_finite_row = row});
    }

    void search_one(const float* query, std::int64_t k, float* distances, std::int64_t* ids) const {
        const float direction = is_similarity(spec_.index.metric) ? -1.0f : 1.0f;
        std::vector<float> asked(query, query + spec_.index.dim);
        double lacking = 0;
        if (spec_.centre && shifts_queries(spec_.index.metric)) {
            subtract_centre(query, 1, spec_.index.dim, spec_.centre->data(), asked.data());
        } else if (spec_.centre) {
            lacking = centre_product(query, spec_.centre->data(), spec_.index.dim);
        }
        std::vector<Candidate> candidates;
        for (std::int64_t row = 0; row < spec_.rows.count(); ++row) {
            const double found = distance(asked.data(), rows_.data() + row * spec_.index.dim) + lacking;
            candidates.push_back({direction * static_cast<float>(found), spec_.rows.begin + row});
        }
        std::sort(candidates.begin(), candidates.end());
        for (std::int64_t i = 0; i < k; ++i) {
            const bool found = i < spec_.rows.count();
            const auto at = static_cast<std::size_t>(i);
            distances[i] = direction * (found ? candidates[at].distance : HUGE_VALF);
            ids[i] = found ? candidates[at].id : -1;
        }
    }

    float distance(const float* query, const float* row) const {
        float sum = 0;
        for (std::int32_t i = 0; i < spec_.index.dim; ++i) {
            const float difference = query[i] - row[i];
            sum += spec_.index.metric == Metric::inner_product ? query[i] * row[i] : difference * difference;
        }
        return sum;
    }

    std::shared_ptr<FakeMemory> memory_;
    ShardSpec spec_;
    Allocation fixed_;
    Allocation vectors_;
    std::vector<float> rows_;
    Bytes peak_ = resident_and_fixed();
    LoadCount count_;
};

}  // namespace

FakeDevice::FakeDevice(std::string spec, Bytes budget)
    : info_{.spec = spec,
            .name = "fake device",
            .uuid = {},
            .pci = {},
            .kind = DeviceKind::cuda,
            .total_bytes = budget,
            .free_bytes = budget,
            .context_bytes = 0,
            .bytes_per_second = 1e9},
      memory_(std::make_shared<FakeMemory>(std::move(spec), budget)) {}

FakeDevice::~FakeDevice() = default;

Bytes FakeDevice::free_bytes() const { return memory_->free(); }

std::unique_ptr<Shard> FakeDevice::load_shard(const ShardSpec& spec, RowFeed& feed) {
    last_spec_ = spec;
    if (spec.index.metric != Metric::inner_product && spec.index.metric != Metric::l2) {
        throw InvalidArgument("the fake device does not compute " + to_string(spec.index.metric));
    }
    if (spec.memory.peak() > free_bytes()) {
        throw InsufficientMemory(
            info_.spec + ": " + format_bytes(spec.memory.peak()) + " planned, " + format_bytes(free_bytes()) + " free",
            spec.memory.peak() - free_bytes());
    }
    auto shard = std::make_unique<FakeShard>(memory_, spec);
    shard->fill(feed);
    return shard;
}

void FakeDevice::set_taken_by_others(Bytes bytes) { memory_->set_taken_by_others(bytes); }
void FakeDevice::set_faults(Faults faults) { memory_->set_faults(std::move(faults)); }
std::int64_t FakeDevice::allocations() const { return memory_->allocations(); }
std::int64_t FakeDevice::blocks_loaded() const { return memory_->blocks(); }

ShardMemory FakeDevice::planned_memory(const ShardSpec& spec) {
    return {.resident = static_cast<Bytes>(spec.rows.count()) * static_cast<Bytes>(spec.index.dim) *
                        element_bytes(spec.precision),
            .fixed = fixed_bytes,
            .scratch = scratch_bytes(spec.tile.queries, std::min(spec.tile.rows, spec.rows.count()), spec.k)};
}

}  // namespace gpushard::test
