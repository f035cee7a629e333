#include "load/shard_loader.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#include <gpushard/error.hpp>

#include "core/plan_rules.hpp"
#include "core/underflow.hpp"
#include "load/centre_sample.hpp"
#include "load/load_progress.hpp"
#include "load/row_distribution.hpp"
#include "load/staging_shares.hpp"

namespace gpushard {
namespace {

using Clock = std::chrono::steady_clock;

/// Plan entries that hold rows.
std::vector<std::size_t> used_entries(const PlacementPlan& plan) {
    std::vector<std::size_t> used;
    for (std::size_t i = 0; i < plan.devices.size(); ++i) {
        if (plan.devices[i].rows.count() > 0) used.push_back(i);
    }
    return used;
}

std::vector<RowRange> row_ranges(const PlacementPlan& plan, const std::vector<std::size_t>& used) {
    std::vector<RowRange> ranges;
    for (const std::size_t i : used) ranges.push_back(plan.devices[i].rows);
    return ranges;
}

ShardSpec shard_spec(const PlacementPlan& plan, const ShardPlacement& placement, Bytes staging_bytes,
                     const LoadCentre& centre) {
    return {.index = plan.index,
            .precision = plan.precision,
            .rows = placement.rows,
            .tile = placement.tile,
            .memory = placement.memory,
            .k = plan.options.k,
            .max_batch = plan.options.max_batch,
            .staging_bytes = staging_bytes,
            .threads = std::max(1, plan.options.threads),
            .centre = centre.of(plan, placement)};
}

/// The exception being handled, as an Error that names the device; Errors stay what they are.
std::exception_ptr describe_current_exception(const std::string& device, const ShardMemory& planned) {
    try {
        throw;
    } catch (const Error&) {
        return std::current_exception();
    } catch (const std::bad_alloc&) {
        return std::make_exception_ptr(InsufficientMemory(
            device + ": ran out of memory, the plan needs " + format_bytes(planned.peak()) + " there", 0, {}, {},
            {{"device", device}, {"needed_bytes", static_cast<std::int64_t>(planned.peak())}}));
    } catch (const std::exception& error) {
        return std::make_exception_ptr(
            Error(ErrorKind::internal, device + ": " + error.what(), {}, {{"device", device}}));
    } catch (...) {
        return std::make_exception_ptr(
            Error(ErrorKind::internal, device + ": an exception of unknown type", {}, {{"device", device}}));
    }
}

std::string line_of(const std::exception_ptr& exception) {
    try {
        std::rethrow_exception(exception);
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return "an exception of unknown type";
    }
}

struct Failure {
    std::exception_ptr exception;
    std::optional<std::size_t> device;  ///< entry of the plan, of what was thrown on the thread of a device
    bool is_callers = false;            ///< thrown by on_progress
};

/// Throws what the caller's callback threw, else the first of several exceptions as it is; if that is an Error, the
/// others become hints of it.
[[noreturn]] void throw_first(const std::vector<Failure>& failures) {
    for (const Failure& failure : failures) {
        if (failure.is_callers) std::rethrow_exception(failure.exception);
    }
    try {
        std::rethrow_exception(failures.front().exception);
    } catch (Error& error) {
        for (std::size_t i = 1; i < failures.size(); ++i) error.add_hint("also: " + line_of(failures[i].exception));
        throw;
    }
}

/// One load under way: the threads that fill shards, and what they have come to.
class ShardLoad {
public:
    ShardLoad(const PlacementPlan& plan, const ByteSource& source, const std::vector<std::shared_ptr<Device>>& devices,
              const LoadOptions& options, LoadCentre centre)
        : plan_(plan),
          source_(source),
          devices_(devices),
          options_(options),
          centre_(std::move(centre)),
          used_(used_entries(plan)),
          staging_(share_out_staging(plan)),
          distribution_(source, plan.index, row_ranges(plan, used_), staging_.blocks),
          results_(used_.size()) {
        for (const std::size_t i : used_) free_before_.push_back(devices_[i]->free_bytes());
        failures_.reserve(used_.size() + 1);  // one for each thread, and one for on_progress
    }

    /// Throws what went wrong; every shard is destroyed then.
    void run() {
        {
            const std::stop_callback on_stop(options_.stop, [this] { distribution_.give_up(); });
            std::vector<std::jthread> threads;
            threads.reserve(used_.size());
            for (std::size_t i = 0; i < used_.size(); ++i) start(threads, i);
            report_until_done();
        }
        if (!failures_.empty()) throw_first(failures_);
        throw_if_cancelled();
        check_content_is_planned(plan_, source_);
        source_.check_unchanged();
        refuse_underflow(plan_.index, plan_.precision, findings());
        if (options_.on_progress) options_.on_progress(progress());
        throw_if_cancelled();
    }

    /// The entry of the plan whose device failed first. After run has thrown.
    std::optional<std::size_t> failed_device() const {
        return failures_.empty() ? std::nullopt : failures_.front().device;
    }

    /// After run has returned.
    LoadedShards finish() {
        LoadedShards loaded;
        loaded.shards.resize(plan_.devices.size());
        loaded.report = report();
        for (std::size_t i = 0; i < used_.size(); ++i) loaded.shards[used_[i]] = std::move(results_[i].shard);
        return loaded;
    }

private:
    struct Result {
        std::unique_ptr<Shard> shard;
        std::optional<double> seconds;  ///< unset while running
    };

    const ShardPlacement& placement(std::size_t i) const { return plan_.devices[used_[i]]; }
    double seconds_since_start() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

    void throw_if_cancelled() const {
        if (cancelled_ || options_.stop.stop_requested()) throw Cancelled("the load was cancelled");
    }

    void start(std::vector<std::jthread>& threads, std::size_t i) {
        try {
            threads.emplace_back([this, i] { fill(i); });
        } catch (...) {
            fail({describe_current_exception(placement(i).device.spec, placement(i).memory), used_[i]});
            done(i);
        }
    }

    /// The thread of one device.
    void fill(std::size_t i) noexcept {
        try {
            RowFeed& feed = distribution_.feed(i);
            const ShardSpec spec = shard_spec(plan_, placement(i), staging_.of(placement(i)), centre_);
            std::unique_ptr<Shard> shard = devices_[used_[i]]->load_shard(spec, feed);
            if (!shard || distribution_.rows_taken()[i] != placement(i).rows.count()) {
                throw Error(ErrorKind::internal,
                            placement(i).device.spec + ": the shard was returned before all its rows were loaded");
            }
            results_[i].shard = std::move(shard);
        } catch (const Cancelled&) {
            const std::lock_guard lock(mutex_);
            cancelled_ = true;
        } catch (...) {
            fail({describe_current_exception(placement(i).device.spec, placement(i).memory), used_[i]});
        }
        distribution_.end(i);
        done(i);
    }

    void fail(Failure failure) {
        {
            const std::lock_guard lock(mutex_);
            failures_.push_back(std::move(failure));
        }
        distribution_.give_up();
    }

    void done(std::size_t i) {
        const std::lock_guard lock(mutex_);
        results_[i].seconds = seconds_since_start();
        ++done_;
        changed_.notify_all();
    }

    /// Waits for all threads, calling on_progress in between.
    void report_until_done() {
        const auto interval = std::max<Clock::duration>(options_.progress_interval, std::chrono::milliseconds(1));
        bool reports = static_cast<bool>(options_.on_progress);
        std::unique_lock lock(mutex_);
        const auto all_done = [this] { return done_ == used_.size(); };
        while (reports && !changed_.wait_for(lock, interval, all_done)) {
            lock.unlock();
            try {
                options_.on_progress(progress());
            } catch (...) {
                fail({std::current_exception(), std::nullopt, true});
                reports = false;
            }
            lock.lock();
        }
        changed_.wait(lock, all_done);
    }

    LoadProgress progress() {
        const std::vector<std::int64_t> rows_taken = distribution_.rows_taken();
        const std::lock_guard lock(mutex_);
        const double now = seconds_since_start();
        std::vector<ShardProgress> shards;
        for (std::size_t i = 0; i < used_.size(); ++i) {
            shards.push_back({.spec = placement(i).device.spec,
                              .loaded_bytes = payload_bytes(rows_taken[i]),
                              .total_bytes = payload_bytes(placement(i).rows.count()),
                              .seconds = results_[i].seconds.value_or(now)});
        }
        return load_progress(shards, now);
    }

    Bytes payload_bytes(std::int64_t rows) const { return static_cast<Bytes>(rows) * plan_.index.row_bytes(); }

    LoadReport report() const {
        LoadReport report;
        for (const ShardPlacement& placement : plan_.devices) {
            LoadReport::PerDevice device;
            device.spec = placement.device.spec;
            report.devices.push_back(device);
        }
        report.host_peak_bytes = distribution_.staging_peak() + staging_.of_all_cards;
        report.seconds = seconds_since_start();
        if (centre_.centre) report.centre = *centre_.centre;
        report.centre_sample_rows = centre_.sample_rows;
        static_cast<RowFindings&>(report) = findings();
        for (std::size_t i = 0; i < used_.size(); ++i) add_to(report, i);
        return report;
    }

    /// Every group holds every row: one of them counts them all.
    RowFindings findings() const {
        RowFindings found;
        for (std::size_t i = 0; i < used_.size(); ++i) {
            if (placement(i).group == placement(0).group) found.add(results_[i].shard->load_count());
        }
        return found;
    }

    void add_to(LoadReport& report, std::size_t i) const {
        const Shard& shard = *results_[i].shard;
        const MemoryUse memory = shard.memory();
        LoadReport::PerDevice& device = report.devices[used_[i]];
        device.measured_resident_bytes = memory.resident;
        device.measured_peak_bytes = memory.peak;
        const Bytes free_now = devices_[used_[i]]->free_bytes();
        device.measured_free_drop_bytes = free_before_[i] - std::min(free_before_[i], free_now);
        device.copied_bytes = shard.load_count().copied_bytes;
        device.seconds = *results_[i].seconds;
        device.bytes_per_second =
            device.seconds > 0 ? static_cast<double>(payload_bytes(placement(i).rows.count())) / device.seconds : 0;
        device.centred = centre_.of(plan_, placement(i)) != nullptr;
        if (placement(i).device.kind == DeviceKind::cpu) report.host_peak_bytes += memory.peak;
    }

    const PlacementPlan& plan_;
    const ByteSource& source_;
    const std::vector<std::shared_ptr<Device>>& devices_;
    const LoadOptions& options_;
    const LoadCentre centre_;
    const std::vector<std::size_t> used_;
    const StagingShares staging_;
    RowDistribution distribution_;
    std::vector<Bytes> free_before_;  ///< of each used device
    const Clock::time_point start_ = Clock::now();

    std::mutex mutex_;  ///< guards all below
    std::condition_variable changed_;
    std::vector<Result> results_;  ///< `shard` belongs to its thread until that is done
    std::size_t done_ = 0;
    std::vector<Failure> failures_;  ///< in the order they happened
    bool cancelled_ = false;
};

}  // namespace

LoadedShards load_shards(const PlacementPlan& plan, const std::shared_ptr<const ByteSource>& source,
                         const std::vector<std::shared_ptr<Device>>& devices, const LoadOptions& options,
                         std::optional<std::size_t>* failed) {
    if (!source) throw InvalidArgument("no source was given to load from");
    const Bytes read_before = source->bytes_read();
    check_plan(plan, DevicesOf::caller);
    check_devices_match(plan, devices);
    source->check_unchanged();
    check_source_is_planned_index(plan, *source);
    check_free_memory(plan, devices);
    if (options.stop.stop_requested()) throw Cancelled("the load was cancelled");

    ShardLoad load(plan, *source, devices, options, find_centre(plan, *source, options.stop));
    try {
        load.run();
    } catch (...) {
        if (failed != nullptr) *failed = load.failed_device();
        throw;
    }
    LoadedShards loaded = load.finish();
    loaded.report.file_bytes_read = source->bytes_read() - read_before;
    return loaded;
}

}  // namespace gpushard
